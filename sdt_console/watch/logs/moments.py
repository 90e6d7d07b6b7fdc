"""``--since`` and ``--until``: how long ago, a time of day, a date, with or without a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from sdt_console.errors import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z)?")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")
_EXAMPLES = "10m, 2h, 1d12h, 03:12, 2026-11-23, 2026-11-23T03:12:41Z or 2026-11-23 03:12+01:00"


def moment_of(text: str, now: float, *, utc: bool = False) -> int:
    """Milliseconds since the epoch.

    :param text: how long ago (``10m``, ``1h30m``, ``2d``), ``now``, a time of day (when it was last), an ISO
        date or time, or seconds since the epoch.
    :param now: seconds since the epoch.
    :param utc: read times without a zone as UTC, else as local.
    :raises UsageError: it is none of these.
    """
    given = text.strip()
    if given == "now":
        return int(now * 1000)
    if _AGO.fullmatch(given):
        ago = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(given))
        return max(0, int((now - ago) * 1000))
    if _EPOCH.fullmatch(given):
        return int(given) * (1000 if len(given) == 10 else 1)
    try:
        return _absolute(given, now, utc=utc)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no time", "" if "Invalid" in str(error) else str(error), f"say {_EXAMPLES}"
        ) from None


def _absolute(given: str, now: float, *, utc: bool) -> int:
    if found := _CLOCK.fullmatch(given):
        zone: timezone | None = UTC if utc or found[4] else None
        today = datetime.fromtimestamp(now, UTC).astimezone(zone)
        seconds = float(found[3] or 0)
        at = today.replace(
            hour=int(found[1]),
            minute=int(found[2]),
            second=int(seconds),
            microsecond=round(seconds % 1 * 1e6) % 1_000_000,
        )
        if at > today:
            at -= timedelta(days=1)
    else:
        at = datetime.fromisoformat(given)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC) if utc else at.astimezone()
    return max(0, int(at.timestamp() * 1000))
