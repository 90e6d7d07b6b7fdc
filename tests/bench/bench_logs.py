"""Reading 50,000 log events from a sandbox, and how long a line takes from its writer to the screen.

`sdt logs` reads at five times the rate of `awslogs get` or more, from the same server in one run, start-up
included. Followed by searching once in a while, a line is printed within 1.5 s after it was put.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Any

import boto3

from tests.bench.measure import alternate, table, verdict
from tests.catalogs import OURS, ours
from tests.foreign import program

EVENTS, STREAMS, RUNS = 50_000, 5, 2
LINES = 20
SERVICE, GROUP = "bff-service", "/ecs/sdt/dev/bff-service"  # pending: nobody else writes there

SERVER = """\
import sys
from sdt_console.sandbox import Sandbox
from tests.catalogs import ours
with Sandbox.start(ours(), environments=["dev"]) as sandbox:
    print("\\n".join(f"{k}={v}" for k, v in sandbox.environ.items()), end="\\n\\n", flush=True)
    sys.stdin.read()
"""


def fill(logs: Any) -> None:
    """Half an hour of Spring's lines, from five tasks."""
    begin = int(time.time() * 1000) - 1_800_000
    for stream in range(STREAMS):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=f"ecs/{SERVICE}/{stream:032x}")
    for first in range(0, EVENTS, 1000):
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName=f"ecs/{SERVICE}/{first // 1000 % STREAMS:032x}",
            logEvents=[
                {
                    "timestamp": begin + number * 30,
                    "message": f"2026-11-23T06:00:00.123Z  INFO 1 --- [{SERVICE},,] [nio-8080-exec-3] "
                    f"io.user.service.web.UserController : GET /users/{number}/history 200 {number % 97} ms",
                }
                for number in range(first, first + 1000)
            ],
        )


def delays(logs: Any) -> list[float]:
    """Seconds from the end of each put to the line on stdout."""
    stream = f"ecs/{SERVICE}/{0:032x}"
    found = []
    command = (*sdt("logs", SERVICE, "-f", "--since", "1s", "--no-live"),)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        out = process.stdout
        assert out is not None
        for number in range(LINES + 1):
            time.sleep(0.137)  # so that the puts fall anywhere between two looks
            word = f"line-{number}-"
            at = int(time.time() * 1000)
            event = {"timestamp": at, "message": f"INFO {word}"}
            logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[event])
            put = time.perf_counter()
            while word not in out.readline():
                pass
            if number:  # the first one waits for the command's start
                found.append(time.perf_counter() - put)
        process.terminate()
        process.wait()
    return found


def sdt(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "sdt_console", "--catalog", str(OURS), *arguments)


def main() -> None:
    assert SERVICE in ours().by_name
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        while line := server.stdout.readline().strip():
            key, _, value = line.partition("=")
            os.environ[key] = value
        logs = boto3.client("logs")
        fill(logs)
        awslogs = (program("awslogs"), "get", GROUP, "ALL", "-s", "1h", "--no-group", "--no-stream")
        commands = {"awslogs get": awslogs, "sdt logs": sdt("logs", SERVICE, "--since", "1h")}
        for command in commands.values():
            told = subprocess.run(command, check=True, capture_output=True).stdout.count(b"\n")
            assert told == EVENTS, f"{command[0]} printed {told} of {EVENTS} lines"
        figures = alternate(commands, RUNS)
        table(figures)
        ours_, theirs = figures["sdt logs"].median, figures["awslogs get"].median
        waited = delays(logs)
        print(f"put to print: median {statistics.median(waited):.2f} s, longest {max(waited):.2f} s")
        verdict(
            {
                "sdt logs, s, against a fifth of awslogs": (ours_, theirs / 5),
                "put to print, longest, s": (max(waited), 1.5),
            }
        )
        server.terminate()


if __name__ == "__main__":
    main()
