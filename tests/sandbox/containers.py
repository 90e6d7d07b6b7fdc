"""Images that can be run, made without a network, and what a Docker Engine says of the sandbox's tasks."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdt_console.sandbox.containers.engine import LABEL, own_label
from tests.busybox import import_busybox
from tests.sandbox.account import Account

BASE = f"sdt-test-base:{uuid.uuid4().hex[:12]}"
DEADLINE = 20.0


def import_base(engine: Any) -> str:
    """A base image with /bin/busybox and /bin/sh."""
    import_busybox(engine, BASE)
    return BASE


def until(condition: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """What ``condition`` says once it says something; looked at often, for a short time."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"still not so after {seconds} s: {condition}"
        time.sleep(0.05)
    return found


@dataclass
class Yard:
    """A sandbox that runs containers, the Engine, and a repository to build from."""

    account: Account
    engine: Any
    repository: Path
    made: list[str] = field(default_factory=list)

    def push(self, service: str, tag: str) -> str:
        """Build the service's image, push it through the Engine; its digest in ECR."""
        place = f"{self.account.sandbox.registry}/shop/dev/{service}"
        catalog = self.account.catalog
        found = next(s for s in catalog.services if s.name == service)
        self.engine.images.build(
            path=str(self.repository),
            dockerfile=catalog.dockerfile(found),
            buildargs={"BASE": BASE},
            tag=f"{place}:{tag}",
            rm=True,
            forcerm=True,
        )
        self.made.append(f"{place}:{tag}")
        token = self.account.client("ecr").get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(token["authorizationToken"]).decode().partition(":")
        login = {"username": user, "password": password}
        events = list(self.engine.images.push(place, tag=tag, auth_config=login, stream=True, decode=True))
        assert not [event for event in events if "error" in event]
        (detail,) = self.account.client("ecr").describe_images(
            repositoryName=f"shop/dev/{service}", imageIds=[{"imageTag": tag}]
        )["imageDetails"]
        return str(detail["imageDigest"])

    def deploy(self, service: str, tag: str, **container: Any) -> str:
        """Register a revision with that tag and update the service to it; the revision's ARN."""
        image = f"{self.account.sandbox.registry}/shop/dev/{service}:{tag}"
        arn = self.account.register(service, image=image, **container)
        self.account.update(service, taskDefinition=arn)
        return arn

    def settled(self, service: str) -> Any:
        """The service, once its rollout has ended one way or the other."""

        def over() -> Any:
            found = self.account.service(service)
            return len(found["deployments"]) == 1 and found["deployments"][0]["rolloutState"] != "IN_PROGRESS"

        until(over, 60)
        return self.account.service(service)

    def containers(self) -> list[Any]:
        """Those of this process: other tests may run beside it."""
        return list(self.engine.containers.list(all=True, filters={"label": f"{LABEL}={own_label()}"}))

    def container(self, task: Any) -> Any:
        """The Engine's container of a task."""
        (found,) = [c for c in self.containers() if c.labels["com.amazonaws.ecs.task-arn"] == task["taskArn"]]
        return found

    def stopped(self, service: str, revision: str) -> Any:
        """The first stopped task of a revision."""

        def look() -> Any:
            tasks = self.account.tasks(service, "STOPPED")
            return [t for t in tasks if t["taskDefinitionArn"] == revision and t["lastStatus"] == "STOPPED"]

        return until(look)[0]

    def log(self, service: str, task: Any) -> list[str]:
        """What the task's own stream holds."""
        identity = task["taskArn"].rpartition("/")[2]
        events = self.account.client("logs").filter_log_events(
            logGroupName=f"/ecs/shop/dev/{service}", logStreamNames=[f"ecs/{service}/{identity}"]
        )["events"]
        return [event["message"] for event in events]
