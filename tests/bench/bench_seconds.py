"""Runs in real time on the default sandbox, where a rollout takes ECS less than two seconds.

Fifteen services in waves, in a process of its own whose start-up counts, against their steps one after the
other where they must be (six: three waves of one, and twelve services four at a time), and against fabfuel's
``ecs deploy``, measured on a few services and multiplied. How soon the cause of a failed pull is known; ``aws
ecs wait services-stable`` would give up after its model's attempts, without one. And what commands that have
nothing to do take, in time of the processor: other programs on the machine hardly change that.

The fifteen services need a quiet machine; the best of a few runs counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.loaders import create_loader

from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.repository import generate
from tests.bench.bench_run import PARALLEL, waves
from tests.bench.measure import alternate, table, verdict
from tests.catalogs import OURS, ours
from tests.foreign import program

RUNS = 3
FEW = ("config-server", "user-service", "search-service")
SDT = (sys.executable, "-m", "sdt_console", "--catalog", str(OURS))


@contextmanager
def account() -> Iterator[tuple[Sandbox, Path]]:
    """The default sandbox, for this process and its children; and the repository."""
    with TemporaryDirectory(prefix="sdt-bench-") as temporary:
        backend = generate(Path(temporary, "backend"), ours())
        with Sandbox.start(ours(), environments=["dev"]) as sandbox:
            os.environ.update(sandbox.environ, SDT_STATE=str(Path(temporary, "state")))
            # compiled once, as an installed package is
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ["PYTHONPYCACHEPREFIX"] = str(Path(temporary, "compiled"))
            yield sandbox, backend.path


def once(repo: Path, *services: str) -> tuple[float, dict[str, Any]]:
    """One run of ``sdt deploy`` in a process of its own: its seconds, and what it tells."""
    begin = time.perf_counter()
    command = (sys.executable, "-m", "tests.bench.once", str(OURS), str(repo), *services)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - begin, json.loads(done.stdout)


def six(steps: dict[str, float]) -> float:
    """The least that steps of these lengths take in their waves: six of them, as they are about equal."""
    return sum(
        max(max(took), sum(took) / PARALLEL) for took in ([steps[name] for name in wave] for wave in waves())
    )


def deployed_by_fabfuel(name: str) -> float:
    begin = time.perf_counter()
    command = (program("ecs"), "deploy", "sdt-dev-cluster", f"sdt-dev-{name}", "--timeout", "60")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ecs deploy failed: {done.stdout} {done.stderr}")
    return time.perf_counter() - begin


def fifteen(repo: Path) -> dict[str, tuple[float, float]]:
    names = [name for wave in waves() for name in wave]
    best: tuple[float, float, float] | None = None
    for _ in range(RUNS):
        took, told = once(repo, *names)
        if told["outcome"] != "succeeded":
            sys.exit(f"the run ended otherwise: {told}")
        found = (took / six(told["steps"]), took, float(told["deploy"]))
        best = found if best is None else min(best, found)
    assert best is not None
    ratio, took, deploy = best
    one_by_one = statistics.median(map(deployed_by_fabfuel, FEW)) * len(names)
    print(f"  15 services: {took:.1f} s with start-up, {deploy:.1f} s of it the stage deploy;")
    print(f"  ecs deploy, one by one: {one_by_one:.1f} s, {one_by_one / took:.1f} times as long as the whole")
    return {
        "15 services with start-up, % of their six steps": (100 * ratio, 130.0),
        "the stage deploy, % of ecs deploy service by service": (100 * deploy / one_by_one, 25.0),
    }


def failed_pull(sandbox: Sandbox, repo: Path) -> dict[str, tuple[float, float]]:
    sandbox.scenarios.on(f"image-missing:{FEW[1]}")
    _, told = once(repo, FEW[1])
    sandbox.scenarios.off(f"image-missing:{FEW[1]}")
    if told["outcome"] == "succeeded" or "no longer in ECR" not in told["cause"]:
        sys.exit(f"the cause was not found: {told}")
    waiter = create_loader().load_service_model("ecs", "waiters-2")["waiters"]["ServicesStable"]
    print(f"  aws ecs wait services-stable gives up after {waiter['delay'] * waiter['maxAttempts']} s")
    return {"from the beginning of a step to the cause of its failed pull, s": (told["steps"][FEW[1]], 5.0)}


def nothing_to_do(repo: Path) -> dict[str, tuple[float, float]]:
    plan = repo.parent / "plan.json"
    names = (*SDT, "plan", "--repo", str(repo), "--base", "HEAD", "--head", "HEAD", "-o", str(plan))
    subprocess.run(names, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    figures = alternate(
        {
            "python -c pass": (sys.executable, "-c", "pass"),
            "a boto3 client": (sys.executable, "-c", "import boto3; boto3.client('ecs').list_clusters()"),
            "sdt --ci": (*SDT, "--ci", "--repo", str(repo), "--base", "HEAD", "--head", "HEAD"),
            "sdt apply": (*SDT, "apply", str(plan), "--repo", str(repo)),
            "sdt deploy": (*SDT, "deploy", FEW[0], "--repo", str(repo), "--no-health-check"),
        },
        5,
    )
    table(figures)
    client = min(figures["a boto3 client"].cpu)
    return {
        "sdt --ci without a change, ms of the processor": (1000 * min(figures["sdt --ci"].cpu), 1000.0),
        "sdt apply of a plan without a change, the same": (1000 * min(figures["sdt apply"].cpu), 1000.0),
        "sdt deploy of what runs already, times one call of boto3": (
            min(figures["sdt deploy"].cpu) / client,
            4.0,
        ),
    }


def main() -> None:
    parts: tuple[Callable[[Sandbox, Path], dict[str, tuple[float, float]]], ...] = (
        lambda _, repo: nothing_to_do(repo),
        failed_pull,
        lambda _, repo: fifteen(repo),
    )
    checks: dict[str, tuple[float, float]] = {}
    with account() as (sandbox, repo):
        for part in parts:
            checks |= part(sandbox, repo)
    verdict(checks)


if __name__ == "__main__":
    main()
