"""The scheduler under any order of calls and troubles: it keeps its promises, and comes to rest."""

from __future__ import annotations

import contextlib
import random
from typing import Any

from hypothesis import HealthCheck as Check
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sdt_console.sandbox.application import Application
from sdt_console.sandbox.clock import Pace
from sdt_console.sandbox.ecs.api import Ecs
from sdt_console.sandbox.ecs.errors import ApiError
from sdt_console.sandbox.ecs.identity import Identity
from sdt_console.sandbox.ecs.model import Task, TaskDefinition
from sdt_console.sandbox.ecs.region import Region
from sdt_console.sandbox.ecs.surroundings import HealthCheck
from sdt_console.sandbox.timeline import Timeline

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/1"
FAULTS = ("image-missing", "crash-loop", "out-of-memory", "unhealthy", "slow-start", "no-capacity")
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


class Calm:
    """An account in which everything is there, and some things go wrong."""

    def __init__(self) -> None:
        self.on: frozenset[str] = frozenset()

    def digest(self, image: str) -> str | None:
        return "sha256:" + "0" * 64

    def initialisation_error(self, definition: TaskDefinition) -> str | None:
        return None

    def health_check(self, target_group: str) -> HealthCheck | None:
        return HealthCheck("/actuator/health", 10, 2, 3, "200", 20)

    def faults(self, service: str) -> frozenset[str]:
        return self.on

    def note(self, task: Task, what: str) -> None:
        pass


class Scheduling(RuleBasedStateMachine):
    """One service, with or without a load balancer."""

    @initialize(
        balanced=st.booleans(),
        desired=st.integers(0, 5),
        limits=st.sampled_from([(100, 200), (50, 100), (50, 150), (0, 100), (100, 150)]),
        breaker=st.sampled_from([(False, False), (True, False), (True, True)]),
    )
    def create(
        self, balanced: bool, desired: int, limits: tuple[int, int], breaker: tuple[bool, bool]
    ) -> None:
        self.account = Calm()
        self.timeline = Timeline(1_750_000_000.0, Pace(speed=1))
        identity = Identity("962496666337", "eu-west-1", random.Random(0))
        self.ecs = Ecs(Region(identity, self.timeline, self.account), Application())
        self.ecs.call("CreateCluster", {"clusterName": "c"})
        self.balanced, self.limits = balanced, limits
        self.updates = 0
        request: dict[str, Any] = {
            "cluster": "c",
            "serviceName": "s",
            "taskDefinition": self.register(),
            "desiredCount": desired,
            "networkConfiguration": NETWORK,
            "deploymentConfiguration": {
                "minimumHealthyPercent": limits[0],
                "maximumPercent": limits[1],
                "deploymentCircuitBreaker": {"enable": breaker[0], "rollback": breaker[1]},
            },
        }
        if balanced:
            balancer = {"targetGroupArn": GROUP, "containerName": "a", "containerPort": 80}
            request |= {"loadBalancers": [balancer], "healthCheckGracePeriodSeconds": 60}
        self.ecs.call("CreateService", request)
        self.timeline.advance(self.timeline.now + 300)

    def register(self) -> str:
        container = {"name": "a", "image": "a:1", "portMappings": [{"containerPort": 80}]}
        request = {
            "family": "f",
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [container],
        }
        answer = self.ecs.call("RegisterTaskDefinition", request)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def service(self) -> dict[str, Any]:
        found = self.ecs.call("DescribeServices", {"cluster": "c", "services": ["s"]})["services"]
        return dict(found[0])

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        self.timeline.advance(self.timeline.now + seconds)

    @rule(fresh=st.booleans())
    def deploy(self, fresh: bool) -> None:
        change = {"taskDefinition": self.register()} if fresh else {"forceNewDeployment": True}
        answer = self.ecs.call("UpdateService", {"cluster": "c", "service": "s", **change})["service"]
        assert answer["deployments"][0]["rolloutState"] == "IN_PROGRESS"
        self.updates += 1

    @rule(desired=st.integers(0, 5))
    def scale(self, desired: int) -> None:
        self.ecs.call("UpdateService", {"cluster": "c", "service": "s", "desiredCount": desired})

    @rule(fault=st.sampled_from(FAULTS))
    def break_something(self, fault: str) -> None:
        self.account.on = frozenset({fault})

    @rule()
    def mend(self) -> None:
        self.account.on = frozenset()

    @rule(data=st.data())
    def stop_a_task(self, data: st.DataObject) -> None:
        arns = self.ecs.call("ListTasks", {"cluster": "c", "serviceName": "s"})["taskArns"]
        if arns:
            self.ecs.call("StopTask", {"cluster": "c", "task": data.draw(st.sampled_from(arns))})

    @rule(kind=st.sampled_from(["ROLLBACK", "ABORT"]))
    def stop_the_deployment(self, kind: str) -> None:
        arn = self.service().get("currentServiceDeployment")
        if arn is not None:
            with contextlib.suppress(ApiError):  # it is being stopped already
                self.ecs.call("StopServiceDeployment", {"serviceDeploymentArn": arn, "stopType": kind})

    @invariant()
    def the_service_is_as_ecs_would_have_it(self) -> None:
        if not hasattr(self, "ecs"):
            return
        service = self.service()
        deployments = service["deployments"]
        assert [d["status"] for d in deployments] == ["PRIMARY"] + ["ACTIVE"] * (len(deployments) - 1)
        assert len({d["id"] for d in deployments}) == len(deployments)
        assert service["taskDefinition"] == deployments[0]["taskDefinition"]
        assert service["runningCount"] == sum(d["runningCount"] for d in deployments)
        assert len(service["events"]) <= 100
        times = [event["createdAt"] for event in service["events"]]
        assert times == sorted(times, reverse=True)
        unfinished = [
            brief
            for brief in self.ecs.call("ListServiceDeployments", {"cluster": "c", "service": "s"})[
                "serviceDeployments"
            ]
            if "finishedAt" not in brief
        ]
        assert len(unfinished) <= 1
        if deployments[0]["rolloutState"] == "COMPLETED" and not unfinished:
            assert "currentServiceDeployment" not in service

    @invariant()
    def tasks_are_as_ecs_would_have_them(self) -> None:
        if not hasattr(self, "ecs"):
            return
        region = self.ecs.region
        tasks = list(region.clusters["c"].tasks.values())
        service = region.clusters["c"].services["s"]
        assert {t.id for t in tasks if t.status != "STOPPED"} == set(service.tasks)
        assert len({t.address for t in tasks if t.status != "STOPPED"}) == len(service.tasks)
        for task in tasks:
            assert (task.desired == "STOPPED") == bool(task.stop_code)
            assert (task.status == "STOPPED") == (task.stopped_at is not None)
            registered = self.ecs.targets.of_task(task)
            assert not registered or (self.balanced and task.status == "RUNNING")
        in_group = self.ecs.targets.of_group(GROUP)
        assert all(t.state == "draining" or t.task.alive for t in in_group)

    def teardown(self) -> None:
        """Mended and left alone, it comes to rest with what is desired, and stays there."""
        if not hasattr(self, "ecs"):
            return
        self.account.on = frozenset()
        room = {"minimumHealthyPercent": 100, "maximumPercent": 200}
        change = {"forceNewDeployment": True, "deploymentConfiguration": room}
        self.ecs.call("UpdateService", {"cluster": "c", "service": "s"} | change)
        self.timeline.advance(self.timeline.now + 3000)
        service = self.service()
        assert [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"]
        assert (service["runningCount"], service["pendingCount"]) == (service["desiredCount"], 0)
        assert service["events"][0]["message"] == "(service s) has reached a steady state."
        told = len(service["events"])
        healthy = [t for t in self.ecs.targets.of_group(GROUP) if t.state == "healthy"]
        assert len(healthy) == (service["desiredCount"] if self.balanced else 0)
        self.timeline.advance(self.timeline.now + 7200)
        assert len(self.service()["events"]) == told
        assert len(self.ecs.region.clusters["c"].tasks) == service["desiredCount"]


TestScheduling = Scheduling.TestCase
TestScheduling.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[Check.too_slow]
)
