"""A process that has everything imported, and forks a child for each run: one that may be killed.

Run as ``python -m tests.faults.nursery``. A line of JSON on stdin is one job, a line on stdout its answer:
how the child ended, a signal as a negative number. The children are real processes, killed for real.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sdt_console.engine import Engine
from sdt_console.events import Event
from sdt_console.runs.journal import Journal
from sdt_console.settings import Settings


class KillingJournal(Journal):
    """Kills its process right before, or right after, the entry with number ``at`` is written.

    :param when: ``before``: what the entry tells is done, and nobody will know; or ``after``.
    """

    def __init__(self, path: Path, at: int, when: str) -> None:
        super().__init__(path)
        self._at = at
        self._when = when

    def append(self, event: Event) -> None:
        if event.seq == self._at and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(event)
        if event.seq == self._at and self._when == "after":
            os.kill(os.getpid(), signal.SIGKILL)


def run(job: dict[str, Any]) -> int:
    """One run, or the resumption of one; its exit code."""
    settings = Settings(
        catalog=job["catalog"],
        environment=job["environment"],
        repo=Path(job["repo"]),
        builder="sandbox",
        poll_seconds=0.1,
        environ={"SDT_STATE": job["state"]},
    )
    door = Engine(settings)
    if "at" in job:
        path = door.state_folder / "journal.sqlite3"
        door.__dict__["journal"] = KillingJournal(path, job["at"], job["when"])
    try:
        if job.get("resume"):
            state = asyncio.run(door.resume(job["resume"]))
        else:
            state = asyncio.run(door.run(force_full_build=True))
    finally:
        door.close()
    return state.exit_code if state.exit_code is not None else 99


def _warm_up() -> None:
    """Import and load now what every child would load again."""
    import boto3

    import sdt_console.cli.running
    import sdt_console.clients.registry
    import sdt_console.clients.sandbox_builder
    import sdt_console.conductor
    import sdt_console.pipeline.runner  # noqa: F401

    for service in ("ecs", "ecr", "elbv2", "logs"):
        boto3.client(service)


def main() -> None:
    _warm_up()
    for line in sys.stdin:
        job = json.loads(line)
        os.environ.update(job["environ"])
        child = os.fork()
        if child == 0:
            status = 98
            try:
                status = run(job)
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)


if __name__ == "__main__":
    main()
