"""The nouns are found where the package says they are, and a file of them is read only when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sdt_console import model


def test_every_noun_is_there() -> None:
    for name in model.__all__:
        assert getattr(model, name) is not None


def test_what_is_no_noun_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Verb'"):
        _ = model.Verb


def test_a_file_is_read_only_when_one_of_its_nouns_is_needed() -> None:
    program = (
        "import sys; from sdt_console.model import Hold\n"
        "assert 'sdt_console.model.hold' in sys.modules\n"
        "assert 'sdt_console.model.snapshot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
