"""Untrusted text as text: what a terminal would obey is shown instead (standard library only)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

# Cc controls, Cf formats (bidirectional overrides, zero-width), Cs surrogates (undecodable bytes),
# Zl/Zp line separators. Emoji sequences lose their zero-width joiner's effect and show it: safe, not pretty.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """``text`` on one line with every control, format and undecodable character as an escape.

    ``\\n`` and ``\\t`` become those two characters, ESC becomes ``\\x1b``, an undecodable byte of a file
    name becomes ``\\xff``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) not in _UNSAFE:
        return char
    code = ord(char)
    if char in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[char]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def decodable(text: str) -> str:
    """``text`` as valid Unicode for JSON: undecodable bytes as ``\\xff``, the rest as it is."""
    if text.isascii():
        return text
    return "".join(_shown(c) if unicodedata.category(c) == "Cs" else c for c in text)


def clipped(text: str, limit: int, *, end: bool = False) -> str:
    """``text`` cut to ``limit`` characters, the cut shown as an ellipsis.

    :param end: keep the end, as for paths, instead of the beginning.
    """
    if len(text) <= limit:
        return text
    keep = max(limit - 1, 0)
    return "…" + text[len(text) - keep :] if end else text[:keep] + "…"


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def size(count: int) -> str:
    """Bytes as a registry shows them: ``812 B``, ``4.1 kB``, ``96.3 MB`` (powers of ten)."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


_LEVELS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int, top: float | None = None) -> str:
    """``values`` as a line of bars in eight levels, the newest at the right; a gap is a space.

    :param width: in characters; of more values than that each character shows the highest of its share.
    :param top: what the highest bar stands for; ``None`` for the highest value. The lowest stands for zero.
    """
    if not values or width <= 0:
        return ""
    count = min(width, len(values))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    shares = [[v for v in values[a:b] if v is not None] for a, b in pairwise(edges)]
    peaks = [max(share) if share else None for share in shares]
    highest = top if top is not None else max((peak for peak in peaks if peak is not None), default=0.0)
    return "".join(" " if peak is None else _bar(peak, highest) for peak in peaks)


def _bar(value: float, highest: float) -> str:
    if highest <= 0 or value <= 0:
        return _LEVELS[0]
    return _LEVELS[min(len(_LEVELS) - 1, int(value / highest * len(_LEVELS)))]


def percent(part: float, whole: float) -> str:
    """``85 %``, rounded; 100 only for all and 0 only for none, a dash of nothing."""
    if not whole:
        return "–"
    value = int(100 * part / whole + 0.5)
    if 0 < part < whole:
        value = min(99, max(1, value))
    return f"{value} %"
