"""Task definitions: register, describe, list, deregister, delete."""

from __future__ import annotations

import re
from typing import Any

from . import views
from .errors import client, invalid
from .model import TaskDefinition, Wire
from .paging import page
from .region import Region

_MEMORY = {
    256: range(512, 2049, 512),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}
"""Fargate's sizes: CPU units → MiB. ``512`` at 256 CPU units is followed by 1024 and 2048 only."""

_DROPPED = ("tags",)


def register_task_definition(region: Region, request: Wire) -> Wire:
    family = request["family"]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", family):
        raise client("Family contains invalid characters.")
    containers = request.get("containerDefinitions") or []
    if not containers:
        raise client("Container definitions should not be empty.")
    _check_containers(containers)
    if "FARGATE" in request.get("requiresCompatibilities", []):
        _check_fargate(request)
    revisions = region.families.setdefault(family, [])
    number = revisions[-1].revision + 1 if revisions else 1
    arn = region.identity.arn("task-definition", f"{family}:{number}")
    fargate = request.get("networkMode") == "awsvpc"
    data = {key: value for key, value in request.items() if key not in _DROPPED} | {
        "taskDefinitionArn": arn,
        "revision": number,
        "status": "ACTIVE",
        "containerDefinitions": [_with_defaults(c, awsvpc=fargate) for c in containers],
        "volumes": request.get("volumes", []),
        "placementConstraints": request.get("placementConstraints", []),
        "compatibilities": ["EC2", "FARGATE"] if fargate and request.get("cpu") else ["EC2"],
        "requiresAttributes": _attributes(request, containers),
        "registeredAt": views.moment(region.now),
        "registeredBy": f"arn:aws:iam::{region.identity.account}:root",
    }
    revisions.append(TaskDefinition(data))
    region.tags[arn] = list(request.get("tags", []))
    return {"taskDefinition": data, "tags": region.tags[arn]}


def _check_containers(containers: list[Wire]) -> None:
    names = [c.get("name", "") for c in containers]
    if not all(names):
        raise client("Container.name should not be null or empty.")
    if len(set(names)) < len(names):
        raise client("Container names must be unique.")
    for container in containers:
        if not container.get("image"):
            raise client("Container.image should not be null or empty.")
        if any(c.isspace() for c in container["image"]):
            raise client("Container.image contains invalid characters.")
        _check_health(container.get("healthCheck", {}))
    if not any(c.get("essential", True) for c in containers):
        raise client("At least one container definition must be essential.")


def _check_health(check: Wire) -> None:
    limits = {"interval": (5, 300), "timeout": (2, 120), "retries": (1, 10), "startPeriod": (0, 300)}
    for key, (low, high) in limits.items():
        if key in check and not low <= check[key] <= high:
            raise client(f"Container healthCheck {key} must be between {low} and {high}.")


def _check_fargate(request: Wire) -> None:
    if request.get("networkMode") != "awsvpc":
        raise client("Fargate only supports network mode ‘awsvpc’.")
    cpu, memory = request.get("cpu"), request.get("memory")
    if cpu is None:
        raise client("Fargate requires that 'cpu' be defined at the task level.")
    if memory is None:
        raise client("Fargate requires that 'memory' be defined at the task level.")
    if cpu.isdecimal() and memory.isdecimal() and int(memory) not in _MEMORY.get(int(cpu), ()):
        raise client(
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the "
            "Amazon ECS documentation for the valid values."
        )


def _with_defaults(container: Wire, *, awsvpc: bool) -> Wire:
    ports: list[Wire] = []
    for mapping in container.get("portMappings", []):
        host = mapping.get("containerPort") if awsvpc else 0
        ports.append({"hostPort": host, "protocol": "tcp"} | mapping)
    defaults: Wire = {
        "cpu": 0,
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
    }
    return defaults | container | {"portMappings": ports}


def _attributes(request: Wire, containers: list[Wire]) -> list[Wire]:
    names = set()
    for container in containers:
        driver = container.get("logConfiguration", {}).get("logDriver")
        if driver:
            names.add(f"com.amazonaws.ecs.capability.logging-driver.{driver}")
        if container.get("secrets"):
            names.add("ecs.capability.secrets.asm.environment-variables")
        if ".dkr.ecr." in container["image"]:
            names.add("com.amazonaws.ecs.capability.ecr-auth")
    if request.get("taskRoleArn"):
        names.add("com.amazonaws.ecs.capability.task-iam-role")
    if request.get("networkMode") == "awsvpc":
        names.add("ecs.capability.task-eni")
    return [{"name": name} for name in sorted(names)]


def describe_task_definition(region: Region, request: Wire) -> Wire:
    found = region.find_definition(request["taskDefinition"])
    if found is None:
        raise client("Unable to describe task definition.")
    answer: Wire = {"taskDefinition": found.data}
    if "TAGS" in request.get("include", []):
        answer["tags"] = region.tags.get(found.arn, [])
    return answer


def list_task_definitions(region: Region, request: Wire) -> Wire:
    status = request.get("status", "ACTIVE")
    prefix = request.get("familyPrefix")
    families = [prefix] if prefix else sorted(region.families)
    arns = [d.arn for family in families for d in region.families.get(family, []) if d.status == status]
    if request.get("sort") == "DESC":
        arns.reverse()
    shown, token = page(arns, request)
    return views.compact(taskDefinitionArns=shown, nextToken=token)


def list_task_definition_families(region: Region, request: Wire) -> Wire:
    status, prefix = request.get("status", "ALL"), request.get("familyPrefix", "")
    names = []
    for family, revisions in sorted(region.families.items()):
        active = any(d.status == "ACTIVE" for d in revisions)
        if family.startswith(prefix) and (status == "ALL" or active == (status == "ACTIVE")):
            names.append(family)
    shown, token = page(names, request)
    return views.compact(families=shown, nextToken=token)


def deregister_task_definition(region: Region, request: Wire) -> Wire:
    reference = request["taskDefinition"]
    if ":" not in reference.rsplit("/", 1)[-1]:
        raise invalid(f"Revision is missing. {reference}")
    found = region.find_definition(reference)
    if found is None:
        raise client("The specified task definition does not exist.")
    if found.status == "ACTIVE":
        found.data["status"] = "INACTIVE"
        found.data["deregisteredAt"] = views.moment(region.now)
    return {"taskDefinition": found.data}


def delete_task_definitions(region: Region, request: Wire) -> Wire:
    deleted: list[Wire] = []
    failures: list[Wire] = []
    for reference in request["taskDefinitions"]:
        found = region.find_definition(reference)
        if found is None:
            failures.append(
                {
                    "arn": reference,
                    "reason": "The specified task definition does not exist. Specify a "
                    "valid account, family, revision and try again.",
                }
            )
        elif found.status == "ACTIVE":
            failures.append(
                {
                    "arn": found.arn,
                    "reason": "The specified task definition is still in ACTIVE status. "
                    "Please deregister the target and try again.",
                }
            )
        else:
            found.data |= {"status": "DELETE_IN_PROGRESS", "deleteRequestedAt": views.moment(region.now)}
            deleted.append(found.data)
    return {"taskDefinitions": deleted, "failures": failures}


OPERATIONS: dict[str, Any] = {
    "RegisterTaskDefinition": register_task_definition,
    "DescribeTaskDefinition": describe_task_definition,
    "ListTaskDefinitions": list_task_definitions,
    "ListTaskDefinitionFamilies": list_task_definition_families,
    "DeregisterTaskDefinition": deregister_task_definition,
    "DeleteTaskDefinitions": delete_task_definitions,
}
