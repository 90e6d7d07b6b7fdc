"""``sdt rollback --run`` of a run that was killed in the middle of a rollout."""

from __future__ import annotations

import asyncio

import pytest

from sdt_console.errors import UsageError
from sdt_console.events import Event, Intended
from sdt_console.model import Outcome, Request
from sdt_console.pipeline.change import UPDATE
from sdt_console.runs.journal import Journal
from tests.pipeline.test_single import conduct, definition
from tests.world import SKIP, World

NAME = "task-service"


class KilledError(BaseException):
    """The process is gone: nothing more is recorded or done."""


def killed(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> str:
    """A run that died at its first event of ``kind`` for the update of the service; its id."""
    append = Journal.append
    gone: list[Event] = []
    runs: list[str] = []

    def dies(journal: Journal, event: Event) -> None:
        if gone:
            raise KilledError
        append(journal, event)
        runs.append(event.run)
        if event.type == kind and getattr(event.body, "action", "") == UPDATE:
            gone.append(event)
            raise KilledError

    engine = world.engine()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", dies)
        with pytest.raises(BaseException) as caught:  # noqa: PT011  alone or in a group
            asyncio.run(engine.run(skip_gates=SKIP))
    engine.close()
    assert gone, caught.value
    return runs[0]


def test_what_it_had_updated_goes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = definition(world, NAME)
    run = killed(world, monkeypatch, "done")
    assert definition(world, NAME) != before
    world.clock._clock.advance(120)  # its lease has expired
    state = conduct(world, Request("rollback", undo=run))
    assert state.outcome is Outcome.SUCCEEDED
    assert definition(world, NAME) == before


def test_what_it_had_only_announced_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = definition(world, NAME)
    run = killed(world, monkeypatch, "intended")
    assert definition(world, NAME) == before
    with pytest.raises(UsageError, match=f"run {run} left no service changed"):
        conduct(world, Request("rollback", undo=run))
    assert not [e for e in world.events if isinstance(e.body, Intended)]
