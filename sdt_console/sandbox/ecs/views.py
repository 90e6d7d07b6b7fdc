"""State as it goes over the wire; the shapes are those of the API's model."""

from __future__ import annotations

from typing import Any

from .model import (
    Cluster,
    Deployment,
    Revision,
    Service,
    ServiceDeployment,
    Task,
    Wire,
)

PLATFORM_VERSION = "1.4.0"


def compact(**fields: Any) -> Wire:
    """The fields that have a value; the API leaves out what does not apply."""
    return {key: value for key, value in fields.items() if value is not None}


def moment(value: float | None) -> float | None:
    """A time stamp to the millisecond, as the API gives it."""
    return None if value is None else round(value, 3)


def cluster(item: Cluster) -> Wire:
    tasks = [task for task in item.tasks.values() if task.status != "STOPPED"]
    return compact(
        clusterArn=item.arn,
        clusterName=item.name,
        status=item.status,
        registeredContainerInstancesCount=0,
        runningTasksCount=sum(task.status == "RUNNING" for task in tasks),
        pendingTasksCount=sum(task.alive and task.status != "RUNNING" for task in tasks),
        activeServicesCount=sum(service.status == "ACTIVE" for service in item.services.values()),
        statistics=[],
        **{"tags": [], "settings": [], "capacityProviders": [], "defaultCapacityProviderStrategy": []}
        | item.settings,
    )


def counts(tasks: list[Task]) -> tuple[int, int]:
    """Running and pending, as ECS counts them: what was told to stop is neither once it leaves RUNNING."""
    running = sum(task.status == "RUNNING" for task in tasks)
    pending = sum(task.alive and task.status != "RUNNING" for task in tasks)
    return running, pending


def deployment(service: Service, item: Deployment) -> Wire:
    tasks = service.tasks_of(item)
    wanted = service.desired if item is service.primary else sum(task.alive for task in tasks)
    running, pending = counts(tasks)
    return compact(
        id=item.id,
        status=item.status,
        taskDefinition=item.revision.definition.arn,
        desiredCount=wanted,
        pendingCount=pending,
        runningCount=running,
        failedTasks=item.failed_tasks,
        createdAt=moment(item.created_at),
        updatedAt=moment(item.updated_at),
        launchType=item.revision.settings.get("launchType"),
        capacityProviderStrategy=item.revision.settings.get("capacityProviderStrategy"),
        platformVersion=PLATFORM_VERSION,
        platformFamily="Linux",
        networkConfiguration=item.revision.settings.get("networkConfiguration"),
        rolloutState=item.rollout,
        rolloutStateReason=item.reason,
    )


def service(item: Service, *, tags: list[Wire] | None = None) -> Wire:
    running, pending = counts(list(item.tasks.values()))
    settings = item.settings
    current = item.deployments[0].record if item.deployments else None
    definition = item.primary.revision.definition.arn if item.deployments else settings["taskDefinition"]
    return compact(
        serviceArn=item.arn,
        serviceName=item.name,
        clusterArn=item.cluster.arn,
        loadBalancers=settings.get("loadBalancers", []),
        serviceRegistries=settings.get("serviceRegistries", []),
        status=item.status,
        desiredCount=item.desired,
        runningCount=running,
        pendingCount=pending,
        launchType=settings.get("launchType"),
        capacityProviderStrategy=settings.get("capacityProviderStrategy"),
        platformVersion=settings.get("platformVersion", "LATEST"),
        platformFamily="Linux",
        taskDefinition=definition,
        deploymentConfiguration=settings["deploymentConfiguration"],
        deployments=[deployment(item, d) for d in item.deployments],
        roleArn=settings["roleArn"],
        events=[{"id": e.id, "createdAt": moment(e.at), "message": e.message} for e in item.events],
        createdAt=moment(item.created_at),
        currentServiceDeployment=current.arn if current and current.finished_at is None else None,
        currentServiceRevisions=[_revision_counts(item, d.revision) for d in item.deployments],
        placementConstraints=settings.get("placementConstraints", []),
        placementStrategy=settings.get("placementStrategy", []),
        networkConfiguration=settings.get("networkConfiguration"),
        healthCheckGracePeriodSeconds=settings.get("healthCheckGracePeriodSeconds", 0),
        schedulingStrategy="REPLICA",
        deploymentController=settings.get("deploymentController", {"type": "ECS"}),
        createdBy=item.created_by,
        enableECSManagedTags=settings.get("enableECSManagedTags", False),
        propagateTags=settings.get("propagateTags", "NONE"),
        enableExecuteCommand=settings.get("enableExecuteCommand", False),
        availabilityZoneRebalancing=settings.get("availabilityZoneRebalancing", "DISABLED"),
        tags=tags,
    )


def _revision_counts(item: Service, revision: Revision) -> Wire:
    tasks = [t for t in item.tasks.values() if t.deployment and t.deployment.revision is revision]
    running, pending = counts(tasks)
    primary = bool(item.deployments) and item.primary.revision is revision
    return {
        "arn": revision.arn,
        "requestedTaskCount": item.desired if primary else 0,
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    }


def service_deployment(owner: Service, item: ServiceDeployment) -> Wire:
    return compact(
        serviceDeploymentArn=item.arn,
        serviceArn=owner.arn,
        clusterArn=owner.cluster.arn,
        createdAt=moment(item.created_at),
        startedAt=moment(item.started_at),
        finishedAt=moment(item.finished_at),
        stoppedAt=moment(item.stopped_at),
        updatedAt=moment(item.updated_at),
        sourceServiceRevisions=[_revision_counts(owner, revision) for revision in item.sources],
        targetServiceRevision=_revision_counts(owner, item.target),
        status=item.status,
        statusReason=item.reason or None,
        lifecycleStage=item.stage or None,
        deploymentConfiguration=item.configuration,
        rollback=item.rollback,
        deploymentCircuitBreaker={
            "status": item.breaker,
            "failureCount": item.failures,
            "threshold": item.threshold,
        },
        alarms={"status": "DISABLED", "alarmNames": [], "triggeredAlarmNames": []},
    )


def service_deployment_brief(owner: Service, item: ServiceDeployment) -> Wire:
    return compact(
        serviceDeploymentArn=item.arn,
        serviceArn=owner.arn,
        clusterArn=owner.cluster.arn,
        startedAt=moment(item.started_at),
        createdAt=moment(item.created_at),
        finishedAt=moment(item.finished_at),
        targetServiceRevisionArn=item.target.arn,
        status=item.status,
        statusReason=item.reason or None,
    )


def revision(owner: Service, item: Revision) -> Wire:
    settings = item.settings
    return compact(
        serviceRevisionArn=item.arn,
        serviceArn=owner.arn,
        clusterArn=owner.cluster.arn,
        taskDefinition=item.definition.arn,
        launchType=settings.get("launchType"),
        capacityProviderStrategy=settings.get("capacityProviderStrategy"),
        platformVersion=PLATFORM_VERSION,
        platformFamily="Linux",
        loadBalancers=settings.get("loadBalancers") or None,
        serviceRegistries=settings.get("serviceRegistries") or None,
        networkConfiguration=settings.get("networkConfiguration"),
        containerImages=[
            compact(containerName=c["name"], image=c["image"], imageDigest=item.digests.get(c["name"]))
            for c in item.definition.containers
        ],
        guardDutyEnabled=False,
        createdAt=moment(item.created_at),
    )


def task(item: Task, *, tags: list[Wire] | None = None) -> Wire:
    interface = item.interface
    attached = item.status not in ("PROVISIONING", "DEPROVISIONING", "STOPPED")
    state = "ATTACHED" if attached else "PRECREATED" if item.status == "PROVISIONING" else "DELETED"
    return compact(
        attachments=[
            {
                "id": interface["attachment"],
                "type": "ElasticNetworkInterface",
                "status": state,
                "details": [
                    {"name": "subnetId", "value": interface["subnet"]},
                    {"name": "networkInterfaceId", "value": interface["eni"]},
                    {"name": "macAddress", "value": interface["mac"]},
                    {"name": "privateIPv4Address", "value": item.address},
                ],
            }
        ],
        attributes=[{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        availabilityZone=interface["zone"],
        capacityProviderName=_provider(item),
        clusterArn=item.cluster.arn,
        connectivity="CONNECTED" if item.connected_at is not None else None,
        connectivityAt=moment(item.connected_at),
        containers=[_container(item, c) for c in item.containers],
        cpu=item.definition.data.get("cpu"),
        createdAt=moment(item.created_at),
        desiredStatus=item.desired,
        enableExecuteCommand=item.settings.get("enableExecuteCommand", False),
        executionStoppedAt=moment(item.execution_stopped_at),
        group=item.group,
        healthStatus=_health(item),
        lastStatus=item.status,
        launchType=item.settings.get("launchType", "FARGATE"),
        memory=item.definition.data.get("memory"),
        overrides=item.settings.get("overrides")
        or {
            "containerOverrides": [{"name": c.name} for c in item.containers],
            "inferenceAcceleratorOverrides": [],
        },
        platformVersion=PLATFORM_VERSION,
        platformFamily="Linux",
        pullStartedAt=moment(item.pull_started_at),
        pullStoppedAt=moment(item.pull_stopped_at),
        startedAt=moment(item.started_at),
        startedBy=item.started_by or None,
        stopCode=item.stop_code or None,
        stoppedAt=moment(item.stopped_at),
        stoppedReason=item.stopped_reason or None,
        stoppingAt=moment(item.stopping_at),
        tags=tags if tags is not None else [],
        taskArn=item.arn,
        taskDefinitionArn=item.definition.arn,
        version=item.version,
        ephemeralStorage={"sizeInGiB": 20},
        fargateEphemeralStorage={"sizeInGiB": 20},
    )


def _provider(item: Task) -> str | None:
    strategy = item.settings.get("capacityProviderStrategy") or [{}]
    name: str | None = strategy[0].get("capacityProvider")
    return name


def _health(item: Task) -> str:
    states = {c.health for c in item.containers if c.essential}
    return "UNHEALTHY" if "UNHEALTHY" in states else "HEALTHY" if states == {"HEALTHY"} else "UNKNOWN"


def _container(item: Task, c: Any) -> Wire:
    return compact(
        containerArn=c.arn,
        taskArn=item.arn,
        name=c.name,
        image=c.image,
        imageDigest=c.digest or None,
        runtimeId=c.runtime_id or None,
        lastStatus=c.status,
        exitCode=c.exit_code,
        reason=c.reason or None,
        networkBindings=[],
        networkInterfaces=[
            {"attachmentId": item.interface["attachment"], "privateIpv4Address": item.address}
        ],
        healthStatus=c.health,
        cpu=c.cpu,
        memory=c.memory,
        memoryReservation=c.reservation,
    )
