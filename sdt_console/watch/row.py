"""All that is known of one service, put together into what is shown of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sdt_console.model import ServiceSight, ServiceState, TargetSight, TaskSight, Watched
from sdt_console.watch.state import Stand, events, image_parts, number, revision, seconds, sights, stand
from sdt_console.watch.status_ports import Diagnose

_SKEW_S = 5.0  # how much later than ECS says a change is seen


@dataclass(frozen=True)
class Picture:
    """The image of a service's own container.

    :param container: that container's name.
    """

    reference: str
    digest: str = ""
    container: str = ""


@dataclass
class Row:
    """One service of the catalog; each part is put in as it is read.

    :param seen_at: when ECS was last asked successfully; 0 if never.
    :param error: why it could not be asked last time; empty if it could.
    :param state: ``None`` as long as ECS has not been asked.
    :param troubled: its tasks are worth a look: it moves, or it is not as it should be.
    :param revisions: ARNs of the service revisions that run now; none where the endpoint has no such thing.
    :param running: what decides on the image: task definition and service revisions; empty if it is not
        in ECS. ``pictured`` is what ``picture`` was read for.
    """

    watched: Watched
    raw: Mapping[str, Any] | None = None
    state: ServiceState | None = None
    troubled: bool = False
    task_definition: str = ""
    revisions: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    seen_at: float = 0.0
    error: str = ""
    picture: Picture | None = None
    pictured: tuple[str, ...] = ()
    subject: str = ""
    tasks: tuple[TaskSight, ...] = ()
    targets: tuple[TargetSight, ...] = ()
    health: str = ""
    health_note: str = ""
    sight: ServiceSight | None = None
    _stand: Stand | None = field(default=None, repr=False)

    def told(self, raw: Mapping[str, Any] | None, now: float) -> None:
        """ECS told of it; ``None``: it is not there."""
        self.raw, self.seen_at, self.error = raw, now, ""
        judged = self._stand = stand(raw, pending=self.watched.kind == "pending")
        self.state = judged.state
        definition = _definition(raw)
        if definition != self.task_definition:
            self.picture, self.pictured, self.subject = None, (), ""
        self.task_definition = definition
        current = raw.get("currentServiceRevisions", ()) if raw else ()
        self.revisions = tuple(str(r["arn"]) for r in current if r.get("arn"))
        self.running = (definition, *self.revisions) if definition else ()
        balancers = raw.get("loadBalancers", ()) if raw else ()
        self.target_groups = tuple(str(b["targetGroupArn"]) for b in balancers if b.get("targetGroupArn"))
        there = raw is not None and judged.state is not ServiceState.MISSING
        self.troubled = there and (
            judged.state.moves or bool(judged.why and number(raw or {}, "desiredCount"))
        )

    def compose(self) -> bool:
        """Make the sight anew; whether it differs from the last one by more than its age."""
        if self._stand is None:
            return False
        before, made = self.sight, self._composed(self._stand)
        self.sight = made
        return made != before

    def _composed(self, judged: Stand) -> ServiceSight:
        raw: Mapping[str, Any] = self.raw or {}
        deployments = sights(raw)
        primary = next((d for d in deployments if d.status == "PRIMARY"), None)
        picture = self.picture or Picture("")
        tag, commit, digest = image_parts(picture.reference)
        why, cure = self._why(judged)
        return ServiceSight(
            name=self.watched.name,
            group=self.watched.group,
            state=judged.state,
            service=self.watched.service,
            running=number(raw, "runningCount"),
            desired=number(raw, "desiredCount"),
            pending=number(raw, "pendingCount"),
            rollout=judged.rollout,
            rollout_state=primary.rollout_state if primary else "",
            task_definition=self.task_definition,
            revision=revision(self.task_definition),
            image=picture.reference,
            tag=tag,
            commit=commit,
            subject=self.subject,
            digest=picture.digest or digest,
            deployed_at=primary.created_at if primary else None,
            health=self.health,
            health_note=self.health_note,
            since=self._since(judged),
            seen_at=self.seen_at,
            why=why,
            next=cure,
            deployments=deployments,
            events=events(raw),
            tasks=self.tasks,
            target_groups=self.target_groups,
            targets=self.targets,
        )

    def _since(self, judged: Stand) -> float | None:
        before = self.sight
        if before is None:
            return judged.since
        if before.state is judged.state:  # a newer deployment begins it anew
            return max(filter(None, (before.since, judged.since)), default=None)
        fresh = judged.since is not None and judged.since > before.seen_at - _SKEW_S
        return judged.since if fresh else self.seen_at

    def _why(self, judged: Stand) -> tuple[str, str]:
        """What is wrong by the runbook, from the stopped tasks; else in ECS's words, else by the counts."""
        if not self.troubled:
            return judged.why, judged.next
        blamed = self._blamed(judged)
        if not blamed:
            if judged.state is ServiceState.DEPLOYING and not judged.why:
                return "", ""
            stuck = next((e.message for e in events(self.raw or {})[:3] if "unable to" in e.message), "")
            cure = "see capacity, quotas and the subnets' free addresses" if "place a task" in stuck else ""
            return stuck or judged.why, judged.next or cure
        kind = Counter(task.kind for task in blamed).most_common(1)[0][0]
        newest = next(task for task in blamed if task.kind == kind)
        times = sum(task.kind == kind for task in blamed)
        return newest.cause + (f", {times} times" if times > 1 else ""), newest.next

    def _blamed(self, judged: Stand) -> list[TaskSight]:
        """Stopped tasks that tell why, newest first: of the deployment that does not come up, or did not."""
        found = sights(self.raw or {})
        going_back = judged.state is ServiceState.ROLLING_BACK
        ids = {d.id for d in found if (d.status == "PRIMARY") != going_back}
        failed = [t for t in self.tasks if t.kind]
        told = [t for t in failed if t.deployment in ids]
        if not told and judged.state is not ServiceState.DEPLOYING:
            told = failed
        return sorted(told, key=lambda t: t.stopped_at or 0.0, reverse=True)


def task_sight(raw: Mapping[str, Any], container: str, diagnose: Diagnose) -> TaskSight:
    """A task as ``DescribeTasks`` answers it, with the runbook's word on why it stopped.

    :param container: name of the service's own container.
    """
    status = str(raw.get("lastStatus", ""))
    found = diagnose(raw, container) if status == "STOPPED" else None
    own: Mapping[str, Any] = next((c for c in raw.get("containers", ()) if c.get("name") == container), {})
    code = own.get("exitCode")
    return TaskSight(
        id=str(raw.get("taskArn", "")).rpartition("/")[2],
        status=status,
        revision=revision(str(raw.get("taskDefinitionArn", ""))),
        deployment=str(raw.get("startedBy", "")),
        created_at=seconds(raw.get("createdAt")) or 0.0,
        started_at=seconds(raw.get("startedAt")),
        stopped_at=seconds(raw.get("stoppedAt")),
        exit_code=int(code) if code is not None else None,
        reason=str(raw.get("stoppedReason") or own.get("reason") or ""),
        kind=found.kind if found else "",
        cause=found.cause if found else "",
        next=found.next if found else "",
        health=str(raw.get("healthStatus") or ""),
        digest=str(own.get("imageDigest") or ""),
    )


def picture_of_revision(row: Row, told: Sequence[Mapping[str, Any]]) -> Picture | None:
    """The image of the service's own container, from its current service revisions.

    ``None`` if none of them is of the primary deployment, or which container is its own cannot be told.
    """
    ours = [r for r in told if r.get("taskDefinition") == row.task_definition]
    newest = max(ours, key=lambda r: seconds(r.get("createdAt")) or 0.0, default=None)
    images = newest.get("containerImages", ()) if newest else ()
    name = _own(row, [str(i.get("containerName", "")) for i in images])
    for image in images:
        if image.get("containerName") == name:
            return Picture(str(image.get("image", "")), str(image.get("imageDigest") or ""), name)
    return None


def picture_of_definition(row: Row, definition: Mapping[str, Any]) -> Picture:
    """The same from the task definition; without a reference if its own container cannot be told."""
    containers = definition.get("containerDefinitions", ())
    name = _own(row, [str(c.get("name", "")) for c in containers])
    if not name:
        essential = [c for c in containers if c.get("essential", True)]
        name = str(essential[0].get("name", "")) if len(essential) == 1 else ""
    own: Mapping[str, Any] = next((c for c in containers if c.get("name") == name), {})
    return Picture(str(own.get("image", "")), "", name)


def _own(row: Row, names: Sequence[str]) -> str:
    """The container named after the service, else the only one."""
    for wanted in (row.watched.name, row.watched.service):
        if wanted in names:
            return wanted
    return names[0] if len(names) == 1 else ""


def _definition(raw: Mapping[str, Any] | None) -> str:
    """ARN of what the primary deployment runs: the service's own word for it may be a family's name."""
    for deployment in raw.get("deployments", ()) if raw else ():
        if deployment.get("status") == "PRIMARY":
            return str(deployment.get("taskDefinition", ""))
    return str(raw.get("taskDefinition", "")) if raw else ""
