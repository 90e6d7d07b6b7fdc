"""Images built without an Engine: what they hold, whatever the machine."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.call import Caller
from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.errors import BuildError, ReadOnlyError
from sdt_console.model import BuildOrder, BuiltImage
from tests.clients.builders import run
from tests.clients.images import LABEL, LABEL_VALUE, config_of, files_of, order

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(wanted: BuildOrder, store: Path, notes: list[Any] | None = None) -> BuiltImage:
    kept: list[Any] = [] if notes is None else notes
    return run(SandboxBuilder, wanted, store, progress=lambda *note: kept.append(note))


def test_everything_that_runs_nothing(make: Any) -> None:
    image = make(
        "ARG BASE=scratch\n"
        "FROM ${BASE}\n"
        "ARG PORT=8080\n"
        'LABEL title="user service" by=us\n'
        "ENV HOME_DIR=/app PORT=${PORT}\n"
        "WORKDIR $HOME_DIR\n"
        "COPY --chown=7:8 src/ ./classes/\n"
        "ADD pom.xml run.sh ./\n"
        "EXPOSE $PORT 9000-9001/udp\n"
        "VOLUME /data\n"
        "USER 7:8\n"
        "STOPSIGNAL SIGINT\n"
        'HEALTHCHECK --interval=1m30s --timeout=500ms --retries=2 CMD ["/run", "$PORT"]\n'
        'ENTRYPOINT ["/app/run.sh"]\n'
        "CMD serve $PORT\n",
        {"src/A.java": "A", "src/b/B.java": "B", "pom.xml": "<p/>", "run.sh:755": "#!"},
        build_args={"PORT": "8084"},
        labels={"by": "sdt", "commit": "abc"},
    )
    assert config_of(image)["config"] == {
        "Labels": {"title": "user service", "by": "sdt", "commit": "abc", LABEL: LABEL_VALUE},
        "Env": [PATH, "HOME_DIR=/app", "PORT=8084"],
        "WorkingDir": "/app",
        "ExposedPorts": {"8084/tcp": {}, "9000/udp": {}, "9001/udp": {}},
        "Volumes": {"/data": {}},
        "User": "7:8",
        "StopSignal": "SIGINT",
        "Healthcheck": {
            "Test": ["CMD", "/run", "$PORT"],
            "Interval": 90 * 10**9,
            "Timeout": 5 * 10**8,
            "Retries": 2,
        },
        "Entrypoint": ["/app/run.sh"],
        "Cmd": ["/bin/sh", "-c", "serve $PORT"],
    }
    found = files_of(image)
    assert found["app/classes/b/B.java"] == ("file", "0o644", (7, 8), "B")
    assert found["app/classes"][2] == (7, 8)
    assert found["app"] == ("folder", "0o755", (0, 0), "")
    assert found["app/run.sh"] == ("file", "0o755", (0, 0), "#!")
    assert "app/pom.xml" in found


def test_the_same_context_gives_the_same_digest(tmp_path: Path) -> None:
    text, files = "FROM scratch\nCOPY . /\n", {"a": "1", "d/b:755": "2", "l": "->a"}
    one = build(order(tmp_path / "one", text, files), tmp_path / "store")
    two = build(order(tmp_path / "elsewhere" / "two", text, files), tmp_path / "other")
    assert one.image_id == two.image_id
    assert Path(one.store, "index.json").read_bytes() == Path(two.store, "index.json").read_bytes()
    changed = build(order(tmp_path / "one", text, {"a": "2"}), tmp_path / "store")
    assert changed.image_id != one.image_id
    dated = build(order(tmp_path / "one", text, build_args={"SOURCE_DATE_EPOCH": "1"}), tmp_path / "store")
    assert config_of(dated)["created"] == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("copy", "paths"),
    [
        ("COPY a /x", ["x"]),
        ("COPY a /x/", ["x/a"]),
        ("COPY a .", ["w/a"]),
        ("COPY /a ../y", ["y"]),
        ("COPY ../../a /", ["a"]),
        ("COPY a d/c /x/", ["x/a", "x/c"]),
        ("COPY d /x", ["x/c", "x/e/f.txt"]),
        ("COPY d/ a /x/", ["x/a", "x/c", "x/e/f.txt"]),
        ("COPY d/*/*.txt /x/", ["x/f.txt"]),
        ("COPY d/? [ab] none* /x/", ["x/a", "x/c", "x/f.txt"]),
        ('COPY ["a b", "/x y/"]', ["x y/a b"]),
        ("COPY link/c /x", ["x"]),
        ("COPY link /x/", ["x/c", "x/e/f.txt"]),
        ("COPY d /x\nCOPY a /x", ["x/a", "x/c", "x/e/f.txt"]),
        ("COPY d /x\nCOPY a /x/c", ["x/c", "x/e/f.txt"]),
    ],
)
def test_where_copies_go(make: Any, copy: str, paths: list[str]) -> None:
    context = {"a": "1", "a b": "2", "d/c": "3", "d/e/f.txt": "4", "link": "->d"}
    found = files_of(make(f"FROM scratch\nWORKDIR /w\n{copy}\n", context))
    assert sorted(path for path, entry in found.items() if entry[0] != "folder") == paths


def test_ignored_files_are_not_there_to_copy(make: Any) -> None:
    with pytest.raises(BuildError, match="line 2: COPY secret /: secret is not in the build context"):
        make("FROM scratch\nCOPY secret /\n", {"secret": "s", ".dockerignore": "secret\n"})


def test_links_do_not_lead_out_of_the_context(make: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("private")
    for target in ("../secret", str(tmp_path / "secret")):
        (tmp_path / "context/out").unlink(missing_ok=True)
        with pytest.raises(BuildError, match="secret"):
            make("FROM scratch\nCOPY out /x\n", {"out": f"->{target}"})
    image = make("FROM scratch\nCOPY . /x\n")
    assert files_of(image)["x/out"][0] == "link"


def test_stages(make: Any) -> None:
    image = make(
        'FROM scratch AS files\nCOPY a /from/a\nENV X=1\nCMD ["base"]\n'
        "FROM unused-image AS unused\nRUN something\n"
        'FROM files AS second\nENTRYPOINT ["e"]\n'
        "FROM second\nCOPY --from=0 /from/a /copied\nCOPY --from=files from /tree\n",
        {"a": "1"},
    )
    assert sorted(p for p, e in files_of(image).items() if e[0] == "file") == ["copied", "from/a", "tree/a"]
    config = config_of(image)["config"]
    assert (config["Env"], config["Entrypoint"], "Cmd" in config) == ([PATH, "X=1"], ["e"], False)


def test_arguments_have_the_scope_that_docker_gives_them(make: Any) -> None:
    text = (
        "ARG A=outer\nFROM scratch\nENV BEFORE=$A\nARG A\nENV AFTER=$A\nENV A=env\nARG A=ignored\n"
        "ENV LAST=$A\nARG TARGETARCH\nENV ARCH=$TARGETARCH ONE=$LAST\n"
    )
    assert config_of(make(text))["config"]["Env"] == [
        PATH, "BEFORE=", "AFTER=outer", "A=env", "LAST=env", "ARCH=amd64", "ONE=env",
    ]  # fmt: skip
    assert "AFTER=given" in config_of(make(text, build_args={"A": "given"}))["config"]["Env"]


def test_progress_counts_the_instructions(tmp_path: Path, every_note: None) -> None:
    notes: list[Any] = []
    wanted = order(tmp_path / "context", "FROM scratch\nARG A=1\nENV B=$A\n", build_args={"OTHER": "1"})
    build(wanted, tmp_path / "store", notes)
    assert notes == [
        ("FROM scratch", 0, 3),
        ("ARG A=1", 1, 3),
        ("ENV B=$A", 2, 3),
        ("no ARG asks for the build argument OTHER", 0, 0),
    ]


def test_a_read_only_session_builds_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        call = Caller(read_only=True)
        wanted = order(tmp_path / "context", "FROM scratch\n")
        await SandboxBuilder(call, tmp_path / "store").build(wanted, lambda *_: None)

    with pytest.raises(ReadOnlyError):
        asyncio.run(run())
    assert not (tmp_path / "store").exists()


def test_a_cancelled_build_ends_and_leaves_nothing(tmp_path: Path, every_note: None) -> None:
    reached, go_on = threading.Event(), threading.Event()
    notes: list[str] = []

    def progress(note: str, done: int, total: int) -> None:
        notes.append(note)
        if note.startswith("ENV"):
            reached.set()
            go_on.wait(10)

    async def run() -> None:
        call = Caller()
        wanted = order(tmp_path / "context", "FROM scratch\nENV A=1\nCOPY a /\n", {"a": "1"})
        task = asyncio.create_task(SandboxBuilder(call, tmp_path / "store").build(wanted, progress))
        await asyncio.to_thread(reached.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        call.close()

    asyncio.run(run())
    assert notes[-1] == "ENV A=1"
    assert list((tmp_path / "store").iterdir()) == []
