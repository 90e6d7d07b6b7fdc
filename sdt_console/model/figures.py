"""How deploying goes: what the runs of a span of time add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spread:
    """Durations in seconds: how many, the one in the middle, and the one that nine of ten stay below."""

    count: int
    median_s: float
    p90_s: float


@dataclass(frozen=True)
class Outage:
    """A service that failed to deploy and has not succeeded since; ``since`` in seconds since the epoch."""

    environment: str
    service: str
    run: str
    since: float


@dataclass(frozen=True)
class Figures:
    """Of one environment, or of all of them together.

    A deployment is a run that was to deploy and came to a verdict: not one that had nothing to do, was
    refused, stopped by hand or is under way, and no rollback by hand, which is counted apart.

    :param environment: empty for all.
    :param since: of the span, seconds since the epoch; ``until`` its end.
    :param runs: all that began in it; ``outcomes`` how they ended, ``unfinished`` among the words.
    :param failed_early: of the deployments those that ended before anything was deployed: gate, build, push.
    :param reached: deployments that began to change services; ``failed_late`` those of them that failed.
    :param rollbacks: runs that were asked to roll back, and did.
    :param lead_time: from the head commit's author date until it was first deployed with success; ``None`` if
        no commit is known.
    :param time_to_restore: from the end of the run that failed on a service until that service's next success
        in the same environment; one that fails again meanwhile is the same outage.
    :param build_time: of the build stage, where it built anything; ``image_time`` of one image.
    :param run_time: of deployments that succeeded, without those that were cut off and resumed.
    :param builds_possible: services that changes could have selected, summed over the runs that detected
        changes; ``builds_avoided`` of them those that were not selected.
    :param images_reused: builds that were not needed, for the commit's image was in ECR.
    """

    environment: str
    since: float
    until: float
    runs: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    deployments: int = 0
    succeeded: int = 0
    failed_early: int = 0
    reached: int = 0
    failed_late: int = 0
    rollbacks: int = 0
    lead_time: Spread | None = None
    time_to_restore: Spread | None = None
    outages: tuple[Outage, ...] = ()
    build_time: Spread | None = None
    image_time: Spread | None = None
    run_time: Spread | None = None
    builds_possible: int = 0
    builds_avoided: int = 0
    images_reused: int = 0

    @property
    def days(self) -> float:
        return max(self.until - self.since, 0.0) / 86400

    @property
    def per_day(self) -> float:
        """Deployments that succeeded, a day; of a span shorter than a day, their number."""
        return self.succeeded / max(self.days, 1.0)

    @property
    def per_week(self) -> float:
        """Deployments that succeeded, a week."""
        return self.per_day * 7

    @property
    def success_rate(self) -> float | None:
        """Share of the deployments that succeeded; ``None`` without any."""
        return self.succeeded / self.deployments if self.deployments else None

    @property
    def change_failure_rate(self) -> float | None:
        """Share of those that changed services and failed; ``None`` without any."""
        return self.failed_late / self.reached if self.reached else None

    @property
    def avoided_share(self) -> float | None:
        """Share of builds that change detection avoided; ``None`` if nothing was detected."""
        return self.builds_avoided / self.builds_possible if self.builds_possible else None


@dataclass(frozen=True)
class FiguresReport:
    """:param environments: in the catalog's order, then by name; those without a run are left out."""

    total: Figures
    environments: Mapping[str, Figures]
    notes: tuple[str, ...] = ()
