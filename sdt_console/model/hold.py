"""Leases: who may change which service, and what became of one that was broken by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TypeVar


@dataclass(frozen=True)
class Holder:
    """Who asks for a lease: one process, working on one run.

    :param owner: the person or the CI job; untrusted text, as are ``host`` and ``url``.
    :param url: where the run can be watched; empty if nowhere.
    :param machine: what tells this boot and process namespace from any other; see
        :mod:`sdt_console.process`.
    :param started: when the process started, so that another one with its number is not taken for it;
        empty where the system does not tell.
    """

    owner: str
    host: str
    pid: int
    run: str
    url: str = ""
    machine: str = ""
    started: str = ""


@dataclass(frozen=True)
class Hold:
    """The right to change one service, as it stands in the store; times in seconds since the epoch.

    :param key: ``{environment}/{service}``.
    :param token: of this acquisition; whoever has it may renew and release.
    :param since: when it was acquired.
    :param heartbeat: when it was last renewed.
    :param expires: from then on anyone may take it.
    :param fencing: grows by one with each acquisition of the key and never repeats.
    """

    key: str
    owner: str
    host: str
    pid: int
    token: str
    run: str
    url: str
    since: float
    heartbeat: float
    expires: float
    fencing: int
    machine: str = ""
    started: str = ""

    @classmethod
    def of(cls, key: str, holder: Holder, token: str, now: float, ttl: float, fencing: int) -> Hold:
        """A hold acquired now.

        :param ttl: seconds until it expires if it is not renewed.
        """
        return cls(
            key=key,
            token=token,
            since=now,
            heartbeat=now,
            expires=now + ttl,
            fencing=fencing,
            **asdict(holder),
        )

    def renewed(self, now: float, ttl: float) -> Hold:
        return replace(self, heartbeat=now, expires=now + ttl)

    def same(self, other: Hold | None) -> bool:
        """Whether ``other`` is this very acquisition, however often renewed."""
        return other is not None and (self.token, self.fencing) == (other.token, other.fencing)


@dataclass(frozen=True)
class Broken:
    """A lease that was broken by hand; the last of its key is kept.

    :param run: whose it was, as is ``owner``.
    :param by: who broke it; untrusted text, as is ``reason``.
    :param at: seconds since the epoch.
    """

    key: str
    run: str
    owner: str
    token: str
    by: str
    reason: str
    at: float

    @classmethod
    def of(cls, hold: Hold, by: str, reason: str, now: float) -> Broken:
        """``hold``, broken now."""
        return cls(hold.key, hold.run, hold.owner, hold.token, by, reason, now)


@dataclass(frozen=True)
class Grant:
    """What an acquisition gave.

    :param holds: one for each key, in the order asked for.
    :param taken_over: whose holds these were, where they had expired or their process was gone.
    """

    holds: tuple[Hold, ...]
    taken_over: tuple[Hold, ...] = ()


@dataclass(frozen=True)
class Slot:
    """All that a store knows of one key; ``fencing`` outlives every hold."""

    key: str
    fencing: int = 0
    hold: Hold | None = None
    broken: Broken | None = None


_T = TypeVar("_T", Hold, Broken)


def to_json(value: Hold | Broken) -> str:
    """One line of JSON, ASCII only."""
    return json.dumps(asdict(value), separators=(",", ":"))


def hold_from(text: str) -> Hold:
    """:raises ValueError: the text is not a hold of this version; fields of a newer one are left aside."""
    return _made(Hold, text)


def broken_from(text: str) -> Broken:
    """:raises ValueError: as :func:`hold_from`."""
    return _made(Broken, text)


def _made(kind: type[_T], text: str) -> _T:
    data = json.loads(text)
    try:
        return kind(**{f.name: data[f.name] for f in fields(kind) if f.name in data})
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__.lower()}: {error}") from None
