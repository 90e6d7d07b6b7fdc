"""What the README shows is what the program prints."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from sdt_console.sandbox.repository import generate
from tests.catalogs import ROOT, ours

README = (ROOT / "README.md").read_text()


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "docs" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    backend = generate(tmp_path_factory.mktemp("docs") / "backend", ours()).path
    examples: dict[str, str] = make_docs().examples(backend)
    return examples


@pytest.mark.parametrize("name", ["detect", "plan", "check"])
def test_an_example_is_what_the_program_prints(made: dict[str, str], name: str) -> None:
    assert f"<!-- made by `make docs`: {name} -->\n```console\n{made[name]}\n```" in README, "run `make docs`"


def test_the_failing_example_is_what_the_program_prints(made: dict[str, str]) -> None:
    shown = README.partition("`make docs`: failure -->")[2].split("```")[1].removeprefix("console\n")
    for text in (shown, made["failure"]):
        assert "rolled-back  run " in text
        assert "exit 4" in text
        assert "what  task-service did not come up" in text
        assert "CannotPullContainerError" in text
        assert re.search(
            r"^rollback +✔ succeeded .* 1 of 1 back on their revision before$", text, re.MULTILINE
        )
    assert shown.splitlines()[0] == made["failure"].splitlines()[0]


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [t for t in targets if not t.startswith("http") and not Path(ROOT, t).exists()] == []
