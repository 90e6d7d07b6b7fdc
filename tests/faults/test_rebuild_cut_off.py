"""A rebuild replaces a tag that is there: what the tag named before is not taken for what was pushed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sdt_console.events import Done, Event, Intended
from sdt_console.model import Outcome, Request
from sdt_console.runs.journal import Journal
from tests.world import World


class Killed(BaseException):
    """The process is gone."""


class DyingJournal(Journal):
    """Its process dies right after an entry of the kind ``last`` about a push is written."""

    def __init__(self, path: Path, last: type[Intended] | type[Done], when: str) -> None:
        super().__init__(path)
        self._last = last
        self._when = when
        self.run = ""

    def append(self, event: Event) -> None:
        self.run = event.run
        hit = isinstance(event.body, self._last) and event.body.action == "push"
        if hit and self._when == "before":
            raise Killed
        super().append(event)
        if hit:
            raise Killed


def digest(world: World) -> str:
    found = world.client("ecr").describe_images(
        repositoryName="sdt/dev/task-service", imageIds=[{"imageTag": world.backend.head}]
    )
    return str(found["imageDetails"][0]["imageDigest"])


@pytest.mark.parametrize(
    ("last", "when", "found"),
    [(Intended, "after", False), (Done, "before", True)],
    ids=["announced and not pushed", "pushed and not recorded"],
)
def test_killed_about_its_push(
    world: World, last: type[Intended] | type[Done], when: str, found: bool
) -> None:
    world.run()
    old = digest(world)
    engine = world.engine(build_args={"REBUILT": "yes"})
    journal = DyingJournal(engine.state_folder / "journal.sqlite3", last, when)
    engine.__dict__["journal"] = journal
    with pytest.raises(BaseExceptionGroup):
        asyncio.run(engine.conduct(Request("deploy", services=("task-service",), rebuild=True)))
    engine.close()
    assert (digest(world) != old) is found

    engine = world.engine(build_args={"REBUILT": "yes"})
    world.events.clear()
    state = asyncio.run(engine.resume(journal.run, subscribers=[world.events.append]))
    engine.close()
    assert state.outcome is Outcome.SUCCEEDED
    (done,) = [e.body for e in world.events if isinstance(e.body, Done) and e.body.action == "push"]
    assert done.result.get("found", False) is found
    assert done.result["digest"] == digest(world) == state.services[0].digest != old
