"""The rights that sdt needs, feature by feature: one table, for ``sdt doctor`` and for least-rights policies.

Which resources an action can be limited to is from the Service Authorization Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Target = Literal[
    "any",
    "cluster",
    "service",
    "service-deployment",
    "service-revision",
    "task",
    "container-instance",
    "task-definition",
    "role",
    "repository",
    "log-group",
    "log-stream",
    "secret",
    "table",
]
"""What a right is about; ``any`` where AWS takes no resource for the action."""


@dataclass(frozen=True)
class Right:
    """One action, as IAM spells it, and on what."""

    action: str
    on: Target = "any"


@dataclass(frozen=True)
class Feature:
    """What sdt does, and the rights without which it does not.

    :param name: what a person would call it.
    :param needed: whether a whole run needs it.
    """

    name: str
    needed: bool
    rights: tuple[Right, ...]


def _ecr(*actions: str) -> tuple[Right, ...]:
    return tuple(Right(f"ecr:{action}", "repository") for action in actions)


_FOLLOW = (
    Right("ecs:DescribeServices", "service"),
    Right("ecs:ListTasks", "container-instance"),
    Right("ecs:DescribeTasks", "task"),
    Right("ecs:ListServiceDeployments", "service"),
    Right("ecs:DescribeServiceDeployments", "service-deployment"),
    Right("ecs:DescribeServiceRevisions", "service-revision"),
)

FEATURES: tuple[Feature, ...] = (
    Feature(
        "plan",
        True,
        (
            Right("ecs:DescribeServices", "service"),
            Right("ecs:DescribeTaskDefinition"),
            *_ecr("DescribeRepositories", "DescribeImages"),
        ),
    ),
    Feature(
        "preflight",
        False,
        (
            Right("ecs:DescribeClusters", "cluster"),
            Right("ecs:DescribeServiceRevisions", "service-revision"),
            Right("secretsmanager:DescribeSecret", "secret"),
            Right("ssm:DescribeParameters"),
            Right("logs:DescribeLogGroups", "log-group"),
        ),
    ),
    Feature(
        "push",
        True,
        (
            Right("ecr:GetAuthorizationToken"),
            *_ecr(
                "BatchCheckLayerAvailability",
                "BatchGetImage",
                "GetDownloadUrlForLayer",
                "InitiateLayerUpload",
                "UploadLayerPart",
                "CompleteLayerUpload",
                "PutImage",
            ),
        ),
    ),
    Feature(
        "deploy",
        True,
        (
            Right("ecs:DescribeTaskDefinition"),
            Right("ecs:ListTaskDefinitions"),
            Right("ecs:RegisterTaskDefinition", "task-definition"),
            Right("ecs:TagResource", "task-definition"),
            Right("ecs:UpdateService", "service"),
            Right("ecs:StopServiceDeployment", "service-deployment"),
            Right("iam:PassRole", "role"),
            *_FOLLOW,
        ),
    ),
    Feature(
        "rollback",
        True,
        (Right("ecs:DescribeTaskDefinition"), Right("ecs:UpdateService", "service"), *_FOLLOW),
    ),
    Feature(
        "health",
        True,
        (
            Right("ecs:DescribeServices", "service"),
            Right("elasticloadbalancing:DescribeLoadBalancers"),
        ),
    ),
    Feature("the last log lines of a failed task", False, (Right("logs:GetLogEvents", "log-stream"),)),
    Feature(
        "the shared history and lock",
        False,
        tuple(
            Right(f"dynamodb:{action}", "table")
            for action in ("DescribeTable", "GetItem", "BatchGetItem", "PutItem", "UpdateItem")
        ),
    ),
)
"""Every feature in the order of a run."""
