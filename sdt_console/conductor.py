"""Runs: begun, gone on with after a crash, ended; each with its journal, lease and builder."""

from __future__ import annotations

import secrets
import socket
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdt_console.asked import request_of, title_of, url, who
from sdt_console.errors import ReadOnlyError, SdtError, UsageError
from sdt_console.events import (
    Event,
    Noted,
    Planned,
    RunResumed,
    RunStarted,
    StageFinished,
    StageStarted,
)
from sdt_console.model import Detection, Outcome, Plan, Request, RunState
from sdt_console.process import this_process
from sdt_console.run_folders import leave, prune
from sdt_console.text import plural

if TYPE_CHECKING:
    from sdt_console.clients.git import GitRepository
    from sdt_console.engine import Engine
    from sdt_console.pipeline.context import Context
    from sdt_console.pipeline.past import Past
    from sdt_console.pipeline.ports import Builder, Lease
    from sdt_console.runs.keeper import Keeper
    from sdt_console.runs.recorder import Recorder

Subscriber = Callable[[Event], None]


class Conductor:
    """Conducts the runs of one engine."""

    def __init__(self, door: Engine, subscribers: Sequence[Subscriber] = ()) -> None:
        self._door = door
        self._subscribers = subscribers

    async def run(
        self, request: Request, plan: Plan | None = None, title: str = "", by: str = ""
    ) -> RunState:
        """A whole run; every way it ends is in the journal.

        :param plan: one that was made before; else it is made from the request.
        :param title: what the change is about; the head commit's own title if empty.
        :raises UsageError: nothing was recorded or changed: there was nothing sensible to run.
        :raises JournalError: the run could not be recorded, so nothing was changed.
        """
        door = self._door
        self._may_change()
        began = door.clock.now()
        environment = door.environment
        run = secrets.token_hex(4)
        detection = self._detected(request) if plan is None else None
        if plan is None and detection is None:
            plan = await self._by_name(request)
        builder = self._builder(run, request, plan, detection is None or bool(detection.selected))
        prune(door.run_folder(run).parent, began)
        recorder = self._recorder(run)
        base, head = _range(detection, plan)
        title = title or title_of(request) or self._title(head)
        recorder.emit(
            RunStarted(
                environment, base, head, title, by or who(door.settings.environ),
                request=asdict(self._where(request)), host=socket.gethostname(),
                url=url(door.settings.environ),
            ),
            at=began,
        )  # fmt: skip
        if detection is not None:
            recorder.emit(StageStarted("detect"), at=began)
            told = f"{len(detection.selected)} of {len(detection.selections)} services"
            recorder.emit(StageFinished("detect", Outcome.SUCCEEDED, told))
        try:
            plan = await self._planned(recorder, request, detection, plan)
        except (SdtError, CancelledError) as error:
            from sdt_console.pipeline.runner import ended_early

            recorder.end(ended_early(error))
            return recorder.state
        return await self._walk(recorder, request, plan, builder)

    async def resume(self, run: str, repo: str = "") -> RunState:
        """Go on with a run whose process is gone, or that was interrupted or cut off.

        Cut off is a run that could not go on because AWS, the journal or its lease was out of reach.

        :param run: its id, or the beginning of it.
        :raises UsageError: there is no such run, or it has ended and there is nothing to go on with.
        :raises SupersededError: its process still lives, or someone else deploys these services.
        """
        from sdt_console.pipeline.past import Past
        from sdt_console.pipeline.plan import from_data
        from sdt_console.pipeline.plan_check import checked
        from sdt_console.runs.fold import fold

        door = self._door
        self._may_change()
        events = door.history.events(run)
        past = Past(events)
        run = events[0].run
        if past.started is None:
            raise UsageError(f"run {run} has no beginning", next="see `sdt show RUN --events`")
        door.use_environment(past.started.environment)
        if past.finished is not None and not fold(events).resumable:
            raise UsageError(
                f"run {run} has ended: {past.finished.outcome}",
                "only a run that was interrupted or cut off can be resumed",
                f"see `sdt show {run}`, or start a new run",
            )
        request = request_of(past.started.request)
        if repo or request.repo:
            door.use_repository(Path(repo or request.repo))
        plan = None
        if past.plan is not None:
            source = f"the plan of run {run}"
            plan = checked(from_data(past.plan, source), door.catalog, source, "start a new run")
        builder = self._builder(run, request, plan)
        if plan is None:
            return await self._begun_again(events, request, builder)
        async with self._keeper(run, plan) as lease:
            return await self._through(self._resumed(events), request, plan, builder, lease, past)

    async def _begun_again(self, events: list[Event], request: Request, builder: Builder) -> RunState:
        """A run that was cut off before it had a plan has changed nothing: it is planned afresh."""
        if request.kind == "apply":
            raise UsageError(
                f"run {events[0].run} was cut off before its plan was recorded",
                "nothing was changed",
                "apply the plan again",
            )
        detection = self._detected(request)
        recorder = self._resumed(events)
        try:
            plan = await self._planned(recorder, request, detection, None)
        except (SdtError, CancelledError) as error:
            from sdt_console.pipeline.runner import ended_early

            recorder.end(ended_early(error))
            return recorder.state
        return await self._walk(recorder, request, plan, builder)

    async def _planned(
        self, recorder: Recorder, request: Request, detection: Detection | None, plan: Plan | None
    ) -> Plan:
        from sdt_console.pipeline.context import stage
        from sdt_console.pipeline.plan import to_json

        async with stage(recorder.emit, "plan") as verdict:
            if plan is None and detection is not None:
                plan = await self._door.planner.pipeline(detection, allow_older=request.allow_older)
            elif plan is None:
                plan = await self._by_name(request)
            recorder.emit(Planned(to_json(plan)))
            verdict.note = plural(len(plan.waves), "wave")
            return plan

    async def _walk(self, recorder: Recorder, request: Request, plan: Plan, builder: Builder) -> RunState:
        """The plan, under the lease of its services."""
        from sdt_console.pipeline.nothing import is_empty, nothing_to_do

        if is_empty(plan):
            recorder.end(nothing_to_do(recorder.emit))
            return recorder.state
        from sdt_console.pipeline.past import Past
        from sdt_console.pipeline.runner import ended_early

        try:
            async with self._keeper(recorder.run, plan) as lease:
                return await self._through(recorder, request, plan, builder, lease, Past())
        except (SdtError, CancelledError) as error:
            if recorder.state.outcome is None:  # the lease was refused, so nothing was begun
                recorder.end(ended_early(error))
        return recorder.state

    async def _through(
        self, recorder: Recorder, request: Request, plan: Plan, builder: Builder, lease: Keeper, past: Past
    ) -> RunState:
        from sdt_console.pipeline.runner import walk

        ctx = self._context(recorder, request, plan, builder, lease, past)
        with self._door.outside.guarded(lease.check), self._door.outside.retries_told(recorder.emit):
            finished = await walk(ctx, [Noted(sentence, "warning") for sentence in lease.taken_over])
        unshared = recorder.end(finished)
        if unshared is not None:
            # the run has ended, and this machine's journal says how: the others will hear of it later
            told = f"{unshared.what}: {unshared.cause}" if unshared.cause else unshared.what
            self._door.remarks.append(told)
        if not recorder.state.resumable:
            leave(self._door.run_folder(recorder.run))
        return recorder.state

    def _keeper(self, run: str, plan: Plan) -> Keeper:
        environ = self._door.settings.environ
        holder = this_process(who(environ), run, url(environ))
        # what is only built is held as well: two builds of one tag would push over each other
        names = tuple(dict.fromkeys((*plan.builds, *plan.services)))
        return self._door.keeper(holder, plan.environment, names)

    def _context(
        self, recorder: Recorder, request: Request, plan: Plan, builder: Builder, lease: Lease, past: Past
    ) -> Context:
        from sdt_console.looked_at import account_of
        from sdt_console.pipeline.context import Context

        door = self._door
        return Context(
            run=recorder.run,
            catalog=door.catalog,
            plan=plan,
            repo=self._repository(),
            builder=builder,
            ecs=door.outside.ecs,
            ecr=door.outside.ecr,
            balancers=door.outside.balancers,
            logs=door.outside.logs,
            http=door.outside.http,
            clock=door.clock,
            emit=recorder.emit,
            lease=lease,
            account=account_of(door),
            skip_gates=dict(request.skip_gates),
            poll_seconds=door.settings.poll_seconds,
            build_args=dict(door.settings.build_args),
            past=past,
        )

    def _where(self, request: Request) -> Request:
        """The request with the repository it was made for, so that it can be resumed from anywhere."""
        repository = self._repository()
        return replace(request, repo=str(repository.path)) if repository else request

    def _may_change(self) -> None:
        if self._door.settings.read_only:
            raise ReadOnlyError(
                "a run refused", "this session is read-only", "use `sdt plan`, which only reads"
            )

    def _detected(self, request: Request) -> Detection | None:
        if request.kind != "pipeline":
            return None
        return self._door.detect(
            request.base or None, request.head or None, force_full_build=request.force_full_build
        )

    async def _by_name(self, request: Request) -> Plan:
        planner = self._door.planner
        return await (planner.undo(request) if request.undo else planner.of(request))

    def _builder(self, run: str, request: Request, plan: Plan | None, selected: bool = True) -> Builder:
        """The builder; a Docker Engine is asked for only where something may be built."""
        outside, folder = self._door.outside, self._door.run_folder(run)
        builds = plan.builds if plan else selected and (request.kind == "pipeline" or request.rebuild)
        return outside.builder(folder) if builds else outside.own_builder(folder)

    def _repository(self) -> GitRepository | None:
        """The repository, where there is one: a rollback does not need it."""
        try:
            return self._door.repository
        except UsageError:
            return None

    def _title(self, head: str) -> str:
        repository = self._repository()
        known = repository.commit(head) if repository and head else None
        return repository.title(known) if repository and known else ""

    def _recorder(self, run: str, before: Sequence[Event] = ()) -> Recorder:
        from sdt_console.runs.recorder import Recorder

        return Recorder(run, self._door.journal, self._door.clock.now, self._subscribers, before)

    def _resumed(self, events: Sequence[Event]) -> Recorder:
        recorder = self._recorder(events[0].run, events)
        recorder.emit(RunResumed(who(self._door.settings.environ), socket.gethostname()))
        return recorder


def _range(detection: Detection | None, plan: Plan | None) -> tuple[str, str]:
    if detection is not None:
        return detection.base, detection.head
    return (plan.base, plan.head) if plan is not None else ("", "")
