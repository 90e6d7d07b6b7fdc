"""Untrusted text as text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdt_console.errors import SdtError
from sdt_console.text import clipped, decodable, plural, size, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünï ✔ 漢字 🎉", "plain ünï ✔ 漢字 🎉"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u200bc\u2066", "a\\u202eb\\u200bc\\u2066"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in visible(text))


@given(st.text(st.characters()))
def test_decodable_text_can_be_encoded(text: str) -> None:
    decodable(text).encode("utf-8")


def test_small_words() -> None:
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("abcd", 4) == "abcd"
    assert clipped("abcdef", 4, end=True) == "…def"
    assert (plural(1, "file"), plural(2, "file"), plural(0, "entry", "entries")) == (
        "1 file",
        "2 files",
        "0 entries",
    )
    assert (size(12), size(4_100), size(96_300_000), size(2_000_000_000)) == (
        "12 B",
        "4.1 kB",
        "96.3 MB",
        "2.0 GB",
    )


def test_an_error_says_what_why_and_what_next() -> None:
    error = SdtError("it failed", "a reason", "do this", ("seen",))
    assert str(error) == "it failed: a reason\n  next: do this"
    assert error.failure().evidence == ("seen",)
