"""What runs in a cluster and is paid for, whatever service it belongs to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.model.cost import EndedTask, RunningTask, TaskSize

_TASKS_A_CALL = 100  # DescribeTasks' limit
_BILLED = {"PENDING", "ACTIVATING", "RUNNING"}
"""Fargate is billed from the moment at which a task begins to pull its image until it ends."""


class RunningTasks:
    """ListTasks and DescribeTasks over a whole cluster: two calls a hundred tasks."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def of_cluster(self, cluster: str) -> tuple[RunningTask, ...]:
        """Every task that is meant to run and has begun to.

        :raises CloudError: no such cluster, or AWS refused.
        """
        tasks = await self._tasks(cluster, "RUNNING")
        return tuple(
            RunningTask(str(task.get("group", "")), _size(task))
            for task in tasks
            if task.get("lastStatus") in _BILLED
        )

    async def ended(self, cluster: str) -> tuple[EndedTask, ...]:
        """Tasks that have stopped, for the hour or so in which ECS shows them; not those that never began."""
        return tuple(
            EndedTask(
                str(task.get("group", "")),
                _size(task),
                (task["stoppedAt"] - task["pullStartedAt"]).total_seconds(),
            )
            for task in await self._tasks(cluster, "STOPPED")
            if task.get("pullStartedAt") and task.get("stoppedAt")
        )

    async def _tasks(self, cluster: str, desired: str) -> list[Mapping[str, Any]]:
        arns = await self._aws.pages("ecs", "list_tasks", "taskArns", cluster=cluster, desiredStatus=desired)
        parts = [arns[i : i + _TASKS_A_CALL] for i in range(0, len(arns), _TASKS_A_CALL)]
        answers = await asyncio.gather(
            *(self._aws.read("ecs", "describe_tasks", cluster=cluster, tasks=part) for part in parts)
        )
        return [task for answer in answers for task in answer["tasks"]]

    async def size(self, task_definition: str) -> TaskSize:
        """What one task of a revision would be billed for."""
        answer = await self._aws.read("ecs", "describe_task_definition", taskDefinition=task_definition)
        definition = answer["taskDefinition"]
        platform = definition.get("runtimePlatform", {})
        arm = platform.get("cpuArchitecture") == "ARM64"
        return TaskSize(
            cpu=_units(definition.get("cpu"), 1024, "vCPU"),
            memory=_units(definition.get("memory"), 1024, "GB"),
            storage=int(definition.get("ephemeralStorage", {}).get("sizeInGiB", 20)),
            architecture="arm64" if arm else "x86_64",
            platform=_platform(platform.get("operatingSystemFamily", "")),
            fargate="FARGATE" in definition.get("requiresCompatibilities", ["FARGATE"]),
        )


def _size(task: Mapping[str, Any]) -> TaskSize:
    attributes = {a["name"]: a.get("value", "") for a in task.get("attributes", ())}
    provider = str(task.get("capacityProviderName") or task.get("launchType") or "")
    return TaskSize(
        cpu=_units(task.get("cpu"), 1024, "vCPU"),
        memory=_units(task.get("memory"), 1024, "GB"),
        storage=int(task.get("ephemeralStorage", {}).get("sizeInGiB", 20)),
        architecture="arm64" if attributes.get("ecs.cpu-architecture") == "arm64" else "x86_64",
        spot=provider == "FARGATE_SPOT",
        platform=_platform(task.get("platformFamily", "")),
        fargate=provider in ("FARGATE", "FARGATE_SPOT"),
    )


def _platform(family: str) -> str:
    return "Windows" if family.upper().startswith("WINDOWS") else "Linux"


def _units(told: object, factor: int, unit: str) -> int:
    """``1024`` and ``1 vCPU`` are the same; nothing is zero."""
    text = str(told or "0")
    named = re.fullmatch(rf"\s*([\d.]+)\s*{unit}\s*", text, re.IGNORECASE)
    return round(float(named[1]) * factor) if named else int(text)
