"""A snapshot as the JSON document that others rely on: fields may be added, never changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sdt_console.errors import SdtError
from sdt_console.model import ServiceSight, Snapshot


def document(snapshot: Snapshot, services: list[ServiceSight]) -> dict[str, Any]:
    """``sdt status --json``; times are seconds since the epoch, what is not known is ``null``."""
    return {
        "version": 1,
        "environment": snapshot.environment,
        "cluster": snapshot.cluster,
        "region": snapshot.region or None,
        "account": snapshot.account or None,
        "at": snapshot.at,
        "services": [service(sight) for sight in services],
        "unmanaged": list(snapshot.unmanaged),
        "paused": snapshot.paused or None,
        "parts": [
            {"name": p.name, "at": p.at or None, "error": p.error or None} for p in snapshot.parts.values()
        ],
    }


def service(sight: ServiceSight) -> dict[str, Any]:
    """One service of the document."""
    return {
        "name": sight.name,
        "group": sight.group,
        "state": sight.state,
        "running": sight.running,
        "desired": sight.desired,
        "pending": sight.pending,
        "rollout": sight.rollout,
        "rollout_state": sight.rollout_state or None,
        "task_definition": sight.task_definition or None,
        "revision": sight.revision or None,
        "image": sight.image or None,
        "tag": sight.tag or None,
        "commit": sight.commit or None,
        "subject": sight.subject or None,
        "digest": sight.digest or None,
        "deployed_at": sight.deployed_at,
        "health": sight.health or None,
        "health_note": sight.health_note or None,
        "since": sight.since,
        "why": sight.why or None,
        "next": sight.next or None,
        "service": sight.service,
        "deployments": [asdict(deployment) for deployment in sight.deployments],
        "tasks": [asdict(task) for task in sight.tasks],
    }


def failed(environment: str, cluster: str, error: SdtError) -> dict[str, Any]:
    """The place of a document whose environment could not be read."""
    return {
        "version": 1,
        "environment": environment,
        "cluster": cluster,
        "error": asdict(error.failure()),
        "services": [],
    }
