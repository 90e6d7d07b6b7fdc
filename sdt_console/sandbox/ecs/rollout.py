"""Deployments: how they begin, complete, fail, and roll back."""

from __future__ import annotations

import math

from .model import (
    SERVICE_DEPLOYMENTS_KEPT,
    Deployment,
    Revision,
    Service,
    ServiceDeployment,
    TaskDefinition,
    Wire,
)
from .region import Region

REVISION_SETTINGS = (
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
)
"""Settings of a service that belong to a revision: changing one begins a deployment."""

BREAKER_FAILED = "ECS deployment circuit breaker: tasks failed to start."
BREAKER_ROLLBACK = "Service deployment rolled back because the circuit breaker threshold was exceeded."
BREAKER_STOPPED = "Service deployment stopped because the circuit breaker threshold was exceeded."


def breaker_threshold(desired: int) -> int:
    """Failed tasks at which the circuit breaker trips: half of desired, at least 3, at most 200."""
    return min(200, max(3, math.ceil(desired * 0.5)))


class Rollouts:
    """Begins and ends the deployments of services; starting and stopping tasks is the scheduler's part."""

    def __init__(self, region: Region) -> None:
        self.region = region

    def begin(self, service: Service, definition: TaskDefinition) -> Deployment:
        """Make a new PRIMARY deployment of ``definition`` with the service's settings, at once."""
        region, identity = self.region, self.region.identity
        now = region.now
        service.settings["taskDefinition"] = definition.arn
        settings = {key: service.settings[key] for key in REVISION_SETTINGS if key in service.settings}
        path = (service.cluster.name, service.name)
        revision = Revision(
            arn=identity.arn("service-revision", *path, identity.revision_id()),
            definition=definition,
            settings=settings,
            digests=self._resolve(definition),
            created_at=now,
        )
        breaker = self._breaker(service)
        sources = tuple(
            d.revision for d in service.deployments if any(t.status == "RUNNING" for t in service.tasks_of(d))
        )
        record = ServiceDeployment(
            arn=identity.arn("service-deployment", *path, identity.service_deployment_id()),
            target=revision,
            sources=sources,
            created_at=now,
            updated_at=now,
            configuration=service.configuration,
            breaker="MONITORING" if breaker["enable"] else "DISABLED",
            threshold=breaker_threshold(service.desired),
        )
        deployment = Deployment(identity.deployment_id(), revision, now, now, record=record)
        deployment.spared = self._goes_back(service, definition)
        deployment.reason = f"ECS deployment {deployment.id} in progress."
        self._supersede(service)
        service.deployments.insert(0, deployment)
        service.records.insert(0, record)
        service.revisions[revision.arn] = revision
        service.steady = False
        region.timeline.at(now + SERVICE_DEPLOYMENTS_KEPT, lambda: _forget(service, record))
        return deployment

    def _resolve(self, definition: TaskDefinition) -> dict[str, str]:
        digests = {}
        for container in definition.containers:
            digest = self.region.surroundings.digest(container["image"])
            if digest is not None:
                digests[container["name"]] = digest
        return digests

    def _breaker(self, service: Service) -> Wire:
        if "breaker-rollback" in self.region.surroundings.faults(service.name):
            return {"enable": True, "rollback": True}
        set_up: Wire = service.configuration.get("deploymentCircuitBreaker", {})
        return {"enable": False, "rollback": False} | set_up

    def _goes_back(self, service: Service, definition: TaskDefinition) -> bool:
        """Whether ``definition`` is not what runs now, but what has run well before."""
        if not service.deployments or service.primary.revision.definition is definition:
            return False
        return any(
            record.status == "SUCCESSFUL" and record.target.definition is definition
            for record in service.records
        )

    def _supersede(self, service: Service) -> None:
        now = self.region.now
        for deployment in service.deployments:
            if deployment.status == "PRIMARY":
                deployment.status, deployment.updated_at = "ACTIVE", now
        for record in service.records:
            if record.finished_at is not None:
                continue
            rolling_back = record.status.startswith("ROLLBACK")
            self._finish(
                record,
                "ROLLBACK_FAILED" if rolling_back else "STOPPED",
                "Service deployment stopped because a new service deployment was started.",
            )
            record.stopped_at = now

    def started(self, deployment: Deployment) -> None:
        """The scheduler has looked at it for the first time."""
        record = deployment.record
        if record is not None and record.status == "PENDING":
            record.status, record.started_at, record.updated_at = (
                "IN_PROGRESS",
                self.region.now,
                self.region.now,
            )

    def complete(self, service: Service) -> None:
        """The primary has all its tasks, and nothing else runs."""
        deployment, now = service.primary, self.region.now
        deployment.rollout, deployment.updated_at = "COMPLETED", now
        deployment.reason = f"ECS deployment {deployment.id} completed."
        deployment.completed_before = True
        self.region.say(service, f"(deployment {deployment.id}) deployment completed.")
        for record in service.records:
            if record.finished_at is None:
                rolled_back = record.status.startswith("ROLLBACK")
                self._finish(record, "ROLLBACK_SUCCESSFUL" if rolled_back else "SUCCESSFUL", record.reason)

    def count_failure(self, service: Service, deployment: Deployment) -> None:
        """One more task of ``deployment`` failed; the circuit breaker may trip."""
        deployment.failed_tasks += 1
        deployment.failures_in_a_row += 1
        deployment.updated_at = self.region.now
        record = deployment.record
        current = deployment is service.primary and deployment.rollout == "IN_PROGRESS"
        if not current or record is None or record.finished_at is not None or record.breaker != "MONITORING":
            return
        record.failures, record.updated_at = deployment.failed_tasks, self.region.now
        if deployment.failed_tasks >= breaker_threshold(service.desired):
            record.breaker = "TRIGGERED"
            self._trip(service, deployment)

    def clear_failures(self, deployment: Deployment) -> None:
        deployment.failed_tasks = deployment.failures_in_a_row = 0
        deployment.hold_until = 0.0
        if deployment.record is not None and deployment.record.finished_at is None:
            deployment.record.failures = 0

    def _trip(self, service: Service, deployment: Deployment) -> None:
        self.fail(service, deployment, BREAKER_FAILED)
        self.region.say(service, f"(deployment {deployment.id}) deployment failed: tasks failed to start.")
        record = deployment.record
        if self._breaker(service)["rollback"] and self.roll_back(
            service, BREAKER_ROLLBACK, "ECS deployment circuit breaker: rolling back to deploymentId {id}."
        ):
            return
        if record is not None:
            self._finish(record, "STOPPED", BREAKER_STOPPED)
            record.stopped_at = self.region.now

    def fail(self, service: Service, deployment: Deployment, reason: str) -> None:
        deployment.rollout, deployment.reason, deployment.updated_at = "FAILED", reason, self.region.now

    def roll_back(self, service: Service, why: str, reason: str) -> bool:
        """Go back to the last deployment that completed.

        :param why: the service deployment's status reason.
        :param reason: the restored deployment's ``rolloutStateReason``; ``{id}`` is its id.
        :returns: ``False`` if no deployment has ever completed.
        """
        failed, record = service.primary, service.primary.record
        target = next((d for d in service.deployments[1:] if d.completed_before), None)
        if target is None:
            last = next((r for r in service.records if r.status == "SUCCESSFUL"), None)
            if last is None:
                return False
            target = self._restore(last.target)
        else:
            service.deployments.remove(target)
        now = self.region.now
        failed.status = "ACTIVE"
        target.status, target.rollout, target.updated_at = "PRIMARY", "IN_PROGRESS", now
        target.reason = reason.format(id=target.id)
        service.deployments.insert(0, target)
        service.settings |= target.revision.settings
        service.steady = False
        self.region.say(service, f"rolling back to deployment {target.id}.")
        if record is not None:
            record.status, record.reason, record.updated_at = "ROLLBACK_IN_PROGRESS", why, now
            record.rollback = {
                "reason": why,
                "startedAt": round(now, 3),
                "serviceRevisionArn": target.revision.arn,
            }
        return True

    def _restore(self, revision: Revision) -> Deployment:
        # The tasks of that deployment are gone; its tags are not resolved anew (version consistency).
        now = self.region.now
        return Deployment(
            self.region.identity.deployment_id(), revision, now, now, spared=True, completed_before=True
        )

    def stop(self, service: Service, record: ServiceDeployment, kind: str) -> None:
        """What StopServiceDeployment asks for: ``ROLLBACK`` or ``ABORT``, once the scheduler gets to it."""
        deployment = service.primary
        if record.finished_at is not None or deployment.record is not record:
            return
        why = "Service deployment was stopped by the user."
        if kind == "ROLLBACK" and any(d.completed_before for d in service.deployments[1:]):
            self.fail(service, deployment, "ECS deployment was stopped by the user.")
            self.roll_back(
                service, why, "ECS deployment stopped by the user: rolling back to deploymentId {id}."
            )
            return
        self.fail(service, deployment, "ECS deployment was stopped by the user.")
        self._finish(record, "ROLLBACK_FAILED" if kind == "ROLLBACK" else "STOPPED", why)
        record.stopped_at = self.region.now

    def _finish(self, record: ServiceDeployment, status: str, reason: str) -> None:
        record.status, record.reason = status, reason
        record.finished_at = record.updated_at = self.region.now
        if record.breaker == "MONITORING":
            record.breaker = "MONITORING_COMPLETE"


def _forget(service: Service, record: ServiceDeployment) -> None:
    if record in service.records:
        service.records.remove(record)
