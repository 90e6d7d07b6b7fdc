"""How a service stands, from what ``DescribeServices`` says of it. Pure.

Source: the ECS API reference, ``Service`` and ``Deployment``; the words of ``rolloutStateReason`` as they are
seen in the wild.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sdt_console.model import DeploymentSight, EventSight, ServiceState

EVENTS_KEPT = 20  # of the hundred that ECS tells


@dataclass(frozen=True)
class Stand:
    """The verdict on a service.

    :param rollout: in words.
    :param why: what is wrong, as far as the service itself tells; empty if nothing is.
    :param since: when it came into this state, where ECS tells that.
    """

    state: ServiceState
    rollout: str
    why: str = ""
    next: str = ""
    since: float | None = None


def stand(raw: Mapping[str, Any] | None, *, pending: bool = False) -> Stand:
    """How a service stands.

    :param raw: as ``DescribeServices`` answers it; ``None`` if it is not in the cluster.
    :param pending: the catalog says that its code is not there yet.
    """
    status = str(raw.get("status", "")) if raw is not None else ""
    if raw is None or status != "ACTIVE":
        if pending:
            return Stand(ServiceState.PENDING, "code pending")
        gone = {"DRAINING": "it is being deleted", "INACTIVE": "it was deleted"}.get(status, "")
        return Stand(
            ServiceState.MISSING,
            status.lower() or "not in ECS",
            f"the catalog has it, the cluster does not{f': {gone}' if gone else ''}",
            "create the service, or take it out of the catalog",
        )
    deployments = sights(raw)
    running, desired = number(raw, "runningCount"), number(raw, "desiredCount")
    if pending and not desired and not running:
        return Stand(ServiceState.PENDING, "code pending")
    primary = next((d for d in deployments if d.status == "PRIMARY"), None)
    if primary is None:  # another deployment controller than ECS's own
        return _settled(running, desired, number(raw, "pendingCount"))
    if goes_back(primary, deployments):
        why = _reason(deployments) or primary.reason
        return Stand(ServiceState.ROLLING_BACK, "rolling back", why, since=primary.updated_at)
    if primary.rollout_state == "FAILED":
        return _failed(primary, running, desired)
    if _moves(primary, deployments):
        return _moving(primary, running)
    return _settled(running, desired, number(raw, "pendingCount"), primary)


def goes_back(primary: DeploymentSight, deployments: Sequence[DeploymentSight]) -> bool:
    """Whether ECS is going back to an earlier deployment: by itself, or as it was told to.

    What was restored says so; else the deployment that failed is newer than the primary one.
    """
    if primary.rollout_state != "IN_PROGRESS":
        return False
    if "rolling back" in primary.reason.lower():
        return True
    return any(d.rollout_state == "FAILED" and d.created_at > primary.created_at for d in deployments)


def sights(raw: Mapping[str, Any]) -> tuple[DeploymentSight, ...]:
    """The deployments of a service, the primary one first."""
    return tuple(
        DeploymentSight(
            id=str(d.get("id", "")),
            status=str(d.get("status", "")),
            task_definition=str(d.get("taskDefinition", "")),
            running=number(d, "runningCount"),
            desired=number(d, "desiredCount"),
            pending=number(d, "pendingCount"),
            failed_tasks=number(d, "failedTasks"),
            rollout_state=str(d.get("rolloutState") or ""),
            reason=str(d.get("rolloutStateReason") or ""),
            created_at=seconds(d.get("createdAt")) or 0.0,
            updated_at=seconds(d.get("updatedAt")) or 0.0,
        )
        for d in raw.get("deployments", ())
    )


def events(raw: Mapping[str, Any]) -> tuple[EventSight, ...]:
    """The newest service events, newest first."""
    return tuple(
        EventSight(str(e.get("id", "")), seconds(e.get("createdAt")) or 0.0, str(e.get("message", "")))
        for e in raw.get("events", ())[:EVENTS_KEPT]
    )


def number(raw: Mapping[str, Any], key: str) -> int:
    """A count; one that ECS does not tell is zero."""
    return int(raw.get(key) or 0)


def seconds(value: Any) -> float | None:
    """A time as the SDK gives it, in seconds since the epoch."""
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, int | float) else None


def revision(arn: str) -> int:
    """The number at the end of a task definition's ARN; 0 if there is none."""
    end = arn.rpartition(":")[2]
    return int(end) if end.isdecimal() else 0


def image_parts(reference: str) -> tuple[str, str, str]:
    """Tag, commit and digest of an image reference; empty where it has none.

    A tag is a commit if it looks like one: 7 to 40 hexadecimal digits.
    """
    path, _, digest = reference.partition("@")
    _, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:  # the colon of a registry's port
        tag = "" if digest or not path else "latest"
    return tag, tag if re.fullmatch(r"[0-9a-f]{7,40}", tag) else "", digest


def _moves(primary: DeploymentSight, deployments: Sequence[DeploymentSight]) -> bool:
    """Whether a rollout is under way; endpoints that tell no rollout state are judged by their counts."""
    if primary.rollout_state:
        return primary.rollout_state == "IN_PROGRESS"
    others = any(d.running or d.pending for d in deployments if d is not primary)
    return others or len(deployments) > 1


def _moving(primary: DeploymentSight, running: int) -> Stand:
    new = f"{min(primary.running, primary.desired)} of {primary.desired} new"
    if not primary.failed_tasks:
        return Stand(ServiceState.DEPLOYING, new, since=primary.created_at)
    count = primary.failed_tasks
    why = f"{count} task{'s' if count > 1 else ''} of the new revision failed to start"
    if running:
        return Stand(ServiceState.DEPLOYING, f"{new}, failing", why, since=primary.created_at)
    return Stand(ServiceState.DOWN, "failing", why)


def _failed(primary: DeploymentSight, running: int, desired: int) -> Stand:
    """ECS has given the deployment up, and not gone back: what runs is what ran before, or nothing."""
    state = ServiceState.DEGRADED if running else ServiceState.DOWN
    told = (
        f"the deployment failed: {primary.reason.rstrip('.')}" if primary.reason else "the deployment failed"
    )
    if not desired:
        return _idle()
    return Stand(state, "failed", told, "roll back, or deploy another image", primary.updated_at)


def _settled(running: int, desired: int, pending: int, primary: DeploymentSight | None = None) -> Stand:
    since = primary.updated_at if primary is not None and primary.rollout_state == "COMPLETED" else None
    if not desired:
        return Stand(ServiceState.DOWN, f"stopping {running}") if running else _idle()
    if running >= desired:
        extra = running - desired
        return Stand(ServiceState.UP, f"stopping {extra}" if extra else "steady", since=since)
    starting = min(pending, desired - running)
    words = f"starting {starting}" if starting else "short of tasks"
    state = ServiceState.DEGRADED if running else ServiceState.DOWN
    return Stand(state, words, f"{running} of {desired} tasks run")


def _idle() -> Stand:
    return Stand(ServiceState.DOWN, "scaled to 0", "desired is 0: nothing is meant to run")


def _reason(deployments: Sequence[DeploymentSight]) -> str:
    return next((d.reason for d in deployments if d.rollout_state == "FAILED" and d.reason), "")
