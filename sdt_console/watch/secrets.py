"""The secrets and parameters that running task definitions name: there, and how old. Never a value."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sdt_console.errors import CloudError, CredentialsError
from sdt_console.model import Finding, SecretSight, SecretSights, SecretState
from sdt_console.named import Secret, missing_version, plain_name, secrets
from sdt_console.watch.image_ports import Secrets, Services

T = TypeVar("T")
_STOPS = "a new task would stop with ResourceInitializationError"
_NAMED = 3


@dataclass
class SecretsLook:
    """What one look needs to know.

    :param services: the catalog's names → names in ECS, in catalog order.
    :param region: where the tasks run; secrets of another region are not looked at.
    """

    environment: str
    cluster: str
    services: Mapping[str, str]
    region: str
    ecs: Services
    secrets: Secrets
    _notes: dict[str, Finding] = field(default_factory=dict)

    async def look(self, now: float) -> SecretSights:
        """Read everything, once.

        :param now: seconds since the epoch.
        :raises CloudError: the services cannot be read.
        """
        self._notes.clear()
        found = await self.ecs.described(self.cluster, list(self.services.values()))
        named = {
            name: str(raw["taskDefinition"])
            for name, service in self.services.items()
            if (raw := found.get(service)) and raw.get("status") == "ACTIVE" and raw.get("taskDefinition")
        }
        arns = sorted(set(named.values()))
        answers = await asyncio.gather(
            *(self._tried("task definitions", self.ecs.task_definition(a)) for a in arns)
        )
        definitions = {a: d for a, d in zip(arns, answers, strict=True) if d is not None}
        users = _users({n: definitions[a] for n, a in named.items() if a in definitions})
        here = [ref for ref in users if ref.region in ("", self.region)]
        in_manager = sorted({ref.arn for ref in here if ref.arn})
        parameters = sorted({name for ref in here if not ref.arn for name in ref.parameters})
        states, changes = await asyncio.gather(
            asyncio.gather(*(self._state(arn) for arn in in_manager)),
            self._tried("parameters", self.secrets.parameter_changes(parameters)),
        )
        known = dict(zip(in_manager, states, strict=True))
        sights = [self._sight(refs, who, known, changes, now) for refs, who in _grouped(users)]
        sights.sort(key=lambda s: (s.problem is None, s.name))
        return SecretSights(self.environment, now, len(named), tuple(sights), tuple(self._notes.values()))

    async def _state(self, arn: str) -> tuple[bool, SecretState | None]:
        """Whether it could be looked at, and what was seen."""

        async def ask() -> tuple[bool, SecretState | None]:
            return True, await self.secrets.secret(arn)

        return await self._tried("secrets", ask()) or (False, None)

    async def _tried(self, where: str, call: Awaitable[T]) -> T | None:
        try:
            return await call
        except CredentialsError:
            raise
        except CloudError as error:
            note = Finding("warning", where, error.what, error.cause.strip(), error.next)
            self._notes.setdefault(error.what, note)
            return None

    def _sight(
        self,
        refs: Sequence[Secret],
        users: tuple[str, ...],
        known: Mapping[str, tuple[bool, SecretState | None]],
        changes: Mapping[str, float | None] | None,
        now: float,
    ) -> SecretSight:
        first = refs[0]
        name = plain_name(first)
        keys = tuple(sorted({ref.key for ref in refs if ref.key}))
        if first.region not in ("", self.region):
            cure = f"look there with --region {first.region}"
            told = Finding("warning", name, f"{name} is in {first.region} and was not looked at", "", cure)
            return SecretSight(name, _source(first), users, keys, problem=told)
        if not first.arn:
            return self._parameter(first, users, changes)
        looked, state = known[first.arn]
        if not looked:
            return SecretSight(name, _source(first), users, keys)
        problem = self._problem(refs, users, state, now)
        if state is None:
            return SecretSight(name, _source(first), users, keys, False, problem=problem)
        return SecretSight(
            state.name or name,
            _source(first),
            users,
            keys,
            True,
            state.created_at,
            state.changed_at,
            state.rotated_at,
            state.next_rotation_at,
            state.rotates,
            problem,
        )

    @staticmethod
    def _parameter(
        ref: Secret, users: tuple[str, ...], changes: Mapping[str, float | None] | None
    ) -> SecretSight:
        if changes is None:
            return SecretSight(ref.name, _source(ref), users)
        name = next((n for n in ref.parameters if n in changes), None)
        if name is not None:
            return SecretSight(name, _source(ref), users, exists=True, changed_at=changes[name])
        cure = f"aws ssm put-parameter --type SecureString --name {shlex.quote(ref.name)} --value file://…"
        problem = Finding("error", ref.name, f"no parameter {ref.name}", _who(users, ref), cure)
        return SecretSight(ref.name, _source(ref), users, exists=False, problem=problem)

    @staticmethod
    def _problem(
        refs: Sequence[Secret], users: tuple[str, ...], state: SecretState | None, now: float
    ) -> Finding | None:
        first, name = refs[0], plain_name(refs[0])
        why = _who(users, first)
        if state is None:
            cure = f"aws secretsmanager create-secret --name {shlex.quote(name)} --secret-string file://…"
            return Finding("error", name, f"no secret {name}", why, cure)
        if state.deleted:
            cure = f"aws secretsmanager restore-secret --secret-id {shlex.quote(state.name)}"
            return Finding("error", name, f"secret {state.name} is scheduled for deletion", why, cure)
        missing = next((told for ref in refs if (told := missing_version(ref, state))), "")
        if missing:
            cure = "give it one with `aws secretsmanager put-secret-value`, or correct the task definition"
            return Finding("error", name, f"secret {state.name} has no {missing}", why, cure)
        if state.rotates and state.next_rotation_at is not None and state.next_rotation_at < now:
            days = int((now - state.next_rotation_at) // 86400)
            told = f"the rotation of {state.name} is {days} days overdue" if days > 1 else ""
            cure = f"see why it failed: `aws secretsmanager describe-secret --secret-id {state.name}`"
            return Finding("warning", name, told, "", cure) if told else None
        return None


def _users(definitions: Mapping[str, Mapping[str, Any]]) -> dict[Secret, tuple[str, ...]]:
    """Each reference → the services whose task definition has it, in order."""
    found: dict[Secret, dict[str, None]] = {}
    for service, definition in definitions.items():
        for ref in secrets(definition):
            found.setdefault(ref, {})[service] = None
    return {ref: tuple(services) for ref, services in found.items()}


def _grouped(users: Mapping[Secret, tuple[str, ...]]) -> list[tuple[list[Secret], tuple[str, ...]]]:
    """References to the same secret or parameter, with all who name it."""
    groups: dict[tuple[str, str], list[Secret]] = {}
    for ref in users:
        groups.setdefault((ref.arn or ref.name, ref.region), []).append(ref)
    return [
        (refs, tuple(dict.fromkeys(name for ref in refs for name in users[ref]))) for refs in groups.values()
    ]


def _source(ref: Secret) -> str:
    return "secrets-manager" if ref.arn else "parameter-store"


def _who(users: Sequence[str], ref: Secret) -> str:
    more = len(users) - _NAMED
    shown = ", ".join(users[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"named by {shown} as {ref.variable}: {_STOPS}"
