"""Rules about estimated costs."""

from __future__ import annotations

from sdt_console.catalog.nearest import hint, listing
from sdt_console.catalog.raw import Found, Raw, error, strings


def costs(raw: Raw) -> Found:
    """Estimates are of environments and parts that there are, and go from less to more."""
    namespace = raw.table("cost").get("namespace")
    if isinstance(namespace, str) and namespace.startswith("AWS/"):
        yield ("cost", "namespace"), error(namespace, "names that begin with AWS/ are AWS's own")
    parts, environments = list(raw.table("cost", "parts")), list(raw.environments())
    counted: dict[str, str] = {}
    for part, names in raw.table("cost", "parts").items():
        for i, name in strings(names):
            if name in counted:
                told = f"is in {counted[name]} already, and would be counted twice"
                yield ("cost", "parts", part, i), error(name, told)
            counted.setdefault(name, part)
    for i, name in strings(raw.table("cost").get("standing")):
        if name not in parts:
            yield ("cost", "standing", i), error(name, _unknown(name, parts))
    for environment in raw.table("cost", "estimates"):
        key = ("cost", "estimates", environment)
        if environment not in environments:
            told = f"no such environment{hint(environment, environments)}"
            yield key, error(None, f"{told} (environments: {listing(environments)})")
        for part, span in raw.table(*key).items():
            if part not in parts:
                yield (*key, part), error(None, _unknown(part, parts))
            if isinstance(span, list) and len(span) == 2 and all(isinstance(n, int) for n in span):
                low, high = span
                if low > high:
                    told = f"goes from {low} to {high}; the smaller amount comes first"
                    yield (*key, part), error(span, told)


def _unknown(name: str, parts: list[str]) -> str:
    return f"no such part in cost.parts{hint(name, parts)} (parts: {listing(parts)})"
