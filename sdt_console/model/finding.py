"""What a look at the account or the machine found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "ok"]


@dataclass(frozen=True)
class Finding:
    """One thing that is in order or is not, with its cure; untrusted text in it is not yet made visible.

    :param severity: ``error`` if a run would fail for it.
    :param where: what it is about: a service, ``credentials``, ``cluster``, ``catalog``, …
    :param what: one sentence without a full stop.
    :param cause: why, or what follows from it.
    :param next: what to do about it; empty where there is nothing to do.
    """

    severity: Severity
    where: str
    what: str
    cause: str = ""
    next: str = ""
