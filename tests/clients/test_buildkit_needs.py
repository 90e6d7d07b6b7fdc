"""Which builder a Dockerfile needs, and which images are pulled for it beforehand."""

from __future__ import annotations

import pytest

from sdt_console.clients.base_images import bases
from sdt_console.clients.buildkit_needs import may_copy, needs_buildkit


@pytest.mark.parametrize(
    ("step", "needed"),
    [
        ("RUN make", False),
        ("COPY --chown=1:1 a b", False),
        ("COPY --from=x a b", False),
        ("ADD a b", False),
        ("RUN --mount=type=cache,target=/c make", True),
        ("RUN --network=none make", True),
        ("COPY --link a b", True),
        ("COPY --chown=1 --chmod=600 a b", True),
        ("ADD --checksum=sha256:1 https://h.test/a /", True),
        ("RUN <<EOF\nmake\nEOF", True),
    ],
)
def test_what_the_classic_builder_would_refuse(step: str, needed: bool) -> None:
    assert needs_buildkit(f"# syntax=docker/dockerfile:1\nFROM scratch\n{step}\n") is needed


@pytest.mark.parametrize(
    ("step", "copied"),
    [
        ("COPY . .", True),
        ("COPY ./ /x", True),
        ("ADD / /x", True),
        ("COPY a/.. /x", True),
        ('COPY [".", "/x"]', True),
        ("COPY * /x", True),
        ("COPY docker /x", True),
        ("COPY docker/* /x", True),
        ("COPY d*r /x", True),
        ("COPY a docker/Dockerfile /x", True),
        ("COPY $SOURCE /x", True),
        ("COPY [a-z]* /x", True),
        ("RUN --mount=type=bind,target=/x make", True),
        ("COPY <<EOF /x\ntext\nEOF", True),
        ("COPY a b /x", False),
        ("COPY *.jar /x", False),
        ("COPY docker/*.sh /x", False),
        ("COPY docker/Dockerfile/more /x", False),
        ("COPY target/*.jar app.jar", False),
        ("COPY --from=build . .", False),
        ("ONBUILD COPY . .", False),
        ("RUN make docker", False),
    ],
)
def test_what_could_copy_the_dockerfile(step: str, copied: bool) -> None:
    assert may_copy(f"FROM scratch\n{step}\n", "docker/Dockerfile") is copied


def test_the_images_that_it_is_based_on() -> None:
    text = (
        "ARG TAG=1\nARG HOST\nARG HOST2=$HOST\nFROM $HOST/a:$TAG AS build\nARG TAG=other\n"
        "FROM build AS Next\nCOPY --from=0 a b\nCOPY --from=h.test/tools:2 a b\nCOPY --from=next a b\n"
        "FROM --platform=linux/amd64 $HOST2/c@sha256:12\nCOPY --from=build a b\nFROM scratch\n"
    )
    assert bases(text, {"HOST": "h.test", "UNKNOWN": "1"}) == [
        "h.test/a:1", "h.test/tools:2", "h.test/c@sha256:12",
    ]  # fmt: skip
    assert bases(text, {"HOST": "g.test", "TAG": "9"})[0] == "g.test/a:9"
    assert bases("FROM a\nRUN <<EOF\nmake\nEOF\n", {}) == []
