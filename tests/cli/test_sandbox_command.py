"""``sdt sandbox``: what it prints, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.catalogs import OURS
from tests.command import Sdt
from tests.sandbox.account import CATALOG

START = 60
"""Seconds that a start may take on a busy machine."""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """The small system of the sandbox's own tests, as a file that the command reads."""
    path = tmp_path / "catalog.toml"
    path.write_text(_toml(CATALOG))
    return path


def _toml(table: dict[str, Any]) -> str:
    """As much of TOML as catalogs need: JSON's strings, numbers and lists are TOML's as well."""
    lines = [f"{key} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


@contextmanager
def running(
    catalog: Path, *arguments: str, folder: Path, lines: int = 1
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """``sdt sandbox`` as a process of its own, in its own process group, and the first lines it printed.

    :param folder: where it may keep temporary files.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "sdt_console", "--catalog", str(catalog), "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=OURS.parent,
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield process, [process.stdout.readline() for _ in range(lines)]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def refused(sdt: Sdt, *arguments: object) -> str:
    """What the command says when it refuses to start."""
    ran = sdt("sandbox", *arguments)
    assert (ran.status, ran.out) == (2, ""), ran.err
    assert "Traceback" not in ran.err
    return ran.err


@pytest.fixture
def nothing_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that must be empty in the end."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "65536"], ["no such port: 65536", "ports are 0 to 65535", "0 takes a free one"]),
        (["--port", "-1"], ["no such port: -1", "0 takes a free one"]),
        (["--port", "http"], ["'http' is not a valid integer"]),
        (["--speed", "0"], ["the speed must be above 0, not 0", "1 is life-like"]),
        (["--speed", "-2"], ["the speed must be above 0, not -2"]),
        (["--speed", "nan"], ["the speed must be above 0, not nan"]),
        (["--speed", "inf"], ["the speed must be above 0, not inf"]),
        (
            ["--scenario", "crash-lop"],
            ["no such scenario: crash-lop", "did you mean crash-loop?", "choose from"],
        ),
        (
            ["--scenario", "crash-loop:order"],
            ["no such service: order", "did you mean orders?", "see the catalog"],
        ),
        (
            ["--scenario", "throttling:orders"],
            ["throttling is the API's, not a service's", "use throttling alone"],
        ),
        (["--env", "stagin"], ["no environment 'stagin'", "staging", "next: use one of dev or staging"]),
        (["--repo", "nowhere"], ["no repository at nowhere", "there is no such folder", "leave out --repo"]),
        (["more"], ["unexpected extra argument (more)"]),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) and value[0].startswith("-") else "",
)
def test_bad_input_is_refused_in_a_sentence(
    sdt: Sdt, catalog: Path, nothing_left: Path, arguments: Sequence[str], said: Sequence[str]
) -> None:
    error = refused(sdt, "--catalog", catalog, *arguments)
    for part in said:
        assert part in error


def test_a_port_that_is_taken(sdt: Sdt, catalog: Path, nothing_left: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        error = refused(sdt, "--catalog", catalog, "--port", port)
    assert f"the sandbox cannot listen on 127.0.0.1:{port}" in error
    assert "another program has the port" in error
    assert "choose another port (0 takes a free one)" in error


def test_without_moto_it_says_how_to_get_it(catalog: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['moto'] = None\n"
        "from sdt_console.cli.main import run\n"
        "sys.exit(run(['sandbox', '--catalog', sys.argv[1]]))"
    )
    folder = tmp_path / "temporary"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", script, str(catalog)],
        capture_output=True,
        text=True,
        check=False,
        cwd=OURS.parent,
        env=os.environ | {"TMPDIR": str(folder)},
        timeout=START,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "the sandbox needs moto" in ran.stderr
    assert "pip install 'sdt-console[sandbox]'" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(folder.iterdir()) == []


# --- what it prints ----------------------------------------------------------------------------------


def test_what_it_prints_can_be_given_to_a_shell(catalog: Path, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with running(catalog, "--env", "staging", folder=folder, lines=13) as (_, printed):
        script = "".join(printed) + "\nenv | grep ^AWS_ | sort"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        shell = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=True, env=clean
        ).stdout.split()
        settings = dict(line.split("=", 1) for line in shell)
        assert set(settings) == {
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
        }
        assert f"# registry: {settings['AWS_ENDPOINT_URL'].removeprefix('http://')}\n" in printed
        assert "--env staging --repo " in printed[-1]
        # The line that makes it fail does so.
        words = next(line for line in printed if "-X POST" in line).split()
        request = urllib.request.Request(words[-1], method=words[words.index("-X") + 1])
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["active"] == ["crash-loop:gateway"]


def test_as_json_it_is_one_document(catalog: Path, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with running(catalog, "--json", folder=folder) as (process, printed):
        document = json.loads(printed[0])
        assert set(document) >= {
            "control",
            "endpoint",
            "environ",
            "load_balancers",
            "registry",
            "repository",
            "version",
        }
        assert document["environ"]["AWS_ENDPOINT_URL"] == document["endpoint"]
        assert set(document["load_balancers"]) == {"dev", "staging"}
        assert Path(document["repository"], ".git").is_dir()
        with urllib.request.urlopen(document["control"]) as answer:
            assert json.load(answer)["endpoint"] == document["endpoint"]
        with urllib.request.urlopen(
            f"{document['load_balancers']['dev']}/api/orders/actuator/health"
        ) as health:
            assert json.load(health)["status"] == "UP"
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=START)
        assert rest == ""


# --- its end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_is_left(catalog: Path, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with running(catalog, "--json", folder=folder) as (process, printed):
        document = json.loads(printed[0])
        assert list(folder.iterdir())
        os.killpg(process.pid, number)  # as a terminal does: to the process and its children
        _, told = process.communicate(timeout=START)
        assert (process.returncode, told) == (0, "running; ctrl-C stops it\n")
        assert list(folder.iterdir()) == []
        for url in (document["endpoint"], *document["load_balancers"].values()):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # no child is left in its group


def test_a_signal_while_it_starts_leaves_nothing_either(catalog: Path, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with running(catalog, folder=folder, lines=0) as (process, _):
        assert process.stdout is not None
        for _ in range(START * 100):  # until it has made its first folder
            if process.poll() is not None or any(folder.iterdir()):
                break
            select.select([process.stdout], [], [], 0.01)
        os.killpg(process.pid, signal.SIGTERM)
        _, told = process.communicate(timeout=START)
        assert process.returncode == 0, told
        assert list(folder.iterdir()) == []
