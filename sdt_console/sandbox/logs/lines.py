"""What applications write: Spring Boot's lines, plain or JSON, with their stack traces."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

LONG_LINE = 12_000
"""Characters of the very long line that turns up now and then."""


class Voice:
    """How one task writes.

    :param service: the container's name.
    :param structured: one JSON object a line instead of Spring's layout.
    :param source: where chance comes from.
    """

    def __init__(self, service: str, *, structured: bool, source: random.Random) -> None:
        self.service = service
        self.structured = structured
        self._random = source
        words = service.replace("-", " ").title().replace(" ", "")
        self.application = f"{words}Application"
        self._package = "io." + service.replace("-", ".")

    def line(
        self, at: float, level: str, logger: str, message: str, *, thread: str = "main", trace: str = ""
    ) -> str:
        """One line.

        :param at: seconds since the epoch.
        :param trace: correlation id; empty outside a request.
        """
        stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self.structured:
            fields = {
                "@timestamp": stamp,
                "level": level,
                "service": self.service,
                "logger": logger,
                "thread": thread,
                "message": message,
                "traceId": trace,
            }
            return json.dumps({key: value for key, value in fields.items() if value})
        correlation = f"[{self.service},{trace},{trace[:16]}]" if trace else f"[{self.service},,]"
        return f"{stamp} {level:>5} 1 --- {correlation} [{thread[-15:]:>15}] {logger[-40:]:<40} : {message}"

    def starting(self, at: float) -> list[str]:
        return [
            self.line(
                at,
                "INFO",
                f"{self._package}.{self.application}",
                f"Starting {self.application} using Java 21.0.5 with PID 1 (/app/{self.service}.jar)",
            ),
            self.line(at, "INFO", f"{self._package}.{self.application}", "The following 1 profile is active"),
        ]

    def ready(self, at: float, port: int, seconds: float) -> list[str]:
        return [
            self.line(
                at,
                "INFO",
                "o.s.b.w.embedded.tomcat.TomcatWebServer",
                f"Tomcat started on port {port} (http) with context path '/'",
            ),
            self.line(
                at,
                "INFO",
                f"{self._package}.{self.application}",
                f"Started {self.application} in {seconds:.3f} seconds (process running for "
                f"{seconds + 0.8:.3f})",
            ),
        ]

    def crashed(self, at: float) -> list[str]:
        cause = "java.net.UnknownHostException: mongodb.internal: Name or service not known"
        return [
            self.line(
                at,
                "WARN",
                "ConfigServletWebServerApplicationContext",
                "Exception encountered during context initialization - cancelling refresh attempt",
            ),
            self.line(at, "ERROR", "o.s.boot.SpringApplication", "Application run failed"),
            "org.springframework.beans.factory.BeanCreationException: Error creating bean with name "
            f"'mongoTemplate' defined in class path resource: {cause}",
            "\tat org.springframework.beans.factory.support.AbstractAutowireCapableBeanFactory.createBean"
            "(AbstractAutowireCapableBeanFactory.java:607)",
            f"\tat {self._package}.{self.application}.main({self.application}.java:14)",
            f"Caused by: {cause}",
            "\tat java.base/java.net.InetAddress.getAllByName(InetAddress.java:1801)",
            "\t... 23 common frames omitted",
        ]

    def out_of_memory(self, at: float) -> list[str]:
        return [
            self.line(
                at, "WARN", "i.m.c.i.binder.jvm.JvmMemoryMetrics", "Heap usage is at 97 % after collection"
            ),
            "[gc] Pause Full (Allocation Failure) 498M->497M(512M) 812.442ms",
        ]

    def stopping(self, at: float) -> list[str]:
        return [
            self.line(
                at,
                "INFO",
                "o.s.b.w.e.tomcat.GracefulShutdown",
                "Commencing graceful shutdown. Waiting for active requests to complete",
                thread="ionShutdownHook",
            ),
            self.line(
                at,
                "INFO",
                "o.s.b.w.e.tomcat.GracefulShutdown",
                "Graceful shutdown complete",
                thread="tomcat-shutdown",
            ),
        ]

    def everyday(self, at: float) -> list[str]:
        """What a request, or a bad moment, leaves: mostly one line, sometimes a stack trace."""
        chance = self._random.random()
        trace = f"{self._random.getrandbits(128):032x}"
        thread = f"nio-8080-exec-{self._random.randrange(1, 11)}"
        path = self._random.choice(("", "/search?q=java", "/42", "/42/history", "/batch"))
        resource = self.service.removesuffix("-service")
        took = int(self._random.lognormvariate(3.2, 0.8))
        controller = f"{self._package}.web.{self.application.removesuffix('Application')}Controller"
        if chance < 0.86:
            status = self._random.choice((200, 200, 200, 201, 204, 304))
            return [
                self.line(
                    at,
                    "INFO",
                    controller,
                    f"GET /{resource}s{path} {status} {took} ms",
                    thread=thread,
                    trace=trace,
                )
            ]
        if chance < 0.92:
            return [
                self.line(
                    at,
                    "DEBUG",
                    "o.s.c.c.c.ConfigServicePropertySource",
                    "Nothing has changed upstream",
                    thread="scheduling-1",
                )
            ]
        if chance < 0.965:
            return [
                self.line(
                    at,
                    "WARN",
                    "com.zaxxer.hikari.pool.ProxyLeakTask",
                    f"Slow query took {took * 40} ms on /{resource}s{path}",
                    thread=thread,
                    trace=trace,
                )
            ]
        if chance < 0.985:
            return self._error(at, resource, thread, trace)
        if chance < 0.993:
            return [
                f"\x1b[32m INFO\x1b[0m \x1b[36m{self.service}\x1b[0m coloured by a library that took the log "
                "for a terminal"
            ]
        return [
            self.line(
                at,
                "DEBUG",
                controller,
                "payload=" + "0123456789" * (LONG_LINE // 10),
                thread=thread,
                trace=trace,
            )
        ]

    def _error(self, at: float, resource: str, thread: str, trace: str) -> list[str]:
        return [
            self.line(
                at,
                "ERROR",
                "o.a.c.c.C.[.[.[/].[dispatcherServlet]",
                f"Servlet.service() threw exception for /{resource}s/42",
                thread=thread,
                trace=trace,
            ),
            "org.springframework.dao.QueryTimeoutException: Timeout while reading from mongodb:27017",
            f"\tat {self._package}.repository.Repository.findById(Repository.java:88)",
            f"\tat {self._package}.web.Controller.get(Controller.java:41)",
            "Caused by: java.net.SocketTimeoutException: Read timed out",
        ]
