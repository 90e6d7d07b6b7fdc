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

__all__ = [
    "PIPELINE",
    "ZERO_SHA",
    "Broken",
    "BuildOrder",
    "BuiltImage",
    "Change",
    "Detection",
    "EcrImage",
    "EcsService",
    "Failure",
    "Finding",
    "Grant",
    "Hold",
    "Holder",
    "Identity",
    "Outcome",
    "Plan",
    "QuotaUse",
    "RegistryLogin",
    "Request",
    "Revision",
    "RunState",
    "SecretState",
    "Selection",
    "ServiceResult",
    "Severity",
    "Slot",
    "StageResult",
    "Validity",
]
