"""History: the runs so far, each as it was, and how one is undone."""

from __future__ import annotations

from screens.run import RunScreen
from tests.screens.conftest import Desk, Drive


def test_runs_are_listed_and_shown_as_they_were(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        await desk.press("5")
        await desk.shows("no run yet")
        await desk.press("1", "x", "right", "enter")
        await desk.shows("✔ succeeded")
        await desk.press("5")
        await desk.shows("restart config-server", "1 succeeded")
        await desk.press("enter")
        await desk.until(lambda: isinstance(desk.console.screen, RunScreen), "the run")
        await desk.shows("exit 0", "config-server")
        await desk.press("escape", "u")
        await desk.shows("Undo run")
        await desk.press("right", "enter")
        await desk.shows("left no service changed")

    drive(story)
