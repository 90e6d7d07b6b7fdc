"""What can be seen of the account beside its API: logs, metrics and alarms, all fed by the same story."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .costs.budgets import put_budget
from .costs.ledger import Ledger, Running
from .ecs.api import Ecs
from .ecs.model import Task, Wire
from .environment import backend
from .logs.writer import LogWriter
from .metrics.alarm_calls import install as install_alarms
from .metrics.alarms import PERIOD, Judge, put_alarms
from .metrics.api import Metrics, install
from .metrics.series import Place, Series
from .metrics.story import Story
from .timeline import Timeline

Regions = Mapping[tuple[str, str], Ecs]


class Observation:
    """Watches every task, and makes of it what CloudWatch shows; the lock must be held.

    :param regions: the account's ECS by account and region; grows while the sandbox runs.
    :param home: the region that costs are booked in.
    """

    def __init__(self, timeline: Timeline, regions: Regions, home: str) -> None:
        self._timeline = timeline
        self._regions = regions
        self._known: tuple[tuple[float, int], list[Place]] | None = None
        self._story = Story()
        self._logs = LogWriter(timeline, self._tasks)
        self._metrics = Metrics(Series(self._story, self._places), lambda: timeline.now)
        self.ledger = Ledger(self._running, lambda: timeline.now, home)
        self._judge = Judge(self._metrics, self._alarms)

    def note(self, task: Task, what: str) -> None:
        """A task lived through something: ``started``, ``ready``, ``crashed``, ``stopping``…"""
        self._story.note(task, what, self._timeline.now)
        if task.process is None:
            self._logs.note(task, what)

    def copy(self, task: Task, container: Wire, lines: list[str]) -> None:
        """A container of a task that runs for real has written something."""
        self._logs.copy(task, container, lines)

    def begin(self) -> Callable[[], None]:
        """Start once everything is seeded; returns what undoes its changes to moto."""
        self._logs.begin()
        for key, ecs in self._regions.items():
            put_alarms(backend("cloudwatch", *key), _places(ecs))
        self._put_budgets()
        undone = [install(self._metrics), install_alarms()]
        self._judge_now()

        def undo() -> None:
            for one in undone:
                one()

        return undo

    def _judge_now(self) -> None:
        now = self._timeline.now
        self._judge.judge(now)
        self._timeline.at((math.floor(now / PERIOD) + 1) * PERIOD, self._judge_now)

    def _put_budgets(self) -> None:
        days = 30.4
        for account in {account for account, _ in self._regions}:
            for environment, daily in self.ledger.daily(account).items():
                put_budget(
                    backend("budgets", account, "aws"), account, environment, round(daily * days * 1.2, -1)
                )

    def _running(self) -> list[Running]:
        return [part for ecs in self._regions.values() for part in _running(ecs)]

    def _tasks(self) -> Iterable[Task]:
        for ecs in self._regions.values():
            for cluster in ecs.region.clusters.values():
                yield from cluster.tasks.values()

    def _places(self) -> list[Place]:
        # One call asks many times, at one moment of the timeline.
        services = sum(len(ecs.region.all_services()) for ecs in self._regions.values())
        moment = (self._timeline.now, services)
        if self._known is None or self._known[0] != moment:
            self._known = (moment, [place for ecs in self._regions.values() for place in _places(ecs)])
        return self._known[1]

    def _alarms(self) -> list[Any]:
        return [alarm for key in self._regions for alarm in backend("cloudwatch", *key).alarms.values()]


def _running(ecs: Ecs) -> list[Running]:
    """What runs in every service, as far as it costs money."""
    found = []
    for service in ecs.region.all_services():
        tasks = [task for task in service.tasks.values() if task.status == "RUNNING"]
        if not tasks:
            continue
        tags = {tag["key"]: tag["value"] for tag in ecs.region.tags.get(service.arn, [])}
        found.append(
            Running(
                account=ecs.region.identity.account,
                environment=tags.get("Environment", ""),
                service=tags.get("Service", ""),
                vcpu=sum(int(task.definition.data.get("cpu", 0)) for task in tasks) / 1024,
                gb=sum(int(task.definition.data.get("memory", 0)) for task in tasks) / 1024,
            )
        )
    return found


def _places(ecs: Ecs) -> list[Place]:
    identity = ecs.region.identity
    groups = backend("elbv2", identity.account, identity.region).target_groups
    gateway = next(iter(backend("ec2", identity.account, identity.region).nat_gateways), "")
    found = []
    for service in ecs.region.all_services():
        if service.status == "INACTIVE":
            continue
        arn = next((b.get("targetGroupArn", "") for b in service.settings.get("loadBalancers", [])), "")
        balancers = groups[arn].load_balancer_arns if arn in groups else []
        found.append(
            Place(
                service.cluster.name,
                service.name,
                target_group=arn.rpartition(":")[2],
                balancer=balancers[0].partition(":loadbalancer/")[2] if balancers else "",
                insights=_has_insights(service.cluster.settings),
                gateway=gateway,
            )
        )
    return found


def _has_insights(cluster: Wire) -> bool:
    settings = {setting.get("name"): setting.get("value") for setting in cluster.get("settings") or ()}
    return settings.get("containerInsights") in ("enabled", "enhanced")
