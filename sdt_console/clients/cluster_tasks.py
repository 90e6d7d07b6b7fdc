"""The tasks of a whole cluster, whatever service they belong to: two calls a hundred."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sdt_console.clients.aws import Aws

_TASKS_A_CALL = 100  # DescribeTasks' limit


class ClusterTasks:
    """ListTasks and DescribeTasks without a service's name, and what the tasks were made of."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def running(self, cluster: str) -> list[Mapping[str, Any]]:
        """Every task that is meant to run, as ``DescribeTasks`` answers it.

        :raises CloudError: no such cluster, or AWS refused.
        """
        arns = await self._aws.pages(
            "ecs", "list_tasks", "taskArns", cluster=cluster, desiredStatus="RUNNING"
        )
        answers = await asyncio.gather(
            *(
                self._aws.read("ecs", "describe_tasks", cluster=cluster, tasks=arns[i : i + _TASKS_A_CALL])
                for i in range(0, len(arns), _TASKS_A_CALL)
            )
        )
        return [task for answer in answers for task in answer["tasks"]]

    async def definition(self, arn: str) -> Mapping[str, Any]:
        """A task definition as ``DescribeTaskDefinition`` answers it."""
        answer = await self._aws.read("ecs", "describe_task_definition", taskDefinition=arn)
        definition: Mapping[str, Any] = answer["taskDefinition"]
        return definition
