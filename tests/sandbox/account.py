"""A small system, and what tests do to the sandbox that runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from sdt_console.catalog.model import Catalog
from sdt_console.sandbox import Sandbox

CLUSTER = "shop-dev-cluster"

CATALOG: dict[str, Any] = {
    "version": 1,
    "system": "shop",
    "default_environment": "dev",
    "groups": ["core", "business", "data"],
    "aws": {"region": "eu-west-1", "account": "962496666337"},
    "names": {
        "cluster": "shop-{env}-cluster",
        "service": "shop-{env}-{service}",
        "repository": "shop/{env}/{service}",
        "log_group": "/ecs/shop/{env}/{service}",
        "load_balancer": "shop-{env}-alb",
        "secrets": "shop/{env}/",
    },
    "environments": {"dev": {"log_retention_days": 7}, "staging": {}},
    "health": {"url": "http://{alb}/api/{service}/actuator/health"},
    "services": [
        {"name": "gateway", "priority": 1, "group": "core", "path": "gateway", "port": 8080},
        {"name": "orders", "priority": 2, "group": "business", "path": "orders", "port": 8081},
        {"name": "users", "priority": 2, "group": "business", "path": "users", "port": 8082},
        {
            "name": "later",
            "priority": 2,
            "group": "business",
            "path": "later",
            "port": 8083,
            "state": "pending",
        },
    ],
    "data": [{"name": "redis", "port": 6379}],
}


@dataclass
class Account:
    """A running sandbox with what tests do to it again and again."""

    sandbox: Sandbox
    catalog: Catalog
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, name: str, **options: Any) -> Any:
        """A boto3 client that never retries; one without options is made once."""
        if options or name not in self._clients:
            client = boto3.client(
                name,
                endpoint_url=self.sandbox.endpoint,
                region_name="eu-west-1",
                aws_access_key_id=self.sandbox.environ["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.sandbox.environ["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 1}, **options),
            )
            if options:
                return client
            self._clients[name] = client
        return self._clients[name]

    def service(self, name: str) -> Any:
        answer = self.client("ecs").describe_services(cluster=CLUSTER, services=[f"shop-dev-{name}"])
        return answer["services"][0]

    def update(self, name: str, **changes: Any) -> Any:
        return self.client("ecs").update_service(cluster=CLUSTER, service=f"shop-dev-{name}", **changes)[
            "service"
        ]

    def tasks(self, name: str, status: str = "RUNNING") -> list[Any]:
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=CLUSTER, serviceName=f"shop-dev-{name}", desiredStatus=status)[
            "taskArns"
        ]
        return list(ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]) if arns else []

    def register(self, name: str, **container: Any) -> str:
        """A new revision of a service's task definition; the ARN."""
        ecs = self.client("ecs")
        current = ecs.describe_task_definition(taskDefinition=f"shop-dev-{name}")["taskDefinition"]
        kept = (
            "family", "taskRoleArn", "executionRoleArn", "networkMode", "requiresCompatibilities",
            "cpu", "memory", "runtimePlatform",
        )  # fmt: skip
        containers = [{**current["containerDefinitions"][0], **container}]
        answer = ecs.register_task_definition(
            **{key: current[key] for key in kept}, containerDefinitions=containers
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def messages(self, name: str) -> list[str]:
        """Service events, oldest first."""
        return [event["message"] for event in reversed(self.service(name)["events"])]

    def until(self, condition: Callable[[], bool], limit: float = 3600.0, step: float = 5.0) -> None:
        """Move the clock on until ``condition`` holds; ``limit`` in life-like seconds."""
        for _ in range(int(limit / step)):
            if condition():
                return
            self.sandbox.advance(step)
        raise AssertionError(f"still not so after {limit} seconds: {condition}")

    def settle(self, name: str) -> Any:
        """Move on until the service's rollout has ended; the service."""
        self.until(lambda: self.service(name)["deployments"][0]["rolloutState"] != "IN_PROGRESS")
        return self.service(name)
