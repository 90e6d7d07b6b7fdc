"""Leases that everyone shares, by conditional writes: on-call people's machines and CI jobs see the same."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.dynamodb import TRANSACTION_LIMIT, ConflictError, Item, Table, batches
from sdt_console.errors import CloudError, LeaseHeldError, LeaseLostError, SdtError, StoreError, UsageError
from sdt_console.model import Broken, Grant, Hold, Holder, Slot
from sdt_console.model.hold import broken_from, hold_from, to_json
from sdt_console.process import is_free

_INDEX = "sdt/leases"  # a set of all keys there ever were: DynamoDB lists nothing without a scan
_PREFIX = "sdt/lease/"
_TRIES = 10
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0
_NAMES = {"#fencing": "Fencing", "#token": "Token", "#expires": "Expires", "#hold": "Hold"}
_OURS = "#fencing = :fencing AND #token = :token"


class DynamoLeases:
    """What :class:`sdt_console.runs.lease.Leases` promises, in a DynamoDB table.

    An item ``sdt/lease/{key}`` has ``Fencing`` always, ``Token``, ``Expires`` and ``Hold`` while it is held,
    and ``Broken`` from the first time it was broken by hand.

    :param skew: seconds that the clocks of two machines may differ; a hold of another machine is taken
        over only that long after its expiry.
    :param pause: waits so many seconds before a write that met another is tried again.
    """

    def __init__(
        self, aws: Aws, table: str, skew: float = 5.0, pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._table = Table(aws, table)
        self._skew = skew
        self._pause = pause

    def acquire(self, keys: Sequence[str], holder: Holder, now: float, ttl: float) -> Grant:
        """All or none of ``keys``; see :meth:`sdt_console.runs.lease.Leases.acquire`.

        Above 100 keys it is a transaction for each 100, and what was got is given back if a later one fails.
        """
        token = secrets.token_hex(16)
        holds: dict[str, Hold] = {}
        taken: list[Hold] = []
        try:
            for part in batches(sorted(set(keys)), TRANSACTION_LIMIT):
                grant = self._acquire(part, holder, token, now, ttl)
                holds |= {hold.key: hold for hold in grant.holds}
                taken += grant.taken_over
        except BaseException:
            with suppress(SdtError):
                self.release(list(holds.values()))
            raise
        return Grant(tuple(holds[key] for key in dict.fromkeys(keys)), tuple(taken))

    def _acquire(self, keys: Sequence[str], holder: Holder, token: str, now: float, ttl: float) -> Grant:
        before: list[Hold] = []
        for attempt in range(_TRIES):
            slots = self._slots(keys)
            ours = [s.hold for s in slots if s.hold and s.hold.token == token]
            if len(ours) == len(slots):  # the write went through and its answer was lost
                return Grant(tuple(ours), tuple(before))
            if held := [s.hold for s in slots if s.hold and not is_free(s, now, self._skew)]:
                raise LeaseHeldError(held)
            if new := [slot.key for slot in slots if slot.fencing == 0]:
                self._table.add_to_set(_INDEX, "Keys", *new)
            before = [s.hold for s in slots if s.hold]
            made = [Hold.of(s.key, holder, token, now, ttl, s.fencing + 1) for s in slots]
            try:
                self._table.update_all(
                    {_PREFIX + s.key: _acquisition(s, hold) for s, hold in zip(slots, made, strict=True)}
                )
            except ConflictError:
                self._step_aside(attempt)
                continue
            return Grant(tuple(made), tuple(before))
        raise self._contended(keys[0])

    def renew(self, holds: Sequence[Hold], now: float, ttl: float) -> tuple[Hold, ...]:
        """See :meth:`sdt_console.runs.lease.Leases.renew`; in transactions of 100."""
        renewed = tuple(hold.renewed(now, ttl) for hold in holds)
        by_key = {hold.key: hold for hold in renewed}
        for part in batches(list(by_key), TRANSACTION_LIMIT):
            self._renew([by_key[key] for key in part])
        return renewed

    def _renew(self, holds: Sequence[Hold]) -> None:
        for attempt in range(_TRIES):
            try:
                self._table.update_all({_PREFIX + hold.key: _renewal(hold) for hold in holds})
            except ConflictError:
                self.prove(holds)
                self._step_aside(attempt)
                continue
            return
        raise self._contended(holds[0].key)

    def prove(self, holds: Sequence[Hold]) -> None:
        """See :meth:`sdt_console.runs.lease.Leases.prove`; a BatchGetItem for each 100."""
        for hold, slot in zip(holds, self._slots([hold.key for hold in holds]), strict=True):
            if not hold.same(slot.hold):
                raise LeaseLostError(hold, slot.hold, slot.broken) from None

    def release(self, holds: Sequence[Hold]) -> None:
        """See :meth:`sdt_console.runs.lease.Leases.release`."""
        for part in batches(holds, TRANSACTION_LIMIT):
            try:
                self._table.update_all({_PREFIX + hold.key: _ending(hold) for hold in part})
            except ConflictError:  # some are lost, or met another write
                for hold in part:
                    with suppress(ConflictError):
                        self._table.update(_PREFIX + hold.key, **_ending(hold))

    def holds(self) -> tuple[Hold, ...]:
        """See :meth:`sdt_console.runs.lease.Leases.holds`."""
        return tuple(slot.hold for slot in self._all() if slot.hold)

    def broken(self) -> tuple[Broken, ...]:
        """See :meth:`sdt_console.runs.lease.Leases.broken`."""
        return tuple(slot.broken for slot in self._all() if slot.broken)

    def break_(self, key: str, by: str, reason: str, now: float) -> Broken:
        """See :meth:`sdt_console.runs.lease.Leases.break_`."""
        made: Broken | None = None
        for attempt in range(_TRIES):
            (slot,) = self._slots([key])
            if made is not None and slot.broken == made:  # its answer was lost
                return made
            if slot.hold is None:
                raise UsageError(f"nobody holds {key}", next="see `sdt lock`")
            made = Broken.of(slot.hold, by, reason, now)
            try:
                self._table.update(_PREFIX + key, **_ending(slot.hold, made))
            except ConflictError:
                self._step_aside(attempt)
                continue
            return made
        raise self._contended(key)

    def close(self) -> None:
        """Nothing is kept open."""

    def _all(self) -> list[Slot]:
        index = self._table.get(_INDEX)
        return self._slots(sorted(index["Keys"]["SS"])) if index else []

    def _slots(self, keys: Sequence[str]) -> list[Slot]:
        found = self._table.get_many(_PREFIX + key for key in keys)
        try:
            return [_slot(key, found.get(_PREFIX + key)) for key in keys]
        except (ValueError, KeyError) as error:
            told = f"{type(error).__name__}: {error}"
            raise StoreError(
                f"cannot read the leases in {self._table.name}", told, "update sdt-console"
            ) from None

    def _step_aside(self, attempt: int) -> None:
        """Let whoever writes at the same moment go first."""
        longest = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
        self._pause(random.uniform(0, longest))  # noqa: S311  nothing secret

    def _contended(self, key: str) -> CloudError:
        return CloudError(
            f"the lease of {key} could not be written", f"{_TRIES} times another was quicker", "try again"
        )


def _slot(key: str, item: Item | None) -> Slot:
    if item is None:
        return Slot(key)
    hold, broken = item.get("Hold"), item.get("Broken")
    return Slot(
        key,
        int(item["Fencing"]["N"]),
        hold_from(hold["S"]) if hold else None,
        broken_from(broken["S"]) if broken else None,
    )


def _acquisition(slot: Slot, hold: Hold) -> Mapping[str, Any]:
    """The write that makes ``hold`` of ``slot``, provided that it still is as it was read."""
    seen: dict[str, Any] = {}
    if slot.fencing == 0:
        condition = "attribute_not_exists(#fencing)"
    else:
        condition = "#fencing = :seen"
        seen[":seen"] = {"N": str(slot.fencing)}
        if slot.hold is None:
            condition += " AND attribute_not_exists(#token)"
        else:  # not renewed in between either
            condition += " AND #token = :was AND #expires = :expired"
            seen |= {":was": {"S": slot.hold.token}, ":expired": {"N": repr(slot.hold.expires)}}
    return {
        "UpdateExpression": "SET #fencing = :fencing, #token = :token, #expires = :expires, #hold = :hold",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": _NAMES,
        "ExpressionAttributeValues": _values(hold) | seen,
    }


def _renewal(hold: Hold) -> Mapping[str, Any]:
    return {
        "UpdateExpression": "SET #expires = :expires, #hold = :hold",
        "ConditionExpression": _OURS,
        "ExpressionAttributeNames": _NAMES,
        "ExpressionAttributeValues": _values(hold),
    }


def _ending(hold: Hold, broken: Broken | None = None) -> Mapping[str, Any]:
    values = {key: value for key, value in _values(hold).items() if key in (":fencing", ":token")}
    kept = ""
    names = dict(_NAMES)
    if broken is not None:
        kept = "SET #broken = :broken "
        names["#broken"] = "Broken"
        values[":broken"] = {"S": to_json(broken)}
    return {
        "UpdateExpression": f"{kept}REMOVE #token, #expires, #hold",
        "ConditionExpression": _OURS,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _values(hold: Hold) -> dict[str, Any]:
    return {
        ":fencing": {"N": str(hold.fencing)},
        ":token": {"S": hold.token},
        ":expires": {"N": repr(float(hold.expires))},
        ":hold": {"S": to_json(hold)},
    }
