"""What the sandbox's builder refuses, with the line and the reason."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdt_console.clients.dockerfile import INSTRUCTIONS
from sdt_console.clients.sandbox_builder import SandboxBuilder
from sdt_console.errors import BuildError
from tests.clients.builders import run
from tests.clients.images import config_of, order


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("FROM scratch\n\nRUN mvn package\n", "line 3: RUN needs a Docker Engine"),
        ("ARG B=base:1\nFROM $B\n", "line 2: FROM base:1 needs a Docker Engine"),
        ("FROM scratch\nADD https://x.test/a /a\n", "line 2: ADD of a URL needs a Docker Engine"),
        ("FROM scratch\nCOPY --from=other /a /a\n", "line 2: COPY --from=other needs a Docker Engine"),
        ("FROM scratch\nCOPY --parents a /a\n", "line 2: COPY --parents needs a Docker Engine"),
        ("FROM scratch\nCOPY --chown=app a /a\n", "line 2: --chown=app (a name instead of numbers) needs"),
        ("FROM scratch\nCOPY <<EOF /a\nx\n", "line 3: unknown instruction: X"),
        ("FROM scratch\nONBUILD COPY . /\n", "line 2: ONBUILD needs a Docker Engine"),
        ("FROM scratch\nADD a.tar /\n", "line 2: ADD of an archive (a.tar), to be unpacked, needs a Docker"),
    ],
)
def test_what_needs_an_engine_is_refused_with_its_line(
    make: Any, tmp_path: Path, text: str, cause: str
) -> None:
    import tarfile

    tmp_path.joinpath("context").mkdir()
    tarfile.open(tmp_path / "context/a.tar", "w").close()
    with pytest.raises(BuildError) as caught:
        make(text, {"a": "1"})
    assert caught.value.cause.startswith(cause)
    assert caught.value.what == "cannot build user-service from Dockerfile"
    if "Engine" in cause:
        assert "Docker Engine" in caught.value.next
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("COPY none /", "COPY none /: none is not in the build context"),
        ("COPY none* /", "COPY none* /: no source files were found for none*"),
        ("COPY a d /x", "COPY a d /x: with more than one source the destination must be a folder"),
        ("COPY a", "COPY needs a source and a destination"),
        ("COPY [a /", "COPY [a /: syntax error in pattern"),
        ("COPY loop /", "COPY loop /: too many links in loop"),
        ("EXPOSE web", "EXPOSE web: not a port"),
        ("EXPOSE 70000", "EXPOSE 70000: not a port"),
        ("HEALTHCHECK run", "HEALTHCHECK takes NONE, or CMD and a command"),
        ("HEALTHCHECK --interval=soon CMD x", "HEALTHCHECK --interval=soon is not a duration"),
        ("HEALTHCHECK --every=1s CMD x", "HEALTHCHECK --every=1s is not understood"),
        ("ENV A", "ENV: A must have a value"),
        ("LABEL a=1 b", "LABEL: 'b' is not NAME=value"),
        ('WORKDIR "/x', 'WORKDIR: "/x: missing closing double quote'),
        ("SHELL sh", "SHELL takes a JSON list of strings"),
        ("FROM scratch AS", "FROM takes an image, or an image AS a name"),
        ("FROM $NONE", "FROM $NONE: the name is empty"),
    ],
)
def test_mistakes_are_named_with_their_line(make: Any, line: str, cause: str) -> None:
    with pytest.raises(BuildError) as caught:
        make(f"FROM scratch\n{line}\n", {"a": "1", "d/c": "2", "loop": "->loop"})
    assert caught.value.cause.startswith(f"line 2: {cause}")
    assert caught.value.next


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("COPY a /a/b/", "/a is a file, not a folder"),
        ("COPY a /a/b", "/a is a file, not a folder"),
        ("COPY d /a", "/a is a file, not a folder"),
        ("WORKDIR /a/w", "/a is a file, not a folder"),
    ],
)
def test_files_and_folders_do_not_replace_each_other(make: Any, line: str, cause: str) -> None:
    with pytest.raises(BuildError, match=cause):
        make(f"FROM scratch\nCOPY a /a\n{line}\n", {"a": "1", "d/c": "2"})


def test_a_missing_dockerfile_is_named(tmp_path: Path) -> None:
    wanted = order(tmp_path / "context", "", dockerfile="app/Dockerfile")
    with pytest.raises(BuildError, match="no Dockerfile at app/Dockerfile"):
        run(SandboxBuilder, wanted, tmp_path / "store")


WORDS = st.sampled_from(
    ["a", "d/", ".", "..", "/", "*", "[", "$A", "${A:-x}", "${", "'", '"', "\\", "=", "A=1", "--from=0",
     "--chown=1:2", '["a", "/b"]', "[]", "\0", "\udcff", "80", "é", "<<E", "NONE", "CMD", "scratch", "AS"]
)  # fmt: skip
LINES = st.builds(
    "{} {}".format, st.sampled_from(sorted(INSTRUCTIONS)), st.lists(WORDS, max_size=4).map(" ".join)
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=5))
def test_no_dockerfile_breaks_the_builder(tmp_path: Path, lines: list[str]) -> None:
    """It is built, or refused in our words."""
    wanted = order(tmp_path / "context", "FROM scratch", {"a": "1", "d/c": "2"})
    text = "\n".join(["FROM scratch", *lines])
    (wanted.context / "Dockerfile").write_bytes(text.encode(errors="surrogateescape"))
    with suppress(BuildError):
        assert config_of(run(SandboxBuilder, wanted, tmp_path / "store"))["os"] == "linux"
