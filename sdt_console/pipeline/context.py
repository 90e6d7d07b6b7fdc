"""What every stage of one run is handed, and how a stage and a step tell their story."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from sdt_console.catalog.model import Catalog
from sdt_console.errors import DeployError, JournalError, SdtError, UnsharedError
from sdt_console.events import (
    Emit,
    Intended,
    Noted,
    StageFinished,
    StageStarted,
    StepFinished,
    StepProgressed,
    StepStarted,
)
from sdt_console.model import EcsService, Outcome, Plan
from sdt_console.pipeline.checks.account import Account
from sdt_console.pipeline.past import Past
from sdt_console.pipeline.ports import (
    Builder,
    Clock,
    Ecr,
    Ecs,
    Http,
    Lease,
    LoadBalancers,
    Logs,
    Progress,
    Repository,
)

P = ParamSpec("P")
T = TypeVar("T")


UPDATE_SERVICE = "ecs:UpdateService"


@dataclass(frozen=True)
class Deployed:
    """What this run has deployed of one service.

    :param target: ARN of the task definition.
    :param deployment: id of our deployment; empty while it is not known.
    """

    target: str
    deployment: str = ""


@dataclass
class Context:
    """One run's parts.

    :param repo: ``None`` where nothing is built from one.
    :param lease: what says that these services are ours to change; asked before every change.
    :param account: as preflight looks at it.
    :param skip_gates: gate → why it is not run.
    :param poll_seconds: how often rollouts in flight are looked at.
    :param build_args: added to the catalog's.
    :param past: what an earlier process did for this run.
    :param digests: service → manifest digest that was pushed; filled by the push stage.
    :param changed: services whose ECS service this run has updated, in the order of the updates.
    :param failed: services whose deploy or health check failed.
    :param deployed: what this run has deployed of each service in ``changed``.
    :param stopped: services whose failed rollout ECS was asked to roll back.
    """

    run: str
    catalog: Catalog
    plan: Plan
    repo: Repository | None
    builder: Builder
    ecs: Ecs
    ecr: Ecr
    balancers: LoadBalancers
    logs: Logs
    http: Http
    clock: Clock
    emit: Emit
    lease: Lease
    account: Account
    skip_gates: dict[str, str] = field(default_factory=dict)
    poll_seconds: float = 2.0
    build_args: dict[str, str] = field(default_factory=dict)
    past: Past = field(default_factory=Past)
    digests: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    deployed: dict[str, Deployed] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    _definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _warned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.digests = dict(self.plan.digests) | self.past.digests() | self.digests
        self.changed += self.past.updated
        self.failed |= self.past.failed()
        for name in self.past.updated:
            announced = self.past.intended("deploy", name, UPDATE_SERVICE) or {}
            answer = self.past.done("deploy", name, UPDATE_SERVICE) or {}
            target = str(announced.get("taskDefinition", ""))
            self.deployed[name] = Deployed(target, str(answer.get("deployment", "")))

    def service_name(self, service: str) -> str:
        return self.catalog.ecs_service(self.plan.environment, service)

    async def announce(self, change: Intended) -> None:
        """Record a change that is about to be made.

        :raises SupersededError: the lease is no longer ours: it must not be made.
        """
        await self.lease.check()
        self.emit(change)

    def warn_once(self, text: str, stage: str) -> None:
        """Tell a warning that concerns the whole run, the first time only."""
        if text not in self._warned:
            self._warned.add(text)
            self.emit(Noted(text, "warning", stage))

    def go_on(self, error: SdtError) -> str:
        """What to do about an error by which this run was cut off."""
        if "`sdt resume" in error.next:
            return error.next
        cure = error.next.removesuffix(", then run again").removesuffix("; nothing was changed")
        return f"{cure}, then `sdt resume {self.run}` goes on" if cure else f"`sdt resume {self.run}` goes on"

    async def live(self, service: str) -> EcsService:
        """The service as ECS has it now.

        :raises DeployError: there is none active of that name.
        """
        name = self.service_name(service)
        found = (await self.ecs.services(self.plan.cluster, [name])).get(name)
        if found is None:
            raise DeployError(
                f"{service} is gone", f"no active service {name}", f"look at {self.plan.cluster} now"
            )
        return found

    def know(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        """Keep task definitions that were read already, as described."""
        self._definitions |= {str(d["taskDefinitionArn"]): dict(d) for d in definitions}

    async def definition(self, arn: str) -> dict[str, Any]:
        """A task definition as described; a revision never changes, so it is asked for once a run."""
        if arn not in self._definitions:
            self._definitions[arn] = await self.ecs.task_definition(arn)
        return self._definitions[arn]

    def progress(self, stage: str, service: str) -> Progress:
        """A progress callback that may be called from any thread."""
        loop = asyncio.get_running_loop()

        def tell(progress: StepProgressed) -> None:
            with suppress(JournalError):  # whoever does the step hears of it: nothing is recorded after it
                self.emit(progress)

        def report(note: str, done: int, total: int) -> None:
            with suppress(RuntimeError):  # the loop is closed: so has the run ended
                loop.call_soon_threadsafe(tell, StepProgressed(stage, service, note, done, total))

        return report


@dataclass
class Verdict:
    """What a stage or step found, if not plain success."""

    outcome: Outcome = Outcome.SUCCEEDED
    note: str = ""
    result: dict[str, object] = field(default_factory=dict)


@asynccontextmanager
async def stage(emit: Emit, name: str) -> AsyncIterator[Verdict]:
    """Frame one stage: started, then finished with its outcome, whatever happens inside."""
    emit(StageStarted(name))
    verdict = Verdict()
    try:
        yield verdict
    except SdtError as error:
        emit(StageFinished(name, _ended_by(error), failure=error.failure()))
        raise
    except asyncio.CancelledError:
        emit(StageFinished(name, Outcome.INTERRUPTED))
        raise
    emit(StageFinished(name, verdict.outcome, verdict.note))


@asynccontextmanager
async def step(emit: Emit, stage_name: str, service: str) -> AsyncIterator[Verdict]:
    """Frame one stage's work on one service."""
    emit(StepStarted(stage_name, service))
    verdict = Verdict()
    try:
        yield verdict
    except SdtError as error:
        outcome, failure = _ended_by(error), error.failure()
        emit(StepFinished(stage_name, service, outcome, result=verdict.result, failure=failure))
        raise
    except asyncio.CancelledError:
        emit(StepFinished(stage_name, service, Outcome.INTERRUPTED, result=verdict.result))
        raise
    emit(StepFinished(stage_name, service, verdict.outcome, verdict.note, verdict.result))


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work of our own; a cancelled run goes on only when that has ended.

    Else a thread would go on writing into a folder that is being removed.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def outcome_of(error: SdtError) -> Outcome:
    """The word for an error that ended a run."""
    return {5: Outcome.ROLLBACK_FAILED, 6: Outcome.REFUSED, 7: Outcome.TIMED_OUT}.get(
        error.exit_code, Outcome.FAILED
    )


def _ended_by(error: SdtError) -> Outcome:
    """The word for an error that ended a stage or a step: what can be gone on with has not failed."""
    return Outcome.INTERRUPTED if error.resumable else outcome_of(error)


async def each(
    names: Iterable[str], parallel: int, work: Callable[[str], Awaitable[None]]
) -> dict[str, SdtError]:
    """Do ``work`` for each of ``names``, at most ``parallel`` at a time; what went wrong, by name.

    After the first failure nothing more is begun; what is under way is brought to its end, so that no
    service is left half-way unknown. Without a journal its end could not be recorded: it is left at once.
    """
    failed: dict[str, SdtError] = {}
    room = asyncio.Semaphore(parallel)

    async def one(name: str) -> None:
        async with room:
            if failed:
                return
            try:
                await work(name)
            except SdtError as error:
                failed[name] = error
                if isinstance(error, JournalError) and not isinstance(error, UnsharedError):
                    for other in tasks:
                        other.cancel()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(name)) for name in names]
    if not failed and any(task.cancelled() for task in tasks):
        raise asyncio.CancelledError  # a group does not tell of one that was cancelled by itself
    return failed


def raise_first(failed: dict[str, SdtError]) -> None:
    """Raise the first of ``failed``, the others named in its evidence."""
    if not failed:
        return
    first = next(iter(failed.values()))
    others = tuple(f"{name}: {error.what}" for name, error in list(failed.items())[1:])
    first.evidence = (*first.evidence, *others)
    raise first
