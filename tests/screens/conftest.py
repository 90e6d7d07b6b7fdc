"""A console on a sandbox, at a fixed size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.app import Console
from sdt_console.engine import Engine
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.repository import BackendRepository, generate
from sdt_console.settings import Settings
from tests.catalogs import OURS, ours

WAIT_S = 30.0
"""As long as something may take on a busy machine."""


class Desk:
    """One console and its keys."""

    def __init__(self, console: Console, pilot: Pilot[int]) -> None:
        self.console = console
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, seen: Callable[[], object], what: str) -> None:
        """Wait for something to be seen."""
        limit = asyncio.get_running_loop().time() + WAIT_S
        while not seen():
            assert asyncio.get_running_loop().time() < limit, f"never seen: {what}\n{self.text}"
            await self.pilot.pause(0.02)

    async def shows(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in self.text, text)  # type: ignore[misc]

    @property
    def text(self) -> str:
        """What is on the screen."""
        screen = self.console.screen
        width, height = self.console.size
        lines = screen._compositor.render_strips() if screen.is_mounted else []
        return "\n".join("".join(segment.text for segment in strip) for strip in lines[:height])[
            : (width + 1) * height
        ]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, BackendRepository]]:
    backend = generate(tmp_path_factory.mktemp("console") / "backend", ours())
    with Sandbox.start(ours(), speed=600, environments=["dev", "production"], commit=backend.base) as box:
        yield box, backend


Drive = Callable[..., None]


@pytest.fixture
def drive(
    sandbox: tuple[Sandbox, BackendRepository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Drive:
    """Run a story on a console: ``drive(story)``, where ``story`` takes a desk and is awaited."""
    box, backend = sandbox
    for key, value in box.environ.items():
        monkeypatch.setenv(key, value)

    def run(
        story: Callable[[Desk], Coroutine[Any, Any, None]],
        *,
        size: tuple[int, int] = (120, 32),
        environment: str = "dev",
    ) -> None:
        door = Engine(
            Settings(
                catalog=str(OURS),
                environment=environment,
                repo=backend.path,
                builder="sandbox",
                poll_seconds=0.05,
                environ={"SDT_STATE": str(tmp_path / "state")},
            )
        )

        async def play() -> None:
            console = Console(door)
            async with console.run_test(size=size) as pilot:
                await story(Desk(console, pilot))

        try:
            asyncio.run(play())
        finally:
            door.close()

    return run
