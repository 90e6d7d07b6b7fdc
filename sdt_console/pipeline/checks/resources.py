"""Secrets, parameters and log groups that task definitions name: each told once, with who names it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from sdt_console.errors import CloudError
from sdt_console.model import Finding
from sdt_console.named import LogGroup, Secret, log_groups, missing_version, plain_name, secrets
from sdt_console.pipeline.checks.account import Account
from sdt_console.pipeline.checks.look import Raw, Seen
from sdt_console.text import plural

_NAMED = 3
_STOPS = "a new task would stop with ResourceInitializationError"


def of_secrets(account: Account, seen: Seen) -> Iterator[Finding]:
    """Each secret or parameter that is missing, or cannot be looked at from here."""
    users: dict[Secret, list[str]] = {}
    for name, definition in _readable(seen).items():
        for secret in dict.fromkeys(secrets(definition)):
            users.setdefault(secret, []).append(name)
    told: set[str] = set()
    for secret, names in users.items():
        if secret.region not in ("", account.region):
            yield _elsewhere("secrets", f"secret {secret.name}", secret.region, names)
            continue
        finding = _secret(secret, names, seen) if secret.arn else _parameter(secret, names, seen)
        if finding is not None and finding.what not in told:
            told.add(finding.what)
            yield finding


def _secret(secret: Secret, names: list[str], seen: Seen) -> Finding | None:
    state = seen.secrets.get(secret.arn)
    if isinstance(state, CloudError):
        return None
    why = f"{_who(names)} as {secret.variable}: {_STOPS}"
    if state is None:
        plain = plain_name(secret)
        cure = f"aws secretsmanager create-secret --name {shlex.quote(plain)} --secret-string file://…"
        return Finding("error", _where(names), f"no secret {plain}", why, cure)
    if state.deleted:
        cure = f"aws secretsmanager restore-secret --secret-id {shlex.quote(state.name)}"
        return Finding("error", _where(names), f"secret {state.name} is scheduled for deletion", why, cure)
    missing = missing_version(secret, state)
    if missing:
        cure = "give it one with `aws secretsmanager put-secret-value`, or correct the task definition"
        return Finding("error", _where(names), f"secret {state.name} has no {missing}", why, cure)
    return None


def _parameter(secret: Secret, names: list[str], seen: Seen) -> Finding | None:
    if isinstance(seen.parameters, CloudError) or seen.parameters & set(secret.parameters):
        return None
    why = f"{_who(names)} as {secret.variable}: {_STOPS}"
    cure = f"aws ssm put-parameter --type SecureString --name {shlex.quote(secret.name)} --value file://…"
    return Finding("error", _where(names), f"no parameter {secret.name}", why, cure)


def of_log_groups(account: Account, seen: Seen) -> Iterator[Finding]:
    """Each log group that is missing, or cannot be looked at from here."""
    users: dict[LogGroup, list[str]] = {}
    for name, definition in _readable(seen).items():
        for group in dict.fromkeys(log_groups(definition)):
            users.setdefault(group, []).append(name)
    for group, names in users.items():
        if group.region not in ("", account.region):
            yield _elsewhere("logs", f"log group {group.name}", group.region, names)
        elif not isinstance(seen.groups, CloudError) and group.name not in seen.groups:
            cure = f"aws logs create-log-group --log-group-name {shlex.quote(group.name)}"
            why = f"{_who(names)}: {_STOPS}"
            yield Finding("error", _where(names), f"no log group {group.name}", why, cure)


def _readable(seen: Seen) -> Mapping[str, Raw]:
    return {name: d for name, d in seen.definitions.items() if not isinstance(d, CloudError)}


def _elsewhere(where: str, what: str, region: str, names: list[str]) -> Finding:
    return Finding(
        "warning",
        where,
        f"{what} is in {region} and was not looked at",
        _who(names),
        f"look there with --region {region}",
    )


def _where(names: list[str]) -> str:
    return names[0] if len(names) == 1 else plural(len(names), "service")


def _who(names: list[str]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"named by {shown}"
