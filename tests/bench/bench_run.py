"""Whole runs of fifteen services: as quick as ECS lets them be, and with a small part of what its API takes.

First at life-like speed in virtual time, where each rollout takes ECS a minute and a half, with answers that
take AWS as long as from a machine in its region, from another network, and from another country. The stage
``deploy`` is held against the least that its rollouts, as ECS itself tells their times, can take in their
waves with four at a time: for each wave the longest of them, or a quarter of all, whatever is more.

A quota's use is what goes out in any minute of the account's time, by what the bucket gets in a minute; the
first reads are no exception.
"""

from __future__ import annotations

import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sdt_console.engine import Engine
from sdt_console.events import Event
from sdt_console.model import Outcome, Request, RunState
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.sandbox.faults import QUOTAS
from sdt_console.sandbox.repository import generate
from tests.bench.life import POLL_S, Account, Seen
from tests.bench.measure import verdict
from tests.catalogs import OURS, ours

PARALLEL = 4
WINDOW_S = 60.0
LATENCIES_S = (0.02, 0.05, 0.13)
WIDE = 12
SKIP = dict.fromkeys(("maven", "sonarqube"), "not in the sandbox")


@contextmanager
def account() -> Iterator[Account]:
    clock = ManualClock()
    with TemporaryDirectory(prefix="sdt-bench-") as temporary:
        backend = generate(Path(temporary, "backend"), ours())
        with Sandbox.start(ours(), clock=clock, speed=1, environments=["dev"]) as sandbox:
            os.environ.update(sandbox.environ)
            yield Account(sandbox, clock, backend.path, Path(temporary, "state"))


def waves() -> list[list[str]]:
    """The active services by priority."""
    found: dict[int, list[str]] = {}
    for service in ours().active:
        found.setdefault(service.priority, []).append(service.name)
    return [found[priority] for priority in sorted(found)]


def least(account: Account) -> float:
    """Seconds that the newest rollouts need at the least, by the times that ECS has written down."""
    total = 0.0
    for wave in waves():
        took = []
        for name in wave:
            newest = account.deployments(name)[0]
            if newest["status"] != "SUCCESSFUL":
                sys.exit(f"{name} was not deployed: {newest['status']}")
            took.append((newest["finishedAt"] - newest["createdAt"]).total_seconds())
        total += max(max(took), sum(took) / PARALLEL)
    return total


def deploy_seconds(seen: Seen) -> float:
    return seen.at("stage-finished", stage="deploy") - seen.at("stage-started", stage="deploy")


def in_the_stage(seen: Seen, stage: str) -> Counter[str]:
    """AWS's calls between the beginning and the end of a stage."""
    begin, end = seen.at("stage-started", stage=stage), seen.at("stage-finished", stage=stage)
    found: Counter[str] = Counter()
    for at, made in seen.calls.items():
        if begin <= at < end:
            found.update(made)
    return Counter(
        {
            name: n
            for name, n in found.items()
            if not name.startswith(("sdk:", "builder:", "registry:", "credentials:")) and "." not in name
        }
    )


def busiest(seen: Seen) -> dict[str, float]:
    """First operation of each of ECS's buckets → its busiest minute, in percent of what it gets in one."""
    found = {}
    for operations, _, sustained in QUOTAS:
        times = seen.times(*(f"ecs:{operation}" for operation in operations))
        most = max((sum(at <= t < at + WINDOW_S for t in times) for at in times), default=0)
        found[operations[0]] = 100 * most / (WINDOW_S * sustained)
    searches = seen.times("logs:FilterLogEvents")
    found["FilterLogEvents"] = 100 * len(searches) / (WINDOW_S * 5)
    return found


def succeeded(state: RunState) -> None:
    if state.outcome is not Outcome.SUCCEEDED or len(state.services) != sum(map(len, waves())):
        sys.exit(f"the run ended otherwise: {state.outcome} {state.failure}")


def polls(seen: Seen, parallel: int) -> tuple[float, float]:
    """Calls of the poller, and how many it may make: one a tick for ten services in flight."""
    calls = in_the_stage(seen, "deploy")["ecs:DescribeServices"]
    services = sum(map(len, waves()))
    calls -= math.ceil(services / 10) + services  # nobody has deployed meanwhile: before all, before each
    allowed = 0.0
    for wave in waves():
        begin = min(seen.at("step-started", stage="deploy", service=name) for name in wave)
        end = max(seen.at("step-finished", stage="deploy", service=name) for name in wave)
        allowed += (end - begin) / POLL_S * math.ceil(min(parallel, len(wave)) / 10)
    return calls, allowed


def again(engine: Engine, tell: Callable[[Event], None]) -> Coroutine[Any, Any, RunState]:
    """The same images once more: nothing to build, everything to roll out."""
    names = tuple(name for wave in waves() for name in wave)
    return engine.conduct(Request("deploy", services=names, force=True), subscribers=[tell])


def whole(engine: Engine, tell: Callable[[Event], None]) -> Coroutine[Any, Any, RunState]:
    return engine.run(force_full_build=True, skip_gates=SKIP, subscribers=[tell])


def failed_pull(account: Account) -> dict[str, tuple[float, float]]:
    """Of the account's time; it takes ECS a quarter of a minute to try the pull."""
    name = waves()[-1][0]
    account.sandbox.scenarios.on(f"image-missing:{name}")
    _, seen = account.run(
        lambda engine, tell: engine.conduct(
            Request("deploy", services=(name,), force=True), subscribers=[tell]
        ),
        LATENCIES_S[1],
    )
    account.sandbox.scenarios.off(f"image-missing:{name}")
    if not any("no longer in ECR" in str(event.body) for event in seen.events):
        sys.exit("the cause of the failed pull was not found")
    began = seen.at("done", stage="deploy", service=name, action="ecs:UpdateService")
    known = seen.at("step-finished", stage="deploy", service=name)
    account.sandbox.advance(600)  # until its service is up again
    return {"from UpdateService to the cause of a failed pull, s": (known - began, 30.0)}


def told(seen: Seen) -> None:
    """What a run costs, stage by stage."""
    for stage in ("plan", "preflight", "build", "push", "deploy", "health"):
        made = in_the_stage(seen, stage)
        listed = ", ".join(f"{times} {name}" for name, times in made.most_common())
        print(f"  {stage}: {sum(made.values())} calls: {listed}")


def main() -> None:
    checks: dict[str, tuple[float, float]] = {}
    use: dict[str, float] = {}
    with account() as one:
        for latency in LATENCIES_S:
            state, seen = one.run(again if checks else whole, latency)
            succeeded(state)
            if not checks:
                told(seen)
            sentence = f"answers after {1000 * latency:.0f} ms: deploy, % of its critical path"
            checks[sentence] = (100 * deploy_seconds(seen) / least(one), 103.0)
            sentence = f"answers after {1000 * latency:.0f} ms: DescribeServices of the poller"
            checks[sentence] = polls(seen, PARALLEL)
            for operation, percent in busiest(seen).items():
                use[operation] = max(use.get(operation, 0.0), percent)
        checks |= failed_pull(one)
        wide = one.state.parent / "catalog.toml"
        wide.write_text(OURS.read_text().replace(f"parallel = {PARALLEL}", f"parallel = {WIDE}"))
        state, seen = one.run(again, LATENCIES_S[0], wide)
        succeeded(state)
        checks[f"{WIDE} services at a time: DescribeServices of the poller"] = polls(seen, WIDE)
    checks |= {
        f"busiest minute of {operation}, % of what its quota gives": (percent, 10.0)
        for operation, percent in use.items()
    }
    verdict(checks)


if __name__ == "__main__":
    main()
