"""The nouns: plain frozen values that every part of the house may use (standard library only).

A noun's file is read when the noun is first needed: making all of them takes longer than asking AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdt_console.model.alarm import Alarm, AlarmEvent, AlarmMetric, AlarmSheet, AlarmState, AuditFinding
    from sdt_console.model.change import ZERO_SHA, Change, Detection, Selection
    from sdt_console.model.cloud import EcsService, Identity, QuotaUse, SecretState, Validity
    from sdt_console.model.commit import Commit
    from sdt_console.model.figures import Figures, FiguresReport, Outage, Spread
    from sdt_console.model.finding import Finding, Severity
    from sdt_console.model.hold import Broken, Grant, Hold, Holder, Slot
    from sdt_console.model.image import BuildOrder, BuiltImage, EcrImage, RegistryLogin, Scan
    from sdt_console.model.log import (
        LEVELS,
        ExportTask,
        LiveUpdate,
        LogBatch,
        LogEvent,
        LogGroup,
        LogLine,
        LogNotice,
    )
    from sdt_console.model.metric import (
        Anchor,
        Dimensions,
        Ground,
        MetricPoints,
        MetricQuery,
        MetricSheet,
        Series,
    )
    from sdt_console.model.outcome import Failure, Outcome
    from sdt_console.model.plan import PIPELINE, Plan, Request, Revision
    from sdt_console.model.run import RunState, ServiceResult, StageResult
    from sdt_console.model.scope import Outline, Scope, Watched
    from sdt_console.model.shelf import RunningImage, SecretSight, SecretSights, Shelf, ShelfImage, Shelves
    from sdt_console.model.snapshot import (
        DeploymentSight,
        EventSight,
        Part,
        ServiceSight,
        ServiceState,
        Snapshot,
        SnapshotChange,
        TargetSight,
        TaskSight,
    )

_NOUNS = {
    "alarm": "Alarm AlarmEvent AlarmMetric AlarmSheet AlarmState AuditFinding",
    "change": "ZERO_SHA Change Detection Selection",
    "cloud": "EcsService Identity QuotaUse SecretState Validity",
    "commit": "Commit",
    "figures": "Figures FiguresReport Outage Spread",
    "finding": "Finding Severity",
    "hold": "Broken Grant Hold Holder Slot",
    "image": "BuildOrder BuiltImage EcrImage RegistryLogin Scan",
    "log": "LEVELS ExportTask LiveUpdate LogBatch LogEvent LogGroup LogLine LogNotice",
    "metric": "Anchor Dimensions Ground MetricPoints MetricQuery MetricSheet Series",
    "outcome": "Failure Outcome",
    "plan": "PIPELINE Plan Request Revision",
    "run": "RunState ServiceResult StageResult",
    "scope": "Outline Scope Watched",
    "shelf": "RunningImage SecretSight SecretSights Shelf ShelfImage Shelves",
    "snapshot": "DeploymentSight EventSight Part ServiceSight ServiceState Snapshot SnapshotChange "
    "TargetSight TaskSight",
}
"""File → its nouns; a test holds it to ``__all__``."""

_FILES = {noun: file for file, nouns in _NOUNS.items() for noun in nouns.split()}

__all__ = [
    "LEVELS",
    "PIPELINE",
    "ZERO_SHA",
    "Alarm",
    "AlarmEvent",
    "AlarmMetric",
    "AlarmSheet",
    "AlarmState",
    "Anchor",
    "AuditFinding",
    "Broken",
    "BuildOrder",
    "BuiltImage",
    "Change",
    "Commit",
    "DeploymentSight",
    "Detection",
    "Dimensions",
    "EcrImage",
    "EcsService",
    "EventSight",
    "ExportTask",
    "Failure",
    "Figures",
    "FiguresReport",
    "Finding",
    "Grant",
    "Ground",
    "Hold",
    "Holder",
    "Identity",
    "LiveUpdate",
    "LogBatch",
    "LogEvent",
    "LogGroup",
    "LogLine",
    "LogNotice",
    "MetricPoints",
    "MetricQuery",
    "MetricSheet",
    "Outage",
    "Outcome",
    "Outline",
    "Part",
    "Plan",
    "QuotaUse",
    "RegistryLogin",
    "Request",
    "Revision",
    "RunState",
    "RunningImage",
    "Scan",
    "Scope",
    "SecretSight",
    "SecretSights",
    "SecretState",
    "Selection",
    "Series",
    "ServiceResult",
    "ServiceSight",
    "ServiceState",
    "Severity",
    "Shelf",
    "ShelfImage",
    "Shelves",
    "Slot",
    "Snapshot",
    "SnapshotChange",
    "Spread",
    "StageResult",
    "TargetSight",
    "TaskSight",
    "Validity",
    "Watched",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    noun = globals()[name] = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    return noun
