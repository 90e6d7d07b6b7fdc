"""Credentials: whose they are, and until when."""

from __future__ import annotations

from collections.abc import Iterator

from sdt_console.errors import CloudError
from sdt_console.model import Finding, Identity, Validity
from sdt_console.pipeline.checks.account import Account

WHERE = "credentials"
SOON = 30 * 60.0
"""A run may take this long, in seconds."""
_LOGIN = {
    "sso": "run `aws sso login`",
    "login": "run `aws login`",
    "env": "put new ones into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
}


def of_caller(account: Account, caller: Identity) -> Finding:
    """Whose they are: the account must be the catalog's."""
    wanted = account.catalog.account(account.environment)
    if caller.account == wanted:
        return Finding("ok", WHERE, f"{caller.arn} in account {wanted}")
    return Finding(
        "error",
        WHERE,
        f"the credentials are for account {caller.account}, and {account.environment} is in {wanted}",
        f"they belong to {caller.arn}",
        f"use a profile of account {wanted} (--profile), or correct environments.{account.environment} "
        "(account, role) in catalog.toml",
    )


def of_validity(validity: Validity, now: float) -> Iterator[Finding]:
    """Until when they are good; nothing for those that have no end.

    :param now: seconds since the epoch.
    """
    login = _LOGIN.get(validity.source, "log in again")
    if validity.renewed:
        yield Finding("ok", WHERE, f"renewed by the SDK when they end (from {validity.source})")
    elif validity.ends_at is None:
        if validity.temporary:
            yield Finding("ok", WHERE, "temporary, and their end is not known here")
    elif validity.ends_at <= now:
        ago = _minutes(now - validity.ends_at)
        yield Finding("error", WHERE, "the AWS credentials have expired", f"they ended {ago} ago", login)
    elif validity.ends_at - now < SOON:
        left = _minutes(validity.ends_at - now)
        yield Finding(
            "warning",
            WHERE,
            f"the AWS credentials end in {left}",
            "a run may take longer, and would stop in the middle",
            login,
        )
    else:
        yield Finding("ok", WHERE, f"good for another {_minutes(validity.ends_at - now)}")


def refused(error: CloudError, validity: Validity | CloudError) -> Finding:
    """They cannot be used at all, so nothing else can be looked at."""
    expired = "expired" in error.what and not isinstance(validity, CloudError)
    login = _LOGIN.get(validity.source, "") if expired and not isinstance(validity, CloudError) else ""
    return Finding("error", WHERE, error.what, error.cause, login or error.next)


def _minutes(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 120 else f"{minutes} min"
