"""What threads say beside a run: no traceback when it cannot be recorded, and the run hears of it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sdt_console.errors import JournalError
from sdt_console.events import Event
from sdt_console.runs.journal import Journal
from tests.world import SKIP, World


def test_a_retry_that_cannot_be_recorded_is_no_traceback_and_ends_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = world.engine()
    append = Journal.append
    full: list[str] = []

    def refuse(journal: Journal, event: Event) -> None:
        if full:
            raise JournalError("cannot write the journal", "disk full", "free space")
        append(journal, event)

    def throttled(event: Event) -> None:
        if event.type == "intended" and not full:
            full.append(event.type)
            assert engine.outside.calls.noted is not None
            engine.outside.calls.noted("ecs:DescribeServices is throttled, trying again")

    monkeypatch.setattr(Journal, "append", refuse)
    try:
        with caplog.at_level(logging.ERROR, "asyncio"):
            state = asyncio.run(engine.run(skip_gates=SKIP, subscribers=[throttled]))
    finally:
        engine.close()
    assert full
    assert [record.getMessage() for record in caplog.records] == []
    assert state.exit_code == 3
    assert state.failure is not None
    assert state.failure.cause == "disk full"
