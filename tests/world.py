"""A whole account and a whole backend repository, on a clock that the run itself moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from sdt_console.engine import Engine
from sdt_console.events import Event
from sdt_console.model import RunState
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.sandbox.repository import BackendRepository, generate
from sdt_console.settings import Settings
from tests.catalogs import OURS, ours
from tests.git import Repo

SKIP = {"maven": "not in the sandbox", "sonarqube": "not in the sandbox"}


class SandboxClock:
    """Time that passes only when somebody waits: the sandbox lives through the same seconds.

    It moves in short steps, since the world does not stand still between two looks at it.
    """

    def __init__(self, clock: ManualClock, advance: Callable[[float], object]) -> None:
        self._clock = clock
        self._advance = advance

    def now(self) -> float:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.to_thread(self._advance, seconds)


@dataclass
class World:
    """A sandbox at life-like speed, a repository, and runs of the engine on them."""

    sandbox: Sandbox
    clock: SandboxClock
    backend: BackendRepository
    state: Path
    events: list[Event] = field(default_factory=list)

    @property
    def repo(self) -> Repo:
        return Repo(self.backend.path)

    def engine(self, **settings: Any) -> Engine:
        given: dict[str, Any] = {
            "catalog": str(OURS),
            "repo": self.backend.path,
            "builder": "sandbox",
        } | settings
        environ = {"SDT_STATE": str(self.state)}
        return Engine(Settings(environ=environ, **given), clock=self.clock)

    def run(self, *arguments: Any, skip: dict[str, str] | None = None, **options: Any) -> RunState:
        """One run; its events are kept in ``events``."""
        engine = self.engine(**options.pop("settings", {}))
        self.events.clear()
        try:
            return asyncio.run(
                engine.run(
                    *arguments,
                    skip_gates=SKIP if skip is None else skip,
                    subscribers=[self.events.append],
                    **options,
                )
            )
        finally:
            engine.close()

    def client(self, name: str) -> Any:
        return boto3.client(name)

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ecs").describe_services(
            cluster="sdt-dev-cluster", services=[f"sdt-dev-{name}"]
        )["services"][0]
        return found


@contextmanager
def opened(tmp_path: Path, setenv: Callable[[str, str], None]) -> Iterator[World]:
    """A world in ``tmp_path``; ``setenv`` points this process's AWS settings to it."""
    manual = ManualClock()
    backend = generate(tmp_path / "backend", ours())
    with Sandbox.start(ours(), clock=manual, speed=1, environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            setenv(key, value)
        clock = SandboxClock(manual, sandbox.advance)
        yield World(sandbox, clock, backend, tmp_path / "state")
