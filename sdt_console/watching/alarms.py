"""Alarms of an engine's environment, for the command line and for screens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sdt_console.errors import CloudError, CredentialsError, NotAllowedError
from sdt_console.model import AlarmEvent, AlarmSheet, AlarmState
from sdt_console.watch.alarm_audit import audit, expected
from sdt_console.watch.alarms import ordered, placed, told
from sdt_console.watching.grounds import Grounds

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model import Ground
    from sdt_console.watch.metric_ports import AlarmReader


class Alarms:
    """Reads the alarms of the account's region, and sorts out those of this environment.

    :param grounds: shared with others of the session that need the same.
    """

    def __init__(self, door: Engine, grounds: Grounds | None = None) -> None:
        self._door = door
        self.grounds = grounds or Grounds(door)

    async def read(
        self, *, check: bool = False, since: float | None = None, everything: bool = False
    ) -> AlarmSheet:
        """The alarms as they stand.

        :param check: compare them with those that the catalog expects.
        :param since: also tell changes of state since then (seconds since the epoch).
        :param everything: with those that are of other environments or systems.
        :raises CloudError: alarms cannot be read; a :class:`NotAllowedError` names the right.
        """
        from sdt_console.clients.alarms import AlarmsClient

        door = self._door
        reader: AlarmReader = AlarmsClient(door.outside.aws.watching)
        try:
            found, base = await asyncio.gather(reader.alarms(), self.grounds.get())
        except NotAllowedError as error:
            error.next += "; without it: `sdt status`, `sdt metrics`"
            raise
        everyones = placed(found, base)
        mine = [alarm for alarm in everyones if alarm.ours]
        others = [alarm for alarm in everyones if not alarm.ours]
        notes = list(base.notes)
        shown = everyones if everything else mine
        events = await _events(reader, since, notes) if since is not None else []
        wanted = expected(door.catalog.alarms, base, _limits(door)) if check else []
        return AlarmSheet(
            environment=door.environment,
            at=door.clock.now(),
            alarms=tuple(ordered(shown)),
            elsewhere=0 if everything else len(others),
            elsewhere_alarm=0 if everything else sum(a.state is AlarmState.ALARM for a in others),
            audit=tuple(audit(wanted, mine, door.catalog.region(door.environment))) if check else None,
            expected=len(wanted),
            events=tuple(told(events, shown)),
            notes=tuple([*notes, *_not_looked_at(door, base)] if check else notes),
        )


async def _events(reader: AlarmReader, since: float, notes: list[str]) -> list[AlarmEvent]:
    """The history; what it cannot tell is a note, for the alarms themselves are there."""
    try:
        return await reader.history(since)
    except CredentialsError:
        raise
    except CloudError as error:
        notes.append(f"the history is not known: {error.what}" + (f" ({error.next})" if error.next else ""))
        return []


def _limits(door: Engine) -> dict[str, int]:
    return {"database_connections": door.catalog.environments[door.environment].database_connections}


def _not_looked_at(door: Engine, base: Ground) -> list[str]:
    """Rules of the catalog that nothing in this environment could be held against."""
    rules = door.catalog.alarms
    if not rules:
        return ["the catalog expects no alarms: describe them in [[alarms]] (see docs/alarms.md)"]
    there = {
        "service": bool(base.services),
        "target-group": any(anchor.target_group for anchor in base.services),
        "load-balancer": bool(base.balancer),
        "database": bool(base.database),
    }
    return [
        f"{rule.name} is not looked for: there is no {rule.of} here" for rule in rules if not there[rule.of]
    ]
