"""The typed catalog: what ``catalog.toml`` may say, and the names AWS knows its parts by.

Every model is frozen and refuses unknown keys. The cross-checks that need more than one part
(duplicates, cycles, unknown references) are in :mod:`sdt_console.catalog.rules`.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from sdt_console.catalog.alarms import AlarmRule
from sdt_console.catalog.cost import Cost
from sdt_console.catalog.store import Store

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
Percent = Annotated[float, Field(ge=0, le=100)]
Path = Annotated[str, Field(min_length=1)]
Gate = Literal["reactor", "maven", "sonarqube", "findings"]


_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def expand(pattern: str, **values: object) -> str:
    """``pattern`` with each ``{name}`` replaced; unlike ``str.format`` it has no attribute or width syntax.

    A placeholder without a value stays as it is; the catalog check reports it.
    """
    return _PLACEHOLDER.sub(lambda m: str(values.get(m[1], m[0])), pattern)


class Part(BaseModel):
    """A table of the catalog."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Aws(Part):
    """Where the environments live unless they say otherwise."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="AWS region, for example eu-west-1")
    account: str = Field(pattern=r"^\d{12}$", description="12-digit account id, as a string")
    registry: str = Field(
        "{account}.dkr.ecr.{region}.amazonaws.com",
        description="registry host; placeholders {account} {region}",
    )


class Names(Part):
    """Name patterns; placeholders ``{env}`` and ``{service}`` (``{alb}`` in the health URL)."""

    cluster: str = Field(description="ECS cluster; needs {env} where environments share an account")
    service: str = Field(description="ECS service; needs {service}")
    task_definition: str = Field("", description="task-definition family; the service's name if empty")
    repository: str = Field(description="ECR repository; needs {service}")
    log_group: str = Field("/ecs/{env}/{service}", description="used where the task definition names none")
    load_balancer: str = Field("", description="application load balancer; empty if there is none")
    secrets: str = Field("", description="prefix of the secrets in Secrets Manager")
    database: str = Field("", description="RDS instance of an environment; empty if there is none")


class Findings(Part):
    """Image scan findings tolerated by the ``findings`` gate; more than this many fail it."""

    critical: StrictInt = Field(0, ge=0)
    high: StrictInt = Field(0, ge=0)


class Environment(Part):
    """One environment; empty values fall back to ``[aws]`` and ``[names]``."""

    description: str = ""
    event: str = Field("", description="type of the repository_dispatch that deploys here")
    branch: str = Field("", description="branch whose merges deploy here")
    region: str = Field("", pattern=r"^([a-z]{2}(-[a-z]+)+-\d)?$")
    account: str = Field("", pattern=r"^(\d{12})?$")
    registry: str = ""
    role: str = Field("", description="ARN of a role to assume for this environment")
    cluster: str = Field("", description="the cluster's own name where the pattern does not hold")
    protected: StrictBool = Field(False, description="ask for the service's name before a change")
    image_reference: Literal["commit", "latest", "digest"] = "commit"
    rollback: Literal["changed", "failed", "none"] = "changed"
    gates: tuple[Gate, ...] = ("reactor",)
    findings: Findings = Findings()
    log_retention_days: StrictInt = Field(30, ge=1)
    database_connections: StrictInt = Field(
        0, ge=0, description="how many its database allows (max_connections); 0: not known"
    )


class Deploy(Part):
    """How waves roll out."""

    parallel: StrictInt = Field(4, ge=1, le=50, description="services of one wave at a time")
    build_parallel: StrictInt = Field(4, ge=1, le=50)
    minimum_healthy_percent: StrictInt = Field(100, ge=0, le=100)
    maximum_percent: StrictInt = Field(200, ge=100, le=200)
    timeout_minutes: StrictInt = Field(20, ge=1, description="limit for one service's rollout")


class Health(Part):
    """How a running service is asked whether it is well."""

    url: str = Field("", description="placeholders {alb} {service} {env} {port}; empty: counts only")
    expect: StrictInt = Field(200, ge=100, le=599)
    grace_seconds: StrictInt = Field(60, ge=0)
    successes: StrictInt = Field(2, ge=1, description="answers in a row that count as healthy")
    request_timeout_seconds: StrictInt = Field(5, ge=1)


class Images(Part):
    """The lifecycle policy that image repositories should have."""

    keep_tagged: StrictInt = Field(10, ge=1)
    expire_untagged_days: StrictInt = Field(7, ge=1)


class Maven(Part):
    goals: tuple[str, ...] = ("clean", "verify")


class SonarQube(Part):
    """Limits of the quality gate; the service-level ones come on top of SonarQube's own."""

    coverage_above: Percent = 80.0
    critical_bugs: StrictInt = Field(0, ge=0)
    vulnerabilities: StrictInt = Field(0, ge=0)
    debt_ratio_below: Percent = 5.0
    duplication_below: Percent = 3.0


class Gates(Part):
    maven: Maven = Maven()
    sonarqube: SonarQube = SonarQube()


class Source(Part):
    """The repository that services are built from; services may override the build defaults."""

    context: Path = Field(
        ".", description="Docker build context, from the repository root; placeholders {path} {service}"
    )
    dockerfile: Path = Field("{path}/Dockerfile", description="placeholders {path} {service}")
    build_args: dict[str, str] = Field(
        default_factory=dict, description="placeholders {path} {service} {port}"
    )
    build_files: tuple[Path, ...] = Field(
        (), description="files whose change reaches every service they govern, such as the root pom.xml"
    )
    ignore: tuple[str, ...] = Field((), description="gitignore patterns of files that select nothing")


class Shared(Part):
    """A module that services are built with; built before any service, in catalog order."""

    name: Name
    path: Path
    uses: tuple[str, ...] = Field((), description="other shared modules")
    build_files: tuple[Path, ...] | None = Field(None, description="instead of source.build_files")


class Service(Part):
    """A service that is built from the repository."""

    name: Name
    priority: StrictInt = Field(ge=1, le=1000, description="deploy wave; 1 goes first")
    group: str
    path: Path = Field(description="folder in the repository")
    port: Port
    state: Literal["active", "pending"] = Field(
        "active", description="pending: the infrastructure is there, the code is not"
    )
    description: str = ""
    uses: tuple[str, ...] = Field((), description="shared modules")
    build_after: tuple[str, ...] = Field((), description="services to build first")
    needs: tuple[str, ...] = Field((), description="services that must run first; never a later wave")
    dockerfile: Path | None = Field(None, description="instead of source.dockerfile")
    context: Path | None = Field(None, description="instead of source.context")
    build_args: dict[str, str] | None = Field(None, description="added to source.build_args")
    build_files: tuple[Path, ...] | None = Field(None, description="instead of source.build_files")
    ignore: tuple[str, ...] = Field((), description="gitignore patterns, beside source.ignore")
    health_url: str | None = Field(None, description="instead of health.url; empty: counts only")


class DataService(Part):
    """A database, broker or cache: watched and restarted, never built."""

    name: Name
    port: Port
    ports: tuple[Port, ...] = Field((), description="further ports")
    group: str = "data"
    description: str = ""


class Catalog(Part):
    """What is: every service, environment and policy of one system."""

    version: Literal[1]
    system: Name
    default_environment: str
    groups: tuple[str, ...] = Field(description="groups in the order in which they are shown")
    aws: Aws
    names: Names
    environments: dict[str, Environment] = Field(min_length=1)
    deploy: Deploy = Deploy()
    health: Health = Health()
    images: Images = Images()
    gates: Gates = Gates()
    source: Source = Source()
    store: Store = Store()
    cost: Cost = Cost()
    alarms: tuple[AlarmRule, ...] = Field((), description="alarms that every environment should have")
    shared: tuple[Shared, ...] = ()
    services: tuple[Service, ...]
    data: tuple[DataService, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Service]:
        """Buildable services by name, in catalog order."""
        return {service.name: service for service in self.services}

    @cached_property
    def all_names(self) -> tuple[str, ...]:
        """Every service, the data services last, in catalog order."""
        return tuple(s.name for s in self.services) + tuple(d.name for d in self.data)

    @property
    def active(self) -> tuple[Service, ...]:
        return tuple(s for s in self.services if s.state == "active")

    def dockerfile(self, service: Service) -> str:
        return expand(service.dockerfile or self.source.dockerfile, path=service.path, service=service.name)

    def context(self, service: Service) -> str:
        return expand(service.context or self.source.context, path=service.path, service=service.name)

    def build_args(self, service: Service) -> dict[str, str]:
        merged = self.source.build_args | (service.build_args or {})
        values = {"path": service.path, "service": service.name, "port": service.port}
        return {key: expand(value, **values) for key, value in merged.items()}

    def build_files(self, part: Service | Shared) -> tuple[str, ...]:
        return self.source.build_files if part.build_files is None else part.build_files

    def region(self, env: str) -> str:
        return self.environments[env].region or self.aws.region

    def account(self, env: str) -> str:
        return self.environments[env].account or self.aws.account

    def registry(self, env: str) -> str:
        pattern = self.environments[env].registry or self.aws.registry
        return expand(pattern, account=self.account(env), region=self.region(env))

    def cluster(self, env: str) -> str:
        return self.environments[env].cluster or expand(self.names.cluster, env=env)

    def ecs_service(self, env: str, service: str) -> str:
        return expand(self.names.service, env=env, service=service)

    def family(self, env: str, service: str) -> str:
        return expand(self.names.task_definition or self.names.service, env=env, service=service)

    def repository(self, env: str, service: str) -> str:
        return expand(self.names.repository, env=env, service=service)

    def image_repository(self, env: str, service: str) -> str:
        """Registry host and repository, without a tag."""
        return f"{self.registry(env)}/{self.repository(env, service)}"

    def log_group(self, env: str, service: str) -> str:
        return expand(self.names.log_group, env=env, service=service)

    def load_balancer(self, env: str) -> str:
        return expand(self.names.load_balancer, env=env)

    def database(self, env: str) -> str:
        """RDS instance of the environment; empty if there is none."""
        return expand(self.names.database, env=env)

    def health_url(self, env: str, service: str, alb: str) -> str:
        """URL to ask for ``service``; empty where only running counts are judged.

        :param alb: host (and port) of the load balancer.
        """
        part = self.by_name.get(service)
        if part is None:
            return ""
        pattern = self.health.url if part.health_url is None else part.health_url
        return expand(pattern, alb=alb, service=service, env=env, port=part.port)
