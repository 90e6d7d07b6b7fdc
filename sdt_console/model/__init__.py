"""The nouns: plain frozen values that every part of the house may use (standard library only)."""

from __future__ import annotations

from sdt_console.model.alarm import Alarm, AlarmEvent, AlarmMetric, AlarmSheet, AlarmState, AuditFinding
from sdt_console.model.change import ZERO_SHA, Change, Detection, Selection
from sdt_console.model.cloud import EcsService, Identity, QuotaUse, SecretState, Validity
from sdt_console.model.commit import Commit
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
    "StageResult",
    "TargetSight",
    "TaskSight",
    "Validity",
    "Watched",
]
