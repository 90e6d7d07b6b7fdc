"""Images built by a Docker Engine, and the sandbox's compared with what an Engine makes of the same."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdt_console.clients.call import Caller
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.errors import BuildError
from sdt_console.model import BuildOrder, BuiltImage, RegistryLogin
from tests.clients.images import LABEL, LABEL_VALUE, Files, config_of, files_of, files_of_tar, order
from tests.registry_server import RegistryServer

docker = pytest.mark.docker
REPO = "sdt/dev/user-service"
OURS = f"{LABEL}={LABEL_VALUE}"
BUSYBOX = f"sdt-test-busybox:{LABEL_VALUE}"


def nothing(note: str, done: int, total: int) -> None: ...


def run(builder: type[Any], wanted: BuildOrder, *more: Any, progress: Any = nothing) -> BuiltImage:
    async def go() -> BuiltImage:
        call = Caller()
        try:
            image: BuiltImage = await builder(call, *more).build(wanted, progress)
            return image
        finally:
            call.close()

    return asyncio.run(go())


def push(builder: Any, image: BuiltImage, login: RegistryLogin, progress: Any = nothing) -> str:
    async def go() -> str:
        call = Caller()
        try:
            digest: str = await builder(call).push(image, login, progress)
            return digest
        finally:
            call.close()

    return asyncio.run(go())


@pytest.fixture
def engine() -> Iterator[Any]:
    import docker as sdk

    client = sdk.from_env()
    yield client
    for image in client.images.list(filters={"label": OURS}):
        client.images.remove(image.id, force=True)
    client.close()


@pytest.fixture
def busybox(engine: Any) -> Iterator[str]:
    """A base image that has a shell, made without a network."""
    program = shutil.which("busybox")
    if program is None:
        pytest.fail("the Docker tests need a static busybox on the path")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, "bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    engine.api.import_image_from_data(packed.getvalue(), *BUSYBOX.split(":"))
    yield BUSYBOX
    engine.images.remove(BUSYBOX, force=True)


def exported(engine: Any, image: str) -> Files:
    """The files of an image as a container of it has them, without what the Engine adds to a container."""
    container = engine.containers.create(image, command="none")
    try:
        found = files_of_tar(b"".join(container.export()))
    finally:
        container.remove()
    added = {"dev", "etc", "proc", "sys", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf"}
    return {
        path: entry
        for path, entry in found.items()
        if path not in added | {"etc/mtab"} and not path.startswith("dev/")
    }


# --- the Engine's builder ----------------------------------------------------


def test_no_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert EngineBuilder.available() == "no Docker Engine answers: No such file or directory"
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", "FROM scratch\n"))
    assert caught.value.cause == "no Docker Engine answers: No such file or directory"
    assert "start a Docker Engine" in caught.value.next


@docker
def test_a_build_runs_the_dockerfile(tmp_path: Path, engine: Any, busybox: str) -> None:
    assert EngineBuilder.available() is None
    notes: list[tuple[str, int, int]] = []
    wanted = order(
        tmp_path / "context",
        "ARG BASE\nFROM $BASE\nARG WHO\nRUN echo hello $WHO > /greeting\nCOPY . /files\n",
        {"a": "1", "secret": "s", ".dockerignore": "secret\nDockerfile\n"},
        build_args={"BASE": busybox, "WHO": "world"},
        labels={"commit": "abc"},
        references=("sdt-test/one:abc", "sdt-test/one:latest"),
    )
    image = run(EngineBuilder, wanted, progress=lambda *note: notes.append(note))
    built = engine.images.get("sdt-test/one:abc")
    assert (built.id, built.attrs["Size"]) == (image.image_id, image.size)
    assert engine.images.get("sdt-test/one:latest").id == image.image_id
    assert built.labels["commit"] == "abc"
    found = exported(engine, image.image_id)
    assert found["greeting"][3] == "hello world\n"
    assert sorted(path for path in found if path.startswith("files/")) == ["files/.dockerignore", "files/a"]
    assert ("RUN echo hello $WHO > /greeting", 3, 7) in notes


@docker
def test_a_failed_build_tells_its_last_lines(tmp_path: Path, busybox: str) -> None:
    wanted = order(
        tmp_path / "context",
        f"FROM {busybox}\nRUN for n in $(busybox seq 50); do echo line $n; done; exit 3\n",
    )
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, wanted)
    first, *rest = caught.value.cause.splitlines()
    assert first.endswith("returned a non-zero code: 3")
    assert (len(rest), rest[-1]) == (20, "line 50")
    assert caught.value.what == "cannot build user-service"


@docker
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("FROM scratch\nCOPPY a b\n", "unknown instruction: COPPY"),
        ("FROM scratch\nCOPY none /\n", "none"),
        ("FROM 127.0.0.1:1/none:1\n", "127.0.0.1:1"),
    ],
)
def test_a_mistake_is_told_in_the_engines_words(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(BuildError) as caught:
        run(EngineBuilder, order(tmp_path / "context", text))
    assert cause in caught.value.cause


@docker
def test_a_cancelled_build_ends_at_once(tmp_path: Path, engine: Any, busybox: str) -> None:
    running = asyncio.Event()
    text = f"FROM {busybox}\nLABEL {LABEL}={LABEL_VALUE}\nRUN echo begun && busybox sleep 300\n"

    async def go() -> float:
        loop, call = asyncio.get_running_loop(), Caller()

        def progress(note: str, done: int, total: int) -> None:
            if note == "begun":
                loop.call_soon_threadsafe(running.set)

        task = asyncio.create_task(EngineBuilder(call).build(order(tmp_path / "context", text), progress))
        await asyncio.wait_for(running.wait(), 30)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        call.close()
        return time.monotonic() - begin

    assert asyncio.run(go()) < 1.0
    # The Engine stops the step's container by itself once its client has gone.
    deadline = time.monotonic() + 20
    while engine.api.containers(all=True, filters={"label": OURS}):
        assert time.monotonic() < deadline, "the step's container still runs"


# --- the Engine's push -------------------------------------------------------


@docker
def test_a_push_gives_the_digest_that_ecr_has(tmp_path: Path, engine: Any, registry: RegistryServer) -> None:
    registry.create(REPO)
    references = tuple(f"{registry.host}/{REPO}:{tag}" for tag in ("abc", "latest"))
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, references=references)
    image = run(EngineBuilder, wanted)
    notes: list[str] = []
    login = RegistryLogin(registry.host, "AWS", registry.password(), plain_http=True)
    digest = push(EngineBuilder, image, login, lambda note, *_: notes.append(note))
    assert registry.tags(REPO) == {"abc": digest, "latest": digest}
    assert any("pushed" in note for note in notes)

    engine.images.remove(image.image_id, force=True)
    credentials = {"username": "AWS", "password": registry.password()}
    pulled = engine.images.pull(f"{registry.host}/{REPO}@{digest}", auth_config=credentials)
    assert pulled.id == image.image_id


@docker
def test_a_refused_push_tells_the_registrys_words(
    tmp_path: Path, engine: Any, registry: RegistryServer
) -> None:
    reference = f"{registry.host}/sdt/none:abc"
    wanted = order(tmp_path / "context", "FROM scratch\nCOPY a /\n", {"a": "1"}, references=(reference,))
    image = run(EngineBuilder, wanted)
    with pytest.raises(BuildError, match="The repository with name 'sdt/none' does not exist") as caught:
        push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", registry.password()))
    assert caught.value.what == f"cannot push {reference}"
    with pytest.raises(BuildError) as caught:
        push(EngineBuilder, image, RegistryLogin(registry.host, "AWS", "wrong-password"))
    assert "wrong-password" not in str(caught.value)


# --- the sandbox's images, judged by an Engine -------------------------------


def compare(wanted: BuildOrder, engine: Any, store: Path) -> tuple[Files, Files]:
    """The files of both builders' images of the same context: the Engine's, ours."""
    theirs = run(EngineBuilder, wanted)
    ours = run(SandboxBuilder, wanted, store)
    config, expected = config_of(ours)["config"], engine.api.inspect_image(theirs.image_id)["Config"]
    for key in ("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "ExposedPorts", "Volumes", "Labels"):
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
def test_ours_is_what_an_engine_makes(tmp_path: Path, engine: Any, steps: list[str]) -> None:
    wanted = order(tmp_path / "context", "\n".join(["FROM scratch", *steps]), CONTEXT)
    (wanted.context / "d").chmod(0o750)
    (wanted.context / "d/e").chmod(0o700)
    theirs, ours = compare(wanted, engine, tmp_path / "store")
    assert ours == theirs


@docker
def test_our_stages_are_what_an_engine_makes(tmp_path: Path, engine: Any) -> None:
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

    async def go() -> str:
        call = Caller()
        try:
            return await SandboxBuilder(call, tmp_path / "store").push(image, login, nothing)
        finally:
            call.close()

    digest = asyncio.run(go())
    assert registry.tags(REPO) == {"abc": digest}
    credentials = {"username": "AWS", "password": registry.password()}
    pulled = engine.images.pull(reference, auth_config=credentials)
    assert pulled.id == image.image_id
    assert pulled.attrs["RepoDigests"] == [f"{registry.host}/{REPO}@{digest}"]
    assert engine.containers.run(pulled.id, remove=True) == b"hello\nsandbox\n1000\n"
