"""The nouns: plain frozen values that every part of the house may use (standard library only)."""

from __future__ import annotations

from sdt_console.model.change import ZERO_SHA, Change, Detection, Selection
from sdt_console.model.cloud import EcsService, Identity, QuotaUse, SecretState, Validity
from sdt_console.model.finding import Finding, Severity
from sdt_console.model.hold import Broken, Grant, Hold, Holder, Slot
from sdt_console.model.image import BuildOrder, BuiltImage, EcrImage, RegistryLogin
from sdt_console.model.outcome import Failure, Outcome
from sdt_console.model.plan import PIPELINE, Plan, Request, Revision
from sdt_console.model.run import RunState, ServiceResult, StageResult
from sdt_console.model.scope import Outline, Scope, Watched
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
    "PIPELINE",
    "ZERO_SHA",
    "Broken",
    "BuildOrder",
    "BuiltImage",
    "Change",
    "DeploymentSight",
    "Detection",
    "EcrImage",
    "EcsService",
    "EventSight",
    "Failure",
    "Finding",
    "Grant",
    "Hold",
    "Holder",
    "Identity",
    "Outcome",
    "Outline",
    "Part",
    "Plan",
    "QuotaUse",
    "RegistryLogin",
    "Request",
    "Revision",
    "RunState",
    "Scope",
    "SecretState",
    "Selection",
    "ServiceResult",
    "ServiceSight",
    "ServiceState",
    "Severity",
    "Slot",
    "Snapshot",
    "SnapshotChange",
    "StageResult",
    "TargetSight",
    "TaskSight",
    "Validity",
    "Watched",
]
