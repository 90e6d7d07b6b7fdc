"""What a task definition asks for: a container of its own, a processor, a role."""

from __future__ import annotations

from collections.abc import Iterator

from sdt_console.errors import DeployError
from sdt_console.model import Finding
from sdt_console.named import secrets
from sdt_console.pipeline.checks.look import Raw
from sdt_console.pipeline.task_definition import container_index

_OURS = "X86_64"
"""Images are built for linux/amd64; ``BuildOrder.platform``."""


def of_task(name: str, definition: Raw, *, built: bool) -> Iterator[Finding]:
    """Findings about one service's task definition.

    :param built: whether its image is built by us.
    """
    revision = f"{definition.get('family')}:{definition.get('revision')}"
    try:
        container_index(definition, name)
    except DeployError as error:
        yield Finding("error", name, error.what, error.cause, error.next)
    if built:
        yield from _platform(name, revision, definition)
    reasons = list(_needs_execution_role(definition))
    if reasons and not definition.get("executionRoleArn"):
        yield Finding(
            "error",
            name,
            f"{revision} has no execution role",
            f"without one ECS cannot {' or '.join(reasons)} for it",
            "register a revision with an executionRoleArn that has AmazonECSTaskExecutionRolePolicy",
        )


def _platform(name: str, revision: str, definition: Raw) -> Iterator[Finding]:
    platform = definition.get("runtimePlatform") or {}
    processor = str(platform.get("cpuArchitecture") or _OURS)
    system = str(platform.get("operatingSystemFamily") or "LINUX")
    if processor == _OURS and system == "LINUX":
        return
    yield Finding(
        "error",
        name,
        f"{revision} runs on {system}/{processor}, and images are built for linux/amd64",
        "its tasks could not pull the image, or would stop with `exec format error`",
        f"register a revision whose runtimePlatform is LINUX/{_OURS}",
    )


def _needs_execution_role(definition: Raw) -> Iterator[str]:
    """What ECS does with it before a container starts (ECS Developer Guide, "task execution IAM role")."""
    compatible = (*definition.get("requiresCompatibilities", ()), *definition.get("compatibilities", ()))
    containers = definition.get("containerDefinitions", ())
    if any(True for _ in secrets(definition)):
        yield "read its secrets"
    if "FARGATE" not in (definition.get("requiresCompatibilities") or compatible):
        return
    if any((c.get("logConfiguration") or {}).get("logDriver") == "awslogs" for c in containers):
        yield "write its log"
    if any(".dkr.ecr." in str(c.get("image", "")) for c in containers):
        yield "pull its image"
