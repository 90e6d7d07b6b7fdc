"""One session of the SDK an environment: region, profile, role, and a client for each service made once."""

from __future__ import annotations

import copy
import threading
from collections.abc import AsyncIterator
from typing import Any, Self

from sdt_console.clients.call import Caller
from sdt_console.errors import CloudError

CONNECT_S, READ_S = 5, 30
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class Aws:
    """Makes clients on first use; the SDK is imported then, not before.

    :param region: ``None`` for the SDK's own choice.
    :param role: ARN of a role to assume; empty for none.
    """

    def __init__(
        self, caller: Caller, *, region: str | None, profile: str | None = None, role: str = ""
    ) -> None:
        self.call = caller
        self.region = region
        self._session = _Session(region, profile, role)

    @property
    def watching(self) -> Self:
        """The same session for those who only watch; see :attr:`Caller.watching`."""
        view = copy.copy(self)
        view.call = self.call.watching
        return view

    def renew(self) -> None:
        """Look for credentials again before the next call, as after a new log-in."""
        self._session.renew()

    def client(self, service: str) -> Any:
        """The SDK's client for ``service`` (``ecs``, ``ecr``, …). Blocks: call it on the caller's pool."""
        return self._session.client(service)

    def streaming_client(self, service: str) -> Any:
        """A client of its own for answers that go on while they are read. Blocks, as :meth:`client`."""
        return self._session.streaming_client(service)

    def credentials(self) -> Any:
        """botocore's credentials, or ``None``; with a role, those that it is assumed by.

        A role is assumed again for as long as they are good. Blocks: call it on the caller's pool.
        """
        return self._session.credentials()

    async def read(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call ``operation`` (boto3's name, ``describe_services``), which only reads."""
        await self._ready(service)
        return await self.call(f"{service}:{_camel(operation)}", self._invoke, service, operation, parameters)

    async def change(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call ``operation``, which changes something.

        :raises CloudError: with ``unknown`` set if it may have been carried out all the same.
        """
        await self._ready(service)
        # Forced, the same update is another deployment each time; else it says what there should be.
        send = self.call.change_once if parameters.get("forceNewDeployment") else self.call.change
        return await send(f"{service}:{_camel(operation)}", self._invoke, service, operation, parameters)

    async def pages(self, service: str, operation: str, key: str, /, **parameters: Any) -> list[Any]:
        """All items under ``key`` of a paged ``operation``."""
        pages = self.each_page(service, operation, **parameters)
        return [item async for page in pages for item in page.get(key, [])]

    async def each_page(
        self, service: str, operation: str, /, **parameters: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """The pages of ``operation``, each asked for when it is wanted: a request of its own for the budget.

        :raises CloudError: AWS refused, or names the same page again and again.
        """
        await self._ready(service)
        name = _camel(operation)
        tokens = self._session.known_tokens(service, name)
        if tokens is None:
            tokens = await self.call("sdk:Pages", self._session.tokens, service, name)
        given, told = tokens
        token: Any = None
        while True:
            page = await self.read(service, operation, **parameters, **({given: token} if token else {}))
            yield page
            before, token = token, page.get(told)
            if not token:
                return
            if token == before:
                raise CloudError(f"{service}:{name} does not end", "the same page comes again")

    async def _ready(self, service: str) -> None:
        """Make the client before the call, so that what goes wrong with that is not taken for the call's."""
        if not self._session.has(service):
            name = "sts:AssumeRole" if self._session.role else "sdk:Client"
            await self.call(name, self.client, service)

    def _invoke(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.client(service), operation)(**parameters)
        return answer


class _Session:
    """The SDK's session and clients; every method blocks, and may be called from any thread."""

    def __init__(self, region: str | None, profile: str | None, role: str) -> None:
        self.role = role
        self._region = region
        self._profile = profile
        self._made: Any = None
        self._source: Any = None
        self._clients: dict[str, Any] = {}
        self._tokens: dict[tuple[str, str], tuple[str, str]] = {}
        self._lock = threading.Lock()

    def has(self, service: str) -> bool:
        return service in self._clients

    def client(self, service: str) -> Any:
        with self._lock:  # a session is not thread-safe while it makes a client
            if service not in self._clients:
                self._clients[service] = self._session().create_client(service, config=_config())
            return self._clients[service]

    def streaming_client(self, service: str) -> Any:
        # On an endpoint of one's own, `stream-127.0.0.1` would be no host.
        endpoint = str(self.client(service).meta.endpoint_url)
        own = ".vpce." in endpoint or not endpoint.rstrip("/").endswith(_AWS_HOSTS)
        with self._lock:
            from botocore.config import Config

            config = _config().merge(Config(inject_host_prefix=not own))
            return self._session().create_client(service, config=config)

    def credentials(self) -> Any:
        with self._lock:
            self._session()
            return self._source.get_credentials()

    def known_tokens(self, service: str, operation: str) -> tuple[str, str] | None:
        """As :meth:`tokens`, if it was asked before; does not block."""
        return self._tokens.get((service, operation))

    def tokens(self, service: str, operation: str) -> tuple[str, str]:
        """Members that name a page in request and answer; ``nextToken`` where the SDK knows of no pages."""
        asked = (service, operation)
        with self._lock:  # the SDK's files are slow to read: not by many threads at a time
            if asked not in self._tokens:
                self._tokens[asked] = self._paging(service, operation)
            return self._tokens[asked]

    @staticmethod
    def _paging(service: str, operation: str) -> tuple[str, str]:
        from botocore.exceptions import DataNotFoundError

        from sdt_console.clients.sdk import loader

        try:
            known = loader().load_service_model(service, "paginators-1")["pagination"]
        except DataNotFoundError:
            known = {}
        paging = known.get(operation, {"input_token": "nextToken", "output_token": "nextToken"})
        given, told = paging["input_token"], paging["output_token"]
        if not (isinstance(given, str) and isinstance(told, str) and told.isidentifier()):
            raise NotImplementedError(f"pages of {service}:{operation}")
        return given, told

    def renew(self) -> None:
        """Forget clients and credentials: the next call looks for credentials again."""
        with self._lock:
            self._source = self._made = None
            self._clients = {}

    def _session(self) -> Any:
        if self._made is None:
            from sdt_console.clients.sdk import assumed, opened

            self._source = opened(self._region, self._profile)
            self._made = assumed(self._source, self.role, _config()) if self.role else self._source
        return self._made


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        max_pool_connections=32,
        # The caller repeats calls, and knows which; in a client's configuration, `max_attempts` would count
        # only what comes after the first attempt.
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_appid="sdt-console",
    )


def _camel(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))
