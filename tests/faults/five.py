"""A system of five services in three waves, in as many environments as there are trials."""

from __future__ import annotations

FAILING = "report-service"
SERVICES = ("config-server", "user-service", "task-service", "report-service", "search-service")

_TEXT = """\
version = 1
system = "five"
default_environment = "e0"
groups = ["all"]

[aws]
region = "eu-west-1"
account = "123456789012"

[names]
cluster = "five-{env}"
service = "{env}-{service}"
repository = "five/{env}/{service}"

[deploy]
parallel = 2
build_parallel = 2

[source]
build_files = ["pom.xml"]

[[services]]
name = "config-server"
priority = 1
group = "all"
path = "config-server"
port = 8081

[[services]]
name = "user-service"
priority = 2
group = "all"
path = "user-service"
port = 8082

[[services]]
name = "task-service"
priority = 2
group = "all"
path = "task-service"
port = 8083
build_after = ["user-service"]

[[services]]
name = "report-service"
priority = 3
group = "all"
path = "report-service"
port = 8084

[[services]]
name = "search-service"
priority = 3
group = "all"
path = "search-service"
port = 8085
"""


def catalog_text(environments: int) -> str:
    """The catalog, with environments ``e0``, ``e1``, …"""
    return _TEXT + "".join(f"\n[environments.e{number}]\n" for number in range(environments))
