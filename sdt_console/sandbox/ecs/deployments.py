"""Service deployments and service revisions: list, describe, stop."""

from __future__ import annotations

from . import views
from .errors import ApiError, invalid
from .model import Service, ServiceDeployment, Wire
from .paging import page
from .region import Region
from .scheduler import Scheduler


def list_service_deployments(region: Region, request: Wire) -> Wire:
    service = region.service(request.get("cluster"), request["service"])
    statuses = request.get("status")
    window = request.get("createdAt", {})
    after, before = window.get("after", float("-inf")), window.get("before", float("inf"))
    briefs = [
        views.service_deployment_brief(service, record)
        for record in service.records
        if (not statuses or record.status in statuses) and after <= record.created_at <= before
    ]
    shown, token = page(briefs, request, default=20)
    return views.compact(serviceDeployments=shown, nextToken=token)


def describe_service_deployments(region: Region, request: Wire) -> Wire:
    arns = request["serviceDeploymentArns"]
    _at_most_20(arns, "ServiceDeploymentArns")
    found, failures = [], []
    for arn in dict.fromkeys(arns):
        match = _find(region, arn)
        if match is None:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(views.service_deployment(*match))
    return {"serviceDeployments": found, "failures": failures}


def describe_service_revisions(region: Region, request: Wire) -> Wire:
    arns = request["serviceRevisionArns"]
    _at_most_20(arns, "ServiceRevisionArns")
    known = {
        arn: (service, item) for service in region.all_services() for arn, item in service.revisions.items()
    }
    found = [views.revision(*known[arn]) for arn in dict.fromkeys(arns) if arn in known]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in dict.fromkeys(arns) if arn not in known]
    return {"serviceRevisions": found, "failures": failures}


def stop_service_deployment(region: Region, scheduler: Scheduler, request: Wire) -> Wire:
    arn = request["serviceDeploymentArn"]
    match = _find(region, arn)
    if match is None:
        raise ApiError("ServiceDeploymentNotFoundException", "Service deployment not found.")
    service, record = match
    kind = request.get("stopType", "ROLLBACK")
    if kind not in ("ROLLBACK", "ABORT"):
        raise invalid(f"Invalid stopType: {kind}")
    if record.finished_at is not None or record.status.startswith("ROLLBACK"):
        raise ApiError(
            "ConflictException",
            f"The service deployment cannot be stopped because its status is {record.status}.",
        )
    record.status = "ROLLBACK_REQUESTED" if kind == "ROLLBACK" else "STOP_REQUESTED"
    record.updated_at = region.now
    region.timeline.after(region.timeline.pace.reconcile, lambda: _stop(scheduler, service, record, kind))
    return {"serviceDeploymentArn": arn}


def _stop(scheduler: Scheduler, service: Service, record: ServiceDeployment, kind: str) -> None:
    scheduler.rollouts.stop(service, record, kind)
    scheduler.soon(service)


def _find(region: Region, arn: str) -> tuple[Service, ServiceDeployment] | None:
    for service in region.all_services():
        for record in service.records:
            if record.arn == arn:
                return service, record
    return None


def _at_most_20(arns: list[str], what: str) -> None:
    if not arns:
        raise invalid(f"{what} cannot be empty.")
    if len(arns) > 20:
        raise invalid(f"{what} cannot have more than 20 elements.")
