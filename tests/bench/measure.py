"""Running programs side by side: medians, peaks, and a table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Figures:
    """What a program needed, run by run.

    :param seconds: wall time of each run.
    :param cpu: processor time of each run, seconds; other programs on the machine hardly change it.
    :param peak: the largest resident set of any run, in MB; of the program itself and of what it waited for.
    """

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def alternate(
    commands: Mapping[str, Sequence[str]], runs: int, cwd: Path | None = None
) -> dict[str, Figures]:
    """Each command in turn, ``runs`` times over, after one turn that warms the caches.

    Taking turns spreads the machine's moods over all of them.

    :raises SystemExit: a command failed.
    """
    figures = {name: Figures() for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            seconds, cpu, peak = _run(command, cwd)
            if turn:
                figures[name].seconds.append(seconds)
                figures[name].cpu.append(cpu)
                figures[name].peak = max(figures[name].peak, peak)
    return figures


def _run(command: Sequence[str], cwd: Path | None) -> tuple[float, float, float]:
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told = process.stderr.read().decode(errors="replace") if process.stderr else ""
            sys.exit(f"{' '.join(map(str, command))} failed ({process.returncode}): {told}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def table(figures: Mapping[str, Figures]) -> None:
    width = max(map(len, figures))
    print(f"{'':{width}}  {'median':>9}  {'fastest':>9}  {'slowest':>9}  {'peak':>9}")
    for name, found in figures.items():
        times = (found.median, min(found.seconds), max(found.seconds))
        print(f"{name:{width}}  {'  '.join(f'{1000 * t:6.1f} ms' for t in times)}  {found.peak:6.1f} MB")


def verdict(checks: Mapping[str, tuple[float, float]], *, last: bool = True) -> bool:
    """Prints each figure beside its limit; whether all are within.

    :param checks: sentence → figure, limit; a figure equal to its limit is within it.
    :raises SystemExit: with 1, if a figure is over its limit and this was the ``last`` try.
    """
    for sentence, (figure, limit) in checks.items():
        print(f"{'ok ' if figure <= limit else 'OVER'}  {sentence}: {figure:.1f} (limit {limit:.1f})")
    within = all(figure <= limit for figure, limit in checks.values())
    if last and not within:
        sys.exit(1)
    return within
