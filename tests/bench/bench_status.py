"""`sdt status` against one `aws ecs describe-services`; a thousand services watched; a watch that idles.

The two commands take turns against the same sandbox: the `aws` command asks for ten services, as many as one
call takes, and prints what AWS says; ours shows fifteen with their images, which takes five calls. The
thousand services are watched in virtual time, by the real poller behind the real budget.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sdt_console.clients.call import Caller
from sdt_console.model import Scope, Watched
from sdt_console.watch.snapshot import Watch
from tests.bench.measure import alternate, table, verdict
from tests.foreign import program
from tests.virtual_time import Inline, LoopClock, run

ROOT = Path(__file__).parents[2]
RUNS = 15
SERVICES = [
    "config-server",
    "discovery-server",
    "api-gateway",
    "user-service",
    "task-service",
    "skill-service",
    "assessment-service",
    "analytics-service",
    "feedback-service",
    "notification-service",
    "report-service",
    "recommendation-service",
    "search-service",
    "integration-service",
    "collaboration-service",
]
MANY, WATCHED_S = 1_000, 60.0
IDLE_S = 20.0


class Ecs:
    """Answers for services that are well; each call goes through the budget."""

    def __init__(self, call: Caller, clock: LoopClock) -> None:
        self._call = call
        self._clock = clock

    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return await self._call("ecs:DescribeServices", lambda: {name: self._raw(name) for name in names})

    def _raw(self, name: str) -> Mapping[str, Any]:
        definition = f"arn:aws:ecs:eu-west-1:1:task-definition/{name}:1"
        counts = {"runningCount": 2, "desiredCount": 2, "pendingCount": 0}
        primary = {
            "id": "ecs-svc/1",
            "status": "PRIMARY",
            "taskDefinition": definition,
            "rolloutState": "COMPLETED",
            **counts,
        }
        return {
            "serviceName": name,
            "status": "ACTIVE",
            "taskDefinition": definition,
            "deployments": [primary],
            "events": [],
            **counts,
        }

    async def service_names(self, cluster: str) -> list[str]:
        return await self._call("ecs:ListServices", list)

    async def revisions(self, arns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {}

    async def task_definition(self, reference: str) -> dict[str, Any]:
        containers = [{"name": "app", "image": "registry/app:8d2e71b"}]
        return await self._call("ecs:DescribeTaskDefinition", lambda: {"containerDefinitions": containers})

    async def tasks(self, cluster: str, service: str, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        return []


async def thousand() -> tuple[float, float, float]:
    """Age of the oldest row, in s; the largest share of the quota in a minute; calls a second."""
    clock = LoopClock()
    call = Caller(clock=clock, pool=Inline()).watching
    names = [f"service-{i:04}" for i in range(MANY)]
    scope = Scope("load", "cluster", services=tuple(Watched(n, "all", n) for n in names))
    watch = Watch(scope, clock, Ecs(call, clock), lambda task, container: None)
    poller = asyncio.create_task(watch.run())
    oldest = share = 0.0
    with watch.subscribe():
        await asyncio.sleep(60)  # the first reading, and the task definitions
        for _ in range(int(WATCHED_S)):
            await asyncio.sleep(1)
            seen = watch.snapshot.services.values()
            oldest = max(oldest, max(clock.now() - s.seen_at for s in seen))
            share = max(share, next(u.share for u in call.usage() if u.quota == "service read"))
            if len(seen) != MANY:
                sys.exit(f"{len(seen)} services are seen, not {MANY}")
    poller.cancel()
    await asyncio.gather(poller, return_exceptions=True)
    calls = call.counts["ecs:DescribeServices"] / (60 + WATCHED_S)
    return oldest, share, calls


def idle(environ: Mapping[str, str]) -> tuple[float, float]:
    """Percent of a core, and MB, of `sdt status --watch` while nothing happens."""
    command = [sys.executable, "-m", "sdt_console", "status", "--watch"]
    with subprocess.Popen(
        command, cwd=ROOT, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        time.sleep(12)  # started, and everything read once
        before = _used(process.pid)
        time.sleep(IDLE_S)
        spent = _used(process.pid) - before
        peak = next(
            int(line.split()[1]) / 1024
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
        if process.poll() is not None:
            sys.exit(f"the watch ended: {process.stderr.read().decode() if process.stderr else ''}")
        process.terminate()
    return 100 * spent / IDLE_S, peak


def _used(pid: int) -> float:
    """Processor time of a process so far, in s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:

    oldest, share, calls = run(thousand())
    with TemporaryDirectory(prefix="sdt-bench-") as state:
        server = subprocess.Popen(
            [sys.executable, "-m", "sdt_console", "sandbox", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            environ = _environ(server)
            os.environ.update(environ, SDT_STATE=state)
            figures = alternate(
                {
                    "aws ecs describe-services": (
                        program("aws"), "ecs", "describe-services", "--cluster", "sdt-dev-cluster",
                        "--services", *(f"sdt-dev-{name}" for name in SERVICES[:10]),
                    ),
                    "sdt status": (sys.executable, "-m", "sdt_console", "status", *SERVICES),
                },
                RUNS,
                ROOT,
            )  # fmt: skip
            share_of_core, memory = idle(os.environ)
        finally:
            server.terminate()
            server.wait()
    table(figures)
    ours, theirs = figures["sdt status"].median, figures["aws ecs describe-services"].median
    print(f"{MANY:,} services: {calls:.1f} calls of DescribeServices a second")
    verdict(
        {
            "sdt status of 15 services, % of one describe-services": (100 * ours / theirs, 75.0),
            f"{MANY:,} services watched, age of the oldest row in s": (oldest, 10.0),
            f"{MANY:,} services watched, % of the sustained quota": (100 * share, 100.0),
            "a watch that idles, % of a core": (share_of_core, 1.0),
            "a watch that idles, MB at most": (memory, 120.0),
        }
    )


def _environ(server: subprocess.Popen[bytes]) -> dict[str, str]:
    """What a client of the sandbox needs, as it prints it when it is ready."""
    line = server.stdout.readline() if server.stdout is not None else b""
    if not line:
        sys.exit("the sandbox did not start")
    found: dict[str, str] = json.loads(line)["environ"]
    return found


if __name__ == "__main__":
    main()
