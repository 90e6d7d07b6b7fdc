"""What a service's image is made of: its Dockerfile, and what the image answers over HTTP.

The Dockerfiles need no network: ``BASE`` is ``scratch`` unless a base image with ``/bin/busybox`` is given,
and with one the container answers Spring's health JSON on the service's port. They keep to instructions that
any builder has: ``ARG``, ``FROM``, ``LABEL``, ``ENV``, ``WORKDIR``, ``COPY``, ``EXPOSE``, ``USER``,
``HEALTHCHECK``, ``ENTRYPOINT`` and ``CMD``.
"""

from __future__ import annotations

import json
from posixpath import normpath, relpath
from urllib.parse import urlsplit

from sdt_console.catalog.model import Catalog, Service, Shared
from sdt_console.sandbox.repository.modules import Files, join

WWW = "src/main/docker/www"


def image_files(catalog: Catalog) -> dict[str, Files]:
    """Service → its Dockerfile and web root, for every active service."""
    sharers: dict[str, list[Service]] = {}
    for service in catalog.active:
        sharers.setdefault(normpath(catalog.dockerfile(service)), []).append(service)
    files: dict[str, Files] = {}
    for path, services in sharers.items():
        alone = len(services) == 1
        text = _dockerfile(catalog, services[0]) if alone else _shared_dockerfile(catalog, services)
        for service in services:
            files[service.name] = {path: text} | _www(catalog, service)
    return files


def transitive(catalog: Catalog, service: Service) -> list[Shared]:
    """The shared modules that ``service`` is built with, in catalog order."""
    by_name = {module.name: module for module in catalog.shared}
    wanted: set[str] = set()
    queue = list(service.uses)
    while queue:
        name = queue.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            queue += by_name[name].uses
    return [module for module in catalog.shared if module.name in wanted]


def _dockerfile(catalog: Catalog, service: Service) -> str:
    context = catalog.context(service)
    libraries = _libraries(catalog, transitive(catalog, service), context)
    return f"""# docker build -f {catalog.dockerfile(service)} {context}
ARG BASE=scratch
FROM ${{BASE}}
LABEL org.opencontainers.image.title="{service.name}"
ENV SERVER_PORT={service.port}
WORKDIR /app
{libraries}{_copy(context, service.path, "pom.xml", "/app")}\
{_copy(context, service.path, "src/main/resources", "/app/config")}\
{_copy(context, service.path, "src/main/java", "/app/classes")}\
{_copy(context, service.path, WWW, "/app/www")}EXPOSE {service.port}
USER 10001:10001
{_run(str(service.port))}"""


def _shared_dockerfile(catalog: Catalog, sharers: list[Service]) -> str:
    """One Dockerfile for several services, told apart by the catalog's build arguments."""
    first = sharers[0]
    context = catalog.context(first)
    arguments = catalog.build_args(first)
    declared = "".join(f"ARG {key}\n" for key in arguments)
    folder, port = first.path, str(first.port)
    # The longest value first: a path holds the service's name, never the other way round.
    for key, value in sorted(arguments.items(), key=lambda item: -len(item[1])):
        if value and value in folder and not folder.startswith("${"):
            folder = folder.replace(value, f"${{{key}}}", 1)
        if value == port:
            port = f"${{{key}}}"
    common = [m for m in catalog.shared if all(m in transitive(catalog, s) for s in sharers)]
    libraries = _libraries(catalog, common, context)
    return f"""# One Dockerfile for several services, told apart by build arguments.
ARG BASE=scratch
FROM ${{BASE}}
{declared}ENV SERVER_PORT={port}
WORKDIR /app
{libraries}{_copy(context, folder, "src/main/resources", "/app/config")}\
{_copy(context, folder, WWW, "/app/www")}USER 10001:10001
ENTRYPOINT ["/bin/busybox", "sh", "-c"]
CMD ["exec /bin/busybox httpd -f -p ${{SERVER_PORT}} -h /app/www"]
"""


def _libraries(catalog: Catalog, modules: list[Shared], context: str) -> str:
    """The root pom and the shared modules: a change there is a change of the image."""
    root = "COPY pom.xml /app/build/\n" if _in_context("pom.xml", context) else ""
    inside = [module for module in modules if _in_context(module.path, context)]
    return root + "".join(_copy(context, m.path, "src/main/java", f"/app/lib/{m.name}") for m in inside)


def _run(port: str) -> str:
    url = f"http://127.0.0.1:{port}/actuator/health"
    return f"""HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
CMD ["/bin/busybox", "wget", "-q", "-O", "/dev/null", "{url}"]
ENTRYPOINT ["/bin/busybox", "httpd"]
CMD ["-f", "-p", "{port}", "-h", "/app/www"]
"""


def _in_context(path: str, context: str) -> bool:
    root = normpath(context)
    return root == "." or normpath(path) == root or normpath(path).startswith(root + "/")


def _copy(context: str, folder: str, sub: str, target: str) -> str:
    source = relpath(join(folder, sub), normpath(context))
    if not sub.endswith(".xml"):
        source += "/"
    if any(char.isspace() for char in source):
        return f"COPY {json.dumps([source, target + '/'])}\n"
    return f"COPY {source} {target}/\n"


def _www(catalog: Catalog, service: Service) -> Files:
    """What ``httpd`` serves: the actuator's answers, also under the load balancer's path."""
    health = {
        "status": "UP",
        "components": {"diskSpace": {"status": "UP"}, "ping": {"status": "UP"}},
        "groups": ["liveness", "readiness"],
    }
    urls: dict[str, object] = {"/actuator/health": health}
    for env in catalog.environments:
        path = urlsplit(catalog.health_url(env, service.name, "localhost")).path
        urls[normpath(f"/{path}".replace("//", "/"))] = health
    info = {"app": {"name": service.name, "port": service.port}}
    urls = {"/": {"service": service.name}, "/actuator/info": info} | urls
    files: Files = {}
    for url, body in urls.items():
        is_folder = url == "/" or any(other.startswith(url + "/") for other in urls)
        name = join(url, "index.html") if is_folder else url
        files[join(service.path, WWW, name)] = json.dumps(body) + "\n"
    return files
