"""Figures of runs: frequency, success, lead time, time to restore, build time, builds avoided. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from statistics import median

from sdt_console.model import Figures, FiguresReport, Outage, Outcome, Spread
from sdt_console.runs.facts import RunFacts

UNFINISHED = "unfinished"
_VERDICTS = frozenset(
    {Outcome.SUCCEEDED, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED, Outcome.TIMED_OUT}
)
_BROKEN = _VERDICTS - {Outcome.SUCCEEDED}


def report(
    runs: Iterable[RunFacts],
    since: float,
    until: float,
    authored: Mapping[str, float],
    order: Sequence[str] = (),
) -> FiguresReport:
    """The figures of all runs together, and environment by environment.

    :param runs: those that began in the span, in any order.
    :param authored: commit → when it was authored, seconds since the epoch, for those that are known.
    :param order: environments in the order in which they are shown; others come after them.
    """
    told = sorted(runs, key=lambda r: (r.began, r.run))
    names = {r.environment for r in told}
    ordered = [name for name in order if name in names] + sorted(names - set(order))
    each = {
        name: figures([r for r in told if r.environment == name], since, until, authored, name)
        for name in ordered
    }
    return FiguresReport(figures(told, since, until, authored), each)


def figures(
    runs: Sequence[RunFacts],
    since: float,
    until: float,
    authored: Mapping[str, float],
    environment: str = "",
) -> Figures:
    """What ``runs`` add up to; see :class:`~sdt_console.model.Figures` for what each figure means."""
    deployments = [r for r in runs if r.deploys and r.kind != "rollback" and r.outcome in _VERDICTS]
    good = [r for r in deployments if r.outcome is Outcome.SUCCEEDED]
    reached = [r for r in deployments if r.touched]
    detected = [r for r in runs if r.possible]
    restored, outages = _restored(runs)
    images = [t for r in runs for (stage, name), t in r.took.items() if stage == "build" and name]
    return Figures(
        environment=environment,
        since=since,
        until=until,
        runs=len(runs),
        outcomes=dict(Counter(str(r.outcome or UNFINISHED) for r in runs).most_common()),
        deployments=len(deployments),
        succeeded=len(good),
        failed_early=sum(r.outcome in _BROKEN and not r.touched for r in deployments),
        reached=len(reached),
        failed_late=sum(r.outcome in _BROKEN for r in reached),
        rollbacks=sum(r.kind == "rollback" and r.outcome is Outcome.SUCCEEDED for r in runs),
        lead_time=spread(_lead_times(good, authored)),
        time_to_restore=spread(restored),
        outages=outages,
        build_time=spread([r.took["build", ""] for r in runs if r.built and ("build", "") in r.took]),
        image_time=spread(images),
        run_time=spread([r.ended - r.began for r in good if r.ended is not None and not r.resumed]),
        builds_possible=sum(r.possible for r in detected),
        builds_avoided=sum(r.possible - r.selected for r in detected),
        images_reused=sum(r.reused for r in runs),
    )


def spread(values: Sequence[float]) -> Spread | None:
    """``None`` of nothing; the ninth tenth by nearest rank."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), median(ordered), ordered[ceil(0.9 * len(ordered)) - 1])


def _lead_times(good: Sequence[RunFacts], authored: Mapping[str, float]) -> list[float]:
    """A commit counts once for each environment: when it first ran there."""
    seen: set[tuple[str, str]] = set()
    found = []
    for run in sorted(good, key=lambda r: r.ended or 0.0):
        key = (run.environment, run.head)
        if run.ended is not None and run.head in authored and key not in seen:
            seen.add(key)
            found.append(max(0.0, run.ended - authored[run.head]))  # clocks of other machines may be ahead
    return found


def _restored(runs: Sequence[RunFacts]) -> tuple[list[float], tuple[Outage, ...]]:
    """How long services were not as they should have been, and those that still are not."""
    out: dict[tuple[str, str], tuple[float, str]] = {}
    found = []
    for run in sorted((r for r in runs if r.ended is not None), key=lambda r: r.ended or 0.0):
        ended = run.ended or 0.0
        for service, outcome in run.touched.items():
            key = (run.environment, service)
            if outcome in _BROKEN:
                out.setdefault(key, (ended, run.run))
            elif outcome is Outcome.SUCCEEDED and key in out:
                found.append(ended - out.pop(key)[0])
    left = (Outage(env, service, run, since) for (env, service), (since, run) in out.items())
    return found, tuple(sorted(left, key=lambda o: (o.since, o.environment, o.service)))
