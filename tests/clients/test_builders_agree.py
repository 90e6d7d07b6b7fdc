"""The sandbox's images compared with what a Docker Engine makes of the same, and run by one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.model import BuildOrder, RegistryLogin
from tests.clients.builders import OURS, exported, push, run
from tests.clients.images import Files, config_of, files_of, order
from tests.registry_server import REPO, RegistryServer

docker = pytest.mark.docker

# --- the sandbox's images, judged by an Engine -------------------------------


def compare(wanted: BuildOrder, engine: Any, store: Path) -> tuple[Files, Files]:
    """The files of both builders' images of the same context: the Engine's, ours."""
    theirs = run(EngineBuilder, wanted)
    ours = run(SandboxBuilder, wanted, store)
    config, expected = config_of(ours)["config"], engine.api.inspect_image(theirs.image_id)["Config"]
    assert (config.get("WorkingDir") or "/") == (expected["WorkingDir"] or "/")  # BuildKit says what is meant
    for key in ("Env", "Cmd", "Entrypoint", "User", "ExposedPorts", "Volumes", "Labels"):
        assert (config.get(key) or None) == (expected.get(key) or None), key
    for key in ("Healthcheck", "StopSignal"):
        assert config.get(key) == expected.get(key), key
    return exported(engine, theirs.image_id), files_of(ours)


CONTEXT = {
    "a": "1",
    "run.sh:755": "#!",
    "private:600": "p",
    "a b": "2",
    "d/c": "3",
    "d/e/f.txt": "4",
    "d/l": "->c",
    "link": "->d",
    "out": "->/a",
    "target/x": "no",
    ".dockerignore": "target\n**/*.tmp\n",
    "d/skip.tmp": "no",
}


COPIES = [
    "COPY a /first",
    "COPY a /1/",
    "COPY a run.sh private /2/",
    "COPY d /3",
    "COPY d/ /4/",
    "COPY d/* /5/",
    "COPY a /3",
    "COPY run.sh /3/c",
    "COPY link /6",
    "COPY link/e /7",
    "COPY out /8",
    "COPY --chown=7:8 d /9/y",
    "COPY --chown=9 a /9/y/",
    "COPY --chown=9 a /10/new/",
    "COPY --chown=9 a /10/file/new",
    'COPY ["a b", "/1 1/"]',
    "ADD a d /12/",
    "COPY d/[c-e]* ?un.sh /13/",
    "COPY . /14",
    "WORKDIR /w",
    "WORKDIR x",
    "COPY a .",
    "COPY d/e/../c ./15",
    "COPY . .",
]
SETTINGS = [
    'ENV A=1 B="two words" C=$A',
    "ENV D old  form",
    "ENV E=${A:-x}${N:-y} F='$A'",
    "ENV A=2",
    "ARG P=80",
    "EXPOSE $P 90/udp 100-102",
    "VOLUME /a /b",
    'VOLUME ["/c"]',
    "USER $P",
    "STOPSIGNAL 9",
    "CMD a $B",
    'ENTRYPOINT ["x", "y"]',
    "HEALTHCHECK --interval=1m30s --timeout=2s --start-period=1s --retries=3 CMD curl x",
    'LABEL a=1 "b c"="d e" f=\'g h\'',
    'SHELL ["/s", "-x"]',
    "ENTRYPOINT run $A",
]


@docker
@pytest.mark.parametrize("steps", [COPIES, SETTINGS], ids=["copies", "settings"])
def test_ours_is_what_an_engine_makes(tmp_path: Path, engine: Any, steps: list[str], which: str) -> None:
    wanted = order(tmp_path / "context", "\n".join(["FROM scratch", *steps]), CONTEXT)
    (wanted.context / "d").chmod(0o750)
    (wanted.context / "d/e").chmod(0o700)
    theirs, ours = compare(wanted, engine, tmp_path / "store")
    if which == "classic" and steps is COPIES:  # `--chown` of a folder: BuildKit gives away those above, too
        assert (ours.pop("9")[2], theirs.pop("9")[2]) == ((7, 8), (0, 0))
    assert ours == theirs


@docker
def test_our_stages_are_what_an_engine_makes(tmp_path: Path, engine: Any, which: str) -> None:
    text = (
        "FROM scratch AS one\nWORKDIR /w\nCOPY --chown=5:6 d /src\nENV X=1\nCMD [\"c\"]\n"
        "FROM one AS two\nCOPY a /two\nENTRYPOINT [\"e\"]\n"
        "FROM two\nCOPY --from=one /src/e /e\nCOPY --from=0 src/c /\nCOPY --from=two . /all/\n"
    )  # fmt: skip
    theirs, ours = compare(order(tmp_path / "context", text, CONTEXT), engine, tmp_path / "store")
    assert ours == theirs


NAMES = st.sampled_from(["a", "b", "ab", "a.txt", "b.txt", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
WILD = st.sampled_from(["a", "b", "ab", "c", "*", "**", "*.txt", "?", "[a-b]", "a*"])
# The command's classic way does not look into an ignored folder for what a wildcard takes back in, BuildKit
# and we do: such a wildcard comes last here, where all agree.
RULES = st.lists(
    st.lists(WILD, min_size=1, max_size=3).map("/".join)
    | st.builds("!{}/{}".format, PATHS, WILD)
    | PATHS.map("!{}".format),
    max_size=4,
)


@docker
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.sets(PATHS, min_size=1, max_size=8), rules=RULES)
def test_an_engine_copies_what_our_context_shows(
    tmp_path: Path, engine: Any, paths: set[str], rules: list[str]
) -> None:
    """With the whole folder sent by the ``docker`` command, which applies the ignore file by itself."""
    root = tmp_path / "context"
    shutil.rmtree(root, ignore_errors=True)
    files = {path: path for path in paths if not any(other.startswith(path + "/") for other in paths)}
    wanted = order(
        root, "FROM scratch\nCOPY . /x\n", files | {".dockerignore": "\n".join(["Dockerfile", *rules])}
    )
    built = subprocess.run(
        ["docker", "build", "-q", "--label", OURS, str(root)],
        capture_output=True, text=True, check=False,
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    theirs = exported(engine, built.stdout.strip())
    ours = files_of(run(SandboxBuilder, wanted, tmp_path / "store"))
    assert {p for p, e in ours.items() if e[0] == "file"} == {p for p, e in theirs.items() if e[0] == "file"}


# --- the sandbox's images, run by an Engine ----------------------------------


@docker
def test_an_engine_pulls_and_runs_our_image(tmp_path: Path, engine: Any, registry: RegistryServer) -> None:
    program = shutil.which("busybox")
    assert program is not None
    registry.create(REPO)
    reference = f"{registry.host}/{REPO}:abc"
    wanted = order(
        tmp_path / "context",
        "FROM scratch\nCOPY busybox /bin/busybox\nCOPY www /www\nENV NAME=sandbox\n"
        'USER 1000\nENTRYPOINT ["/bin/busybox"]\nCMD ["sh", "-c", "cat /www/index.html; echo $NAME; id -u"]',
        {"www/index.html": "hello\n"},
        references=(reference,),
    )
    shutil.copy(program, wanted.context / "busybox")
    image = run(SandboxBuilder, wanted, tmp_path / "store")
    login = RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True)
    digest = push(SandboxBuilder, image, login, tmp_path / "store")
    assert registry.tags(REPO) == {"abc": digest}
    credentials = {"username": "AWS", "password": registry.password()}
    pulled = engine.images.pull(reference, auth_config=credentials)
    assert pulled.id == image.image_id
    assert pulled.attrs["RepoDigests"] == [f"{registry.host}/{REPO}@{digest}"]
    assert engine.containers.run(pulled.id, remove=True) == b"hello\nsandbox\n1000\n"
