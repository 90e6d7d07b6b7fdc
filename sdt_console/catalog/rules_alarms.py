"""Rules about expected alarms."""

from __future__ import annotations

from sdt_console.catalog.raw import Found, Raw, remark

_NEEDS = {"database": "database", "load-balancer": "load_balancer"}


def alarms(raw: Raw) -> Found:
    """An alarm of something that has no name in the catalog is never looked for."""
    names = raw.table("names")
    for at, item in raw.items("alarms"):
        needed = _NEEDS.get(str(item.get("of")))
        if needed is not None and not names.get(needed):
            yield (*at, "of"), remark(item["of"], f"names.{needed} is not set, so it is never looked for")
