"""A session against an endpoint of the tests' own, in which waiting takes no time and is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.call import Caller
from tests.virtual_time import EPOCH


@dataclass
class StillClock:
    """Moves only when somebody sleeps; each sleep is kept."""

    at: float = EPOCH
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Session:
    """:param notes: what was told while calls were sent again."""

    clock: StillClock = field(default_factory=StillClock)
    notes: list[str] = field(default_factory=list)
    read_only: bool = False
    threads: int = 4

    def run(self, work: Callable[[Aws], Coroutine[Any, Any, Any]]) -> Any:
        """Run ``work`` with a session of its own; what it returned."""

        async def go() -> Any:
            call = Caller(
                read_only=self.read_only,
                threads=self.threads,
                clock=self.clock,
                random=Random(1),
                noted=self.notes.append,
            )
            try:
                return await work(Aws(call, region="eu-west-1"))
            finally:
                call.close()

        return asyncio.run(go())


def point_at(url: str, setenv: Callable[[str, str], None]) -> None:
    """Let the SDK of this process call ``url``."""
    for key, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
    }.items():
        setenv(key, value)
