"""What a task definition names besides its image: secrets, parameters, log groups.

Pure, on a task definition as it is described; for those who change and those who watch alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdt_console.model import SecretState


@dataclass(frozen=True)
class Secret:
    """Where a variable's value comes from; never the value.

    :param variable: its name in the container.
    :param source: ``valueFrom`` as written.
    :param arn: of the secret in Secrets Manager, without what is behind it; empty for a parameter.
    :param stage: staging label of the version that is asked for; empty for ``AWSCURRENT``.
    :param version: id of the version that is asked for; empty for any.
    :param region: of the secret or parameter; empty for the task's own.
    :param key: the JSON key that is asked for; empty for the whole value.
    """

    variable: str
    source: str
    arn: str = ""
    stage: str = ""
    version: str = ""
    region: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """Name of the secret (with the six characters that AWS adds) or of the parameter."""
        if self.arn:
            return self.arn.partition(":secret:")[2] or self.arn
        return self.parameters[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameter: an ARN does not tell whether the name begins with a slash."""
        if not self.source.startswith("arn:"):
            return (self.source,)
        path = self.source.partition(":parameter/")[2].partition(":")[0]
        return (f"/{path}",) if "/" in path else (f"/{path}", path)


def secret(variable: str, source: str) -> Secret:
    """Read ``valueFrom``: ``arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:KEY:STAGE:VERSION]``, or a
    parameter's ARN or name."""
    parts = source.split(":")
    if len(parts) >= 7 and parts[0] == "arn" and parts[2] == "secretsmanager":
        behind = [*parts[7:], "", "", ""]
        return Secret(variable, source, ":".join(parts[:7]), behind[1], behind[2], parts[3], behind[0])
    region = parts[3] if len(parts) >= 6 and parts[0] == "arn" else ""
    return Secret(variable, source, region=region)


def plain_name(secret: Secret) -> str:
    """The name without the six characters that AWS adds to the ARN of a secret."""
    name = secret.name
    return name[:-7] if secret.arn and name[-7:-6] == "-" else name


def missing_version(secret: Secret, state: SecretState) -> str:
    """The version that is asked for and is not there, as ``version AWSCURRENT``; empty if it is there."""
    if secret.version and secret.version not in state.versions:
        return f"version {secret.version}"
    stage = secret.stage or ("" if secret.version else "AWSCURRENT")
    return f"version {stage}" if stage and stage not in state.stages else ""


def secrets(definition: Mapping[str, Any]) -> Iterator[Secret]:
    """Every secret that must be readable for a task to start."""
    for container in definition.get("containerDefinitions", ()):
        logging = container.get("logConfiguration") or {}
        for item in (*container.get("secrets", ()), *logging.get("secretOptions", ())):
            yield secret(str(item.get("name", "")), str(item.get("valueFrom", "")))
        login = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
        if login:
            yield secret("repositoryCredentials", str(login))


@dataclass(frozen=True)
class LogGroup:
    """A log group that must be there before a task starts; ``region`` is empty for the task's own."""

    name: str
    region: str = ""


def log_groups(definition: Mapping[str, Any]) -> Iterator[LogGroup]:
    """The ``awslogs`` groups, but for those that the driver creates itself."""
    for container in definition.get("containerDefinitions", ()):
        logging = container.get("logConfiguration") or {}
        options = logging.get("options") or {}
        group = options.get("awslogs-group")
        if logging.get("logDriver") == "awslogs" and group and options.get("awslogs-create-group") != "true":
            yield LogGroup(str(group), str(options.get("awslogs-region", "")))
