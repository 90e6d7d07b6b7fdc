"""Small catalogs for tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sdt_console.catalog.model import Catalog

ROOT = Path(__file__).parents[1]
OURS = ROOT / "catalog.toml"

SMALL = """\
version = 1
system = "shop"
default_environment = "dev"
groups = ["core", "business", "data"]

[aws]
region = "eu-west-1"
account = "123456789012"

[names]
cluster = "shop-{env}"
service = "shop-{env}-{service}"
repository = "shop/{env}/{service}"
load_balancer = "shop-{env}-alb"

[environments.dev]
[environments.production]
protected = true

[health]
url = "http://{alb}/api/{service}/actuator/health"

[source]
build_files = ["pom.xml"]
ignore = ["*.md", "docs/"]

[[shared]]
name = "events"
path = "common/events"

[[shared]]
name = "security"
path = "common/security"
uses = ["events"]

[[services]]
name = "config"
priority = 1
group = "core"
path = "infra/config"
port = 8081

[[services]]
name = "user-service"
priority = 4
group = "business"
path = "services/user-service"
port = 8084
uses = ["security"]

[[services]]
name = "user-service-v2"
priority = 4
group = "business"
path = "services/user-service-v2"
port = 8085
build_after = ["user-service"]

[[services]]
name = "payment"
priority = 4
group = "business"
path = "services/payment"
port = 8087
state = "pending"

[[data]]
name = "redis"
port = 6379
"""


def catalog(text: str = SMALL) -> Catalog:
    return Catalog.model_validate(tomllib.loads(text))


def ours() -> Catalog:
    return catalog(OURS.read_text())
