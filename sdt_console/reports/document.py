"""A run as the JSON document that others rely on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sdt_console.model import Failure, RunState


def document(state: RunState) -> dict[str, Any]:
    """``sdt --ci --json``: fields may be added, never changed."""
    return {
        "version": 1,
        "run": state.run,
        "environment": state.environment,
        "outcome": state.outcome,
        "exit_code": state.exit_code,
        "started_at": state.started_at,
        "duration_s": state.duration_s,
        "failure": _failure(state.failure),
        "services": [
            {
                "name": s.name,
                "outcome": s.outcome,
                "image": s.image,
                "digest": s.digest,
                "task_definition": s.task_definition,
                "previous": s.previous,
                "failure": _failure(s.failure),
            }
            for s in state.services
        ],
        "stages": [
            {"name": s.name, "outcome": s.outcome, "duration_s": s.duration_s, "note": s.note}
            for s in state.stages
        ],
    }


def _failure(failure: Failure | None) -> dict[str, Any] | None:
    return None if failure is None else asdict(failure)
