"""Tasks: DescribeTasks, ListTasks, StopTask, RunTask."""

from __future__ import annotations

from . import views
from .errors import ApiError, invalid
from .model import Task, Wire
from .paging import page
from .region import Region
from .scheduler import Scheduler


def describe_tasks(region: Region, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    references = request["tasks"]
    if not references:
        raise invalid("Tasks cannot be empty.")
    if len(references) > 100:
        raise invalid("Tasks cannot have more than 100 elements.")
    found, failures = [], []
    for reference in dict.fromkeys(references):
        task = region.task(cluster, reference)
        if task is None:
            arn = (
                reference
                if reference.startswith("arn:")
                else region.identity.arn("task", cluster.name, reference)
            )
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            tags = region.tags.get(task.arn, []) if "TAGS" in request.get("include", []) else None
            found.append(views.task(task, tags=tags))
    return {"tasks": found, "failures": failures}


def list_tasks(region: Region, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    tasks = list(cluster.tasks.values())
    if request.get("containerInstance"):
        tasks = []
    if name := request.get("serviceName"):
        service = region.service(request.get("cluster"), name)
        tasks = [task for task in tasks if task.service is service]
    if started_by := request.get("startedBy"):
        tasks = [task for task in tasks if task.started_by == started_by]
    if family := request.get("family"):
        tasks = [task for task in tasks if task.definition.family == family]
    if launch := request.get("launchType"):
        tasks = [task for task in tasks if task.settings.get("launchType", "FARGATE") == launch]
    desired = request.get("desiredStatus", "RUNNING")
    if desired not in ("RUNNING", "PENDING", "STOPPED"):
        raise invalid(f"Invalid desiredStatus: {desired}")
    # ECS never sets the desired status of a task to PENDING, so that filter finds nothing.
    arns = [task.arn for task in tasks if task.desired == desired]
    shown, token = page(arns, request)
    return views.compact(taskArns=shown, nextToken=token)


def stop_task(region: Region, scheduler: Scheduler, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    task = region.task(cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    scheduler.lifecycle.stop(task, "UserInitiated", request.get("reason") or "Task stopped by user")
    if task.service is not None:
        scheduler.soon(task.service)
    return {"task": views.task(task)}


def run_task(region: Region, scheduler: Scheduler, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    definition = region.active_definition(request["taskDefinition"])
    if definition.data.get("networkMode") == "awsvpc" and not request.get("networkConfiguration"):
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    count = request.get("count", 1)
    if not 1 <= count <= 10:
        raise invalid("count should be between 1 and 10.")
    settings: Wire = {
        key: request[key] for key in ("networkConfiguration", "enableExecuteCommand") if key in request
    }
    settings["launchType"] = request.get("launchType", "FARGATE")
    if request.get("overrides"):
        settings["overrides"] = _overrides(definition.containers, request["overrides"])
    started: list[Task] = []
    for _ in range(count):
        task = scheduler.placement.new_task(
            cluster,
            definition,
            settings,
            group=request.get("group") or f"family:{definition.family}",
            started_by=request.get("startedBy", ""),
        )
        region.tags[task.arn] = list(request.get("tags", []))
        started.append(task)
    return {"tasks": [views.task(t, tags=region.tags[t.arn]) for t in started], "failures": []}


def execute_command(region: Region, request: Wire) -> Wire:
    """Refuse, as ECS does where no agent of Session Manager can be reached: there is none here."""
    task = region.task(region.cluster(request.get("cluster")), request["task"])
    if task is None or task.status != "RUNNING":
        raise invalid("The referenced task was not found or is not running.")
    if not task.settings.get("enableExecuteCommand"):
        raise invalid(
            "The execute command failed because execute command was not enabled when the task was run or the "
            "execute command agent isn't running. Wait and try again or run a new task with execute command "
            "enabled and try again."
        )
    raise ApiError(
        "TargetNotConnectedException",
        "The execute command failed due to an internal error. Try again later.",
    )


def _overrides(containers: list[Wire], overrides: Wire) -> Wire:
    known = {c["name"] for c in containers}
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in known:
            raise invalid(
                f"Override for container named {override.get('name')} is not a container in the "
                "TaskDefinition."
            )
    return {"containerOverrides": [], "inferenceAcceleratorOverrides": []} | overrides
