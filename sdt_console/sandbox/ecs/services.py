"""Services: CreateService, UpdateService, DeleteService, DescribeServices, ListServices."""

from __future__ import annotations

from typing import Any

from . import views
from .errors import invalid, service_not_active, unsupported
from .identity import last_part
from .model import Service, Wire
from .paging import page
from .region import Region
from .rollout import REVISION_SETTINGS
from .scheduler import Scheduler

_NOT_SETTINGS = (
    "cluster",
    "service",
    "serviceName",
    "desiredCount",
    "clientToken",
    "role",
    "tags",
    "forceNewDeployment",
    "schedulingStrategy",
    "taskDefinition",
    "deploymentConfiguration",
)

_CONFIGURATION: Wire = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}


def create_service(region: Region, scheduler: Scheduler, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    name = request["serviceName"]
    existing = cluster.services.get(name)
    if existing is not None and existing.status != "INACTIVE":
        raise invalid("Creation of service was not idempotent.")
    if request.get("schedulingStrategy") == "DAEMON":
        raise invalid("The DAEMON scheduling strategy is not supported for Fargate launch type services.")
    controller = request.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS":
        raise unsupported(f"The deployment controller {controller} is not supported.")
    if not request.get("taskDefinition"):
        raise invalid("TaskDefinition can not be blank.")
    if request.get("desiredCount") is None:
        raise invalid("DesiredCount can not be null for a replica service.")
    _check_numbers(request, _CONFIGURATION)
    definition = region.active_definition(request["taskDefinition"])
    if definition.data.get("networkMode") == "awsvpc" and not request.get("networkConfiguration"):
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    _check_balancers(region, definition.containers, request.get("loadBalancers", []))
    settings = {key: value for key, value in request.items() if key not in _NOT_SETTINGS}
    settings.setdefault("launchType", "FARGATE" if "capacityProviderStrategy" not in request else None)
    settings["deploymentConfiguration"] = _CONFIGURATION | request.get("deploymentConfiguration", {})
    settings["roleArn"] = request.get("role") or (
        f"arn:aws:iam::{region.identity.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    )
    service = Service(
        name=name,
        arn=region.identity.arn("service", cluster.name, name),
        cluster=cluster,
        desired=_count(request["desiredCount"]),
        settings={key: value for key, value in settings.items() if value is not None},
        created_at=region.now,
        created_by=f"arn:aws:iam::{region.identity.account}:root",
    )
    cluster.services[name] = service
    region.tags[service.arn] = list(request.get("tags", []))
    scheduler.rollouts.begin(service, definition)
    scheduler.soon(service)
    return {"service": views.service(service, tags=region.tags[service.arn])}


def _check_balancers(region: Region, containers: list[Wire], balancers: list[Wire]) -> None:
    for balancer in balancers:
        group = balancer.get("targetGroupArn", "")
        check = region.surroundings.health_check(group)
        if check is None:
            raise invalid(f"The target group with targetGroupArn {group} does not exist.")
        if not check.linked:
            raise invalid(
                f"The target group with targetGroupArn {group} does not have an associated load balancer."
            )
        name, port = balancer.get("containerName"), balancer.get("containerPort")
        container = next((c for c in containers if c["name"] == name), None)
        if container is None:
            raise invalid(f"The container {name} does not exist in the task definition.")
        if port not in [mapping["containerPort"] for mapping in container["portMappings"]]:
            raise invalid(f"The container {name} did not have a container port {port} defined.")


def _check_numbers(request: Wire, current: Wire) -> None:
    configuration = current | request.get("deploymentConfiguration", {})
    lowest, highest = configuration["minimumHealthyPercent"], configuration["maximumPercent"]
    if not 0 <= lowest <= 100:
        raise invalid("minimumHealthyPercent must be between 0 and 100.")
    if highest < 100:
        raise invalid("maximumPercent must be at least 100.")
    if lowest == highest == 100:
        raise invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
    if not 0 <= request.get("healthCheckGracePeriodSeconds", 0) < 2**31:
        raise invalid("healthCheckGracePeriodSeconds must be between 0 and 2147483647.")
    if request.get("desiredCount") is not None:
        _count(request["desiredCount"])


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise invalid("Invalid desired count.")
    return value


def update_service(region: Region, scheduler: Scheduler, request: Wire) -> Wire:
    service = region.service(request.get("cluster"), request["service"])
    if service.status != "ACTIVE":
        raise service_not_active()
    current = service.primary.revision.definition
    wanted = request.get("taskDefinition")
    definition = region.active_definition(wanted) if wanted else current
    _check_balancers(region, definition.containers, request.get("loadBalancers", []))
    changes = {key: value for key, value in request.items() if key not in _NOT_SETTINGS}
    redeploys = (
        bool(request.get("forceNewDeployment"))
        or definition is not current
        or any(
            key in REVISION_SETTINGS and value != service.settings.get(key) for key, value in changes.items()
        )
    )
    _check_numbers(request, service.configuration)
    # Nothing is changed before everything has been checked.
    if request.get("desiredCount") is not None:
        service.desired = _count(request["desiredCount"])
    if "deploymentConfiguration" in request:
        service.settings["deploymentConfiguration"] = (
            service.configuration | request["deploymentConfiguration"]
        )
    service.settings |= changes
    if "capacityProviderStrategy" in changes:
        service.settings.pop("launchType", None)  # a service has the one or the other
    if redeploys:
        scheduler.rollouts.begin(service, definition)
    scheduler.soon(service)
    return {"service": views.service(service, tags=region.tags.get(service.arn, []))}


def delete_service(region: Region, scheduler: Scheduler, request: Wire) -> Wire:
    service = region.service(request.get("cluster"), request["service"])
    if service.status != "ACTIVE":
        raise service_not_active()
    if service.desired > 0 and not request.get("force"):
        raise invalid("The service cannot be stopped while it is scaled above 0.")
    service.status, service.desired = "DRAINING", 0
    scheduler.soon(service)
    return {"service": views.service(service, tags=region.tags.get(service.arn, []))}


def describe_services(region: Region, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    names = request["services"]
    if not names:
        raise invalid("Services cannot be empty.")
    if len(names) > 10:
        raise invalid("Services cannot have more than 10 elements.")
    found, failures = [], []
    for reference in dict.fromkeys(names):
        service = cluster.services.get(last_part(reference))
        if service is None:
            arn = reference if reference.startswith("arn:") else region.identity.arn("service", reference)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            tags = region.tags.get(service.arn, []) if "TAGS" in request.get("include", []) else None
            found.append(views.service(service, tags=tags))
    return {"services": found, "failures": failures}


def list_services(region: Region, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    launch = request.get("launchType")
    arns = [
        service.arn
        for service in cluster.services.values()
        if service.status != "INACTIVE"
        and launch in (None, service.settings.get("launchType"))
        and request.get("schedulingStrategy") in (None, "REPLICA")
    ]
    shown, token = page(arns, request, default=10)
    return views.compact(serviceArns=shown, nextToken=token)
