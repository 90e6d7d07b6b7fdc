"""The nearest known name for a typo."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from sdt_console.errors import UsageError


def hint(word: object, known: Iterable[str]) -> str:
    """``; did you mean X?`` for the closest of ``known``, or an empty string if none is close."""
    if not isinstance(word, str):
        return ""
    names = list(dict.fromkeys(known))
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    begun = [name for name in folded if len(word) > 2 and name.startswith(word.casefold())]
    if not close and len(begun) == 1:
        close = begun
    return f"; did you mean {folded[close[0]]}?" if close else ""


def require(what: str, name: str, known: Iterable[str], where: object) -> None:
    """:raises UsageError: ``name`` is none of ``known``, the names of such things in ``where``."""
    names = list(known)
    if name not in names:
        told = f"no {what} {name!r} in {where}{hint(name, names)}"
        raise UsageError(told, next=f"use one of {listing(names)}")


def listing(known: Iterable[str], limit: int = 12) -> str:
    """``one, two or three``, cut after ``limit`` names."""
    names = list(known)
    if not names:
        return "nothing"
    if len(names) > limit:
        return ", ".join(names[:limit]) + f", … ({len(names)} in all)"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"
