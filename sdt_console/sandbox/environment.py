"""The account around ECS as its scheduler sees it: moto's registry, secrets, log groups, target groups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from moto.backends import get_backend

from . import cloud_map
from .ecs.model import Task, TaskDefinition, Wire
from .ecs.surroundings import HealthCheck
from .references import Reference

_SECRETS = (
    "ResourceInitializationError: unable to pull secrets or registry auth: "
    "execution resource retrieval failed: "
)


def backend(service: str, account: str, region: str) -> Any:
    """moto's backend of a service."""
    return get_backend(service)[account][region]  # type: ignore[call-overload]


class MotoSurroundings:
    """Implements :class:`~sdt_console.sandbox.ecs.surroundings.Surroundings`; the lock must be held.

    :param registry: ``127.0.0.1:PORT`` of the registry, which stands for the account's ECR.
    """

    def __init__(
        self,
        account: str,
        region: str,
        registry: str,
        faults: Callable[[str], frozenset[str]],
        note: Callable[[Task, str], None],
    ) -> None:
        self.account = account
        self.region = region
        self._registry = registry
        self._faults = faults
        self._note = note

    def digest(self, image: str) -> str | None:
        reference = Reference.parse(image)
        home = (self.account, self.region) if reference.host == self._registry else reference.ecr
        if home is None:
            # Public registries are out of reach; their images are taken to exist and never to change.
            return reference.digest or "sha256:" + hashlib.sha256(image.encode()).hexdigest()
        repository = backend("ecr", *home).repositories.get(reference.repository)
        for found in repository.images if repository else ():
            if reference.digest in ("", found.image_digest) and (
                reference.digest or reference.tag in found.image_tags
            ):
                return str(found.image_digest)
        return None

    def initialisation_error(self, definition: TaskDefinition) -> str | None:
        for container in definition.containers:
            for secret in container.get("secrets", []):
                error = self._secret_error(str(secret["valueFrom"]))
                if error:
                    return _SECRETS + error
            error = self._log_error(container.get("logConfiguration", {}))
            if error:
                return error
        return None

    def _secret_error(self, source: str) -> str | None:
        if ":secretsmanager:" not in source:
            return self._parameter_error(source)
        parts = source.split(":")
        arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
        secrets = backend("secretsmanager", parts[4], parts[3]).secrets
        found = next((s for s in secrets.values() if arn in (s.arn, s.arn.rpartition("-")[0])), None)
        retried = "unable to retrieve secret from asm: service call has been retried 1 time(s): "
        if found is None or found.is_deleted():
            return (
                f"{retried}failed to fetch secret {arn} from secrets manager: ResourceNotFoundException: "
                "Secrets Manager can't find the specified secret."
            )
        if key and key not in _keys(found):
            return (
                "unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain "
                f"json key {key}"
            )
        return None

    def _parameter_error(self, source: str) -> str | None:
        name = source.partition(":parameter")[2] if ":parameter" in source else source
        if backend("ssm", self.account, self.region).get_parameter(name) is not None:
            return None
        return (
            "unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
            f"invalid ssm parameters: {name}"
        )

    def _log_error(self, configuration: Wire) -> str | None:
        options = configuration.get("options", {})
        group = options.get("awslogs-group")
        if (
            configuration.get("logDriver") != "awslogs"
            or not group
            or options.get("awslogs-create-group") == "true"
        ):
            return None
        if group in backend("logs", self.account, options.get("awslogs-region", self.region)).groups:
            return None
        return (
            "ResourceInitializationError: failed to validate logger args: create stream has been retried "
            "1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log "
            "group does not exist. : exit status 1"
        )

    def health_check(self, target_group: str) -> HealthCheck | None:
        group = backend("elbv2", self.account, self.region).target_groups.get(target_group)
        if group is None:
            return None
        return HealthCheck(
            path=group.health_check_path or "/",
            interval=float(group.health_check_interval_seconds),
            healthy_threshold=int(group.healthy_threshold_count),
            unhealthy_threshold=int(group.unhealthy_threshold_count),
            codes=str((getattr(group, "matcher", None) or {}).get("HttpCode", "200")),
            deregistration_delay=float(group.attributes["deregistration_delay.timeout_seconds"]),
            linked=bool(group.load_balancer_arns),
        )

    def faults(self, service: str) -> frozenset[str]:
        return self._faults(service)

    def note(self, task: Task, what: str) -> None:
        self._note(task, what)
        cloud_map.follow(task, what)


def secret_values(secrets: Iterable[Wire], account: str, region: str) -> dict[str, str]:
    """Variable → value for the ``secrets`` of a container definition; what is not there is left out."""
    found: dict[str, str] = {}
    for secret in secrets:
        source, parts = str(secret["valueFrom"]), str(secret["valueFrom"]).split(":")
        if ":secretsmanager:" in source:
            arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
            known = backend("secretsmanager", parts[4], parts[3]).secrets.values()
            match = next((s for s in known if arn in (s.arn, s.arn.rpartition("-")[0])), None)
            text = None if match is None else match.secret_string
            value = str(json.loads(text or "{}").get(key, "")) if key else text
        else:
            name = source.partition(":parameter")[2] if ":parameter" in source else source
            parameter = backend("ssm", account, region).get_parameter(name)
            value = None if parameter is None else parameter.value
        if value is not None:
            found[str(secret["name"])] = value
    return found


def _keys(secret: Any) -> set[str]:
    """The keys of a secret's JSON; its values are looked at nowhere."""
    try:
        value = json.loads(secret.secret_string or "{}")
    except ValueError:
        return set()
    return set(value) if isinstance(value, dict) else set()
