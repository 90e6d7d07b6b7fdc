"""kill -9 at every point of a run of five services with a rollback: `resume` ends as if nothing had been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import boto3
import pytest

from sdt_console.catalog.load import load
from sdt_console.events import Done, Event, Intended
from sdt_console.runs.journal import Journal
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.repository import generate
from tests.catalogs import ROOT
from tests.faults.five import FAILING, SERVICES, catalog_text

# Every entry is `make kill`; while one works, and in CI, a part of them is looked at.
EVERY = int(os.environ.get("SDT_KILL_EVERY", "8"))
PARTS = max(2, 12 // EVERY)
ENVIRONMENTS = 24
SPEED = 1200.0
NURSERIES = 2
KILLED = -9
ROLLED_BACK = 4


@dataclass
class Nursery:
    """Children that can be killed; see :mod:`tests.faults.nursery`."""

    process: subprocess.Popen[str]

    def child(self, **job: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@dataclass
class Field:
    """A sandbox with many environments, each for one trial."""

    job: dict[str, Any]
    folder: Path
    ecs: Any
    ecr: Any
    nurseries: SimpleQueue[Nursery] = field(default_factory=SimpleQueue)
    used: int = 0

    def environments(self, count: int) -> list[str]:
        names = [f"e{number}" for number in range(self.used, self.used + count)]
        self.used += count
        assert self.used <= ENVIRONMENTS
        return names

    def child(self, environment: str, **job: Any) -> int:
        nursery = self.nurseries.get()
        try:
            return nursery.child(
                **self.job, environment=environment, state=str(self.folder / environment), **job
            )
        finally:
            self.nurseries.put(nursery)

    def events(self, environment: str) -> list[Event]:
        journal = Journal(self.folder / environment / "journal.sqlite3")
        try:
            (run,) = journal.runs()
            return journal.events(run)
        finally:
            journal.close()

    def account(self, environment: str) -> dict[str, Any]:
        """What AWS has of one environment, without the names and digests that differ from one to another."""
        found: dict[str, Any] = {}
        services = self.ecs.describe_services(
            cluster=f"five-{environment}", services=[f"{environment}-{name}" for name in SERVICES]
        )["services"]
        for service in services:
            name = service["serviceName"].removeprefix(f"{environment}-")
            revisions = self.ecs.list_task_definitions(familyPrefix=service["serviceName"])[
                "taskDefinitionArns"
            ]
            images = self.ecr.describe_images(repositoryName=f"five/{environment}/{name}")["imageDetails"]
            found[name] = {
                "runs": service["taskDefinition"].rpartition(":")[2],
                "counts": (service["runningCount"], service["desiredCount"], len(service["deployments"])),
                "revisions": len(revisions),
                "tags": sorted(tuple(sorted(image.get("imageTags", ()))) for image in images),
            }
        return found


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[Field]:
    folder = tmp_path
    text = folder / "catalog.toml"
    text.write_text(catalog_text(ENVIRONMENTS))
    catalog = load(text)
    backend = generate(folder / "backend", catalog)
    before = dict(os.environ)
    scenarios = [f"image-missing:{FAILING}"]
    with Sandbox.start(catalog, speed=SPEED, scenarios=scenarios, commit=backend.base) as sandbox:
        os.environ.update(sandbox.environ)
        job = {"catalog": str(text), "repo": str(backend.path), "environ": dict(sandbox.environ)}
        made = Field(job, folder, boto3.client("ecs"), boto3.client("ecr"))
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=dict(os.environ),
            )
            for _ in range(NURSERIES)
        ]
        for process in processes:
            made.nurseries.put(Nursery(process))
        yield made
        for process in processes:
            process.communicate()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def undisturbed(trials: Field) -> tuple[list[Event], dict[str, Any]]:
    (environment,) = trials.environments(1)
    assert trials.child(environment) == ROLLED_BACK
    return trials.events(environment), trials.account(environment)


def check(trials: Field, environment: str, at: int, when: str, expected: dict[str, Any]) -> str:
    """One trial; what is wrong with how it ended, or nothing."""
    ended = trials.child(environment, at=at, when=when)
    if ended == ROLLED_BACK:
        return "" if not trials.events(environment)[at:] else "not killed"
    if ended != KILLED:
        return f"ended with {ended}"
    run = ""
    if (trials.folder / environment / "journal.sqlite3").exists():
        journal = Journal(trials.folder / environment / "journal.sqlite3")
        run = next(iter(journal.runs()), "")
        journal.close()
    again = trials.child(environment, **({"resume": run} if run else {}))
    if again != ROLLED_BACK:
        return f"resumed, it ended with {again}"
    found = trials.account(environment)
    if found != expected:
        return f"{found} is not {expected}"
    entries = trials.events(environment)
    if [e.seq for e in entries] != list(range(len(entries))):
        return "the journal has gaps"
    made = Counter(
        (e.body.service, e.body.action)
        for e in entries
        if isinstance(e.body, Done)
        and not e.body.result.get("found")
        and e.body.action in ("build", "push", "ecs:RegisterTaskDefinition")
    )
    return f"made twice: {made.most_common(1)}" if made and max(made.values()) > 1 else ""


def test_the_run_fails_and_rolls_back(undisturbed: tuple[list[Event], dict[str, Any]]) -> None:
    """What the trials are compared with is what it should be."""
    events, account = undisturbed
    assert {name: found["runs"] for name, found in account.items()} == dict.fromkeys(SERVICES, "1")
    assert all(found["revisions"] == 2 for found in account.values())
    assert sum(isinstance(e.body, Intended) for e in events) >= 5 * 5


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_anywhere_a_run_is_resumed_to_the_same_end(
    trials: Field, undisturbed: tuple[list[Event], dict[str, Any]], part: int
) -> None:
    """After any entry; and between any change and the entry that would have told that it is done."""
    events, expected = undisturbed
    points = [(event.seq, "after") for event in events]
    points += [(event.seq, "before") for event in events if isinstance(event.body, Done)]
    mine = points[part * EVERY :: PARTS * EVERY]
    with ThreadPoolExecutor(NURSERIES) as pool:
        told = list(
            pool.map(
                lambda pair: check(trials, pair[0], pair[1][0], pair[1][1], expected),
                zip(trials.environments(len(mine)), mine, strict=True),
            )
        )
    assert {point: wrong for point, wrong in zip(mine, told, strict=True) if wrong} == {}
