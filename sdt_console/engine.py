"""The one door: opens catalog, clients and stores, and hands out detections, plans and runs.

The command line and the screens see this module and the nouns, nothing behind it. What is behind is
imported when it is first needed, so that asking Git a question does not load the AWS SDK.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sdt_console.errors import ReadOnlyError, SdtError, UsageError
from sdt_console.events import Event, Planned, RunStarted, StageFinished, StageStarted
from sdt_console.model import Detection, Outcome, Plan, Revision, RunState
from sdt_console.outside import Outside
from sdt_console.settings import Settings, SystemClock
from sdt_console.text import plural

if TYPE_CHECKING:
    from sdt_console.catalog.model import Catalog
    from sdt_console.catalog.problem import Problem
    from sdt_console.clients.git import GitRepository
    from sdt_console.pipeline.context import Context
    from sdt_console.pipeline.ports import Builder, Clock
    from sdt_console.runs.history import History
    from sdt_console.runs.journal import Journal
    from sdt_console.runs.recorder import Recorder

Subscriber = Callable[[Event], None]


class Engine:
    """One session: a catalog, an environment, and what is needed to act on it."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()

    # --- what is -------------------------------------------------------------

    @cached_property
    def catalog_file(self) -> Path:
        from sdt_console.catalog.load import find

        return find(self.settings.catalog, self.settings.environ, self.settings.repo)

    @cached_property
    def catalog(self) -> Catalog:
        """:raises CatalogError: there is none, or it has problems."""
        from sdt_console.catalog.load import load, with_settings

        return with_settings(load(self.catalog_file), self.settings.environ, self.settings.region)

    @cached_property
    def environment(self) -> str:
        """:raises UsageError: the catalog has no such environment."""
        name = self.settings.environment or self.catalog.default_environment
        if name not in self.catalog.environments:
            from sdt_console.catalog.nearest import hint, listing

            known = list(self.catalog.environments)
            raise UsageError(
                f"no environment {name!r} in {self.catalog_file}{hint(name, known)}",
                next=f"use one of {listing(known)}",
            )
        return name

    @property
    def groups(self) -> dict[str, str]:
        """Service → its group, in catalog order."""
        return {s.name: s.group for s in self.catalog.services} | {d.name: d.group for d in self.catalog.data}

    def names(self, kind: str) -> list[str]:
        """Names for completion; ``kind`` is ``environments`` or ``services``."""
        return list(self.catalog.environments if kind == "environments" else self.catalog.by_name)

    def check_catalog(self, repo: Path | None = None) -> list[Problem]:
        """Every problem of the catalog, and where it disagrees with the repository's build files."""
        from sdt_console.catalog.check import check_text
        from sdt_console.catalog.load import read

        catalog, problems = check_text(read(self.catalog_file))
        if catalog is not None and repo is not None:
            from sdt_console.catalog.reactor import compare

            problems += compare(catalog, repo)
        return problems

    # --- what changes --------------------------------------------------------

    @cached_property
    def repository(self) -> GitRepository:
        """:raises UsageError: there is no Git repository there."""
        from sdt_console.clients.git import GitRepository

        return GitRepository(self.settings.repo or Path.cwd())

    def detect(
        self,
        base: str | None = None,
        head: str | None = None,
        *,
        worktree: bool = False,
        force_full_build: bool = False,
    ) -> Detection:
        """See :func:`sdt_console.pipeline.detect.detect`."""
        from concurrent.futures import ThreadPoolExecutor

        from sdt_console.pipeline.detect import compare, select

        _, repository = self.catalog_file, self.repository  # of two that are missing, the catalog is told
        with ThreadPoolExecutor(1) as pool:
            # Git compares the commits while the catalog is read; neither needs the other.
            comparing = pool.submit(compare, repository, base, head, worktree=worktree)
            catalog = self.catalog
            found = select(catalog, repository, comparing.result(), force_full_build=force_full_build)
        if found.absent and len(found.absent) == len(catalog.active):
            raise UsageError(
                f"no service of {self.catalog_file} is in {repository.path}",
                "another repository, or wrong paths",
                "name it with --repo, or correct the paths: `sdt catalog check --repo DIR`",
            )
        return found

    async def plan(self, detection: Detection, *, offline: bool = False) -> Plan:
        """What a run would do about ``detection``.

        :raises CloudError: the live revisions could not be read (not with ``offline``).
        """
        import asyncio

        from sdt_console.pipeline.plan import make

        if offline or not detection.selected:
            return make(self.catalog, self.environment, detection, None if offline else {}, None)
        live, repositories = await asyncio.gather(
            self._live(detection.selected), self._repositories(detection.selected)
        )
        return make(self.catalog, self.environment, detection, live, repositories)

    def plan_json(self, plan: Plan) -> dict[str, Any]:
        """The plan as the JSON object that ``sdt plan --json`` prints."""
        from sdt_console.pipeline.plan import to_json

        return to_json(plan)

    def matrix(self, plan: Plan) -> dict[str, list[dict[str, str]]]:
        """The plan's builds as a GitHub Actions matrix."""
        from sdt_console.pipeline.plan import matrix

        return matrix(self.catalog, plan)

    async def _live(self, names: Sequence[str]) -> dict[str, Revision]:
        by_ecs_name = {self.catalog.ecs_service(self.environment, name): name for name in names}
        services = await self.outside.ecs.services(self.catalog.cluster(self.environment), list(by_ecs_name))
        return {
            by_ecs_name[s.name]: Revision(by_ecs_name[s.name], s.task_definition, "", s.running, s.desired)
            for s in services.values()
        }

    async def _repositories(self, names: Sequence[str]) -> dict[str, str]:
        wanted = [self.catalog.repository(self.environment, name) for name in names]
        return await self.outside.ecr.repositories(wanted)

    async def run(
        self,
        base: str | None = None,
        head: str | None = None,
        *,
        force_full_build: bool = False,
        skip_gates: Mapping[str, str] | None = None,
        title: str = "",
        by: str = "",
        subscribers: Sequence[Subscriber] = (),
    ) -> RunState:
        """The whole pipeline, from detect to the verdict; every way it ends is in the journal.

        :param skip_gates: gate → why it is not run.
        :param title: what the change is about; the head commit's own title if empty.
        :raises UsageError: nothing was recorded or changed: there was nothing sensible to run.
        :raises JournalError: the run could not be recorded, so nothing was changed.
        """
        from asyncio import CancelledError

        from sdt_console.pipeline.context import stage
        from sdt_console.pipeline.plan import to_json
        from sdt_console.pipeline.runner import ended_early, walk
        from sdt_console.runs.recorder import Recorder

        if self.settings.read_only:
            raise ReadOnlyError(
                "a run refused", "this session is read-only", "use `sdt plan`, which only reads"
            )
        began = self.clock.now()
        environment = self.environment
        builder = self.outside.builder()
        detection = self.detect(base, head, force_full_build=force_full_build)
        recorder = Recorder(secrets.token_hex(4), self.journal, self.clock.now, subscribers)
        title = title or self.repository.title(detection.head)
        recorder.emit(RunStarted(environment, detection.base, detection.head, title, by), at=began)
        recorder.emit(StageStarted("detect"), at=began)
        count = len(detection.selected)
        recorder.emit(
            StageFinished("detect", Outcome.SUCCEEDED, f"{count} of {len(detection.selections)} services")
        )
        try:
            async with stage(recorder.emit, "plan") as verdict:
                plan = await self.plan(detection)
                recorder.emit(Planned(to_json(plan)))
                verdict.note = plural(len(plan.waves), "wave")
        except (SdtError, CancelledError) as error:
            recorder.emit(ended_early(error))
            return recorder.state
        await walk(self._context(recorder, plan, builder, dict(skip_gates or {})))
        return recorder.state

    def gates_beyond(self, *known: str) -> list[str]:
        """The environment's gates other than ``known``."""
        return [g for g in self.catalog.environments[self.environment].gates if g not in known]

    def terminal_report(self, stream: TextIO, colour: bool) -> Subscriber:
        """A subscriber that tells the run's story on ``stream``, a line for each thing that happens."""
        from sdt_console.reports.terminal import TerminalReport

        return TerminalReport(stream, colour=colour)

    def summary(self, state: RunState) -> Any:
        """The report at the end of a run, for a Rich console."""
        from sdt_console.reports.terminal import summary

        return summary(state)

    def run_document(self, state: RunState) -> dict[str, Any]:
        """The run as the JSON object of ``sdt --ci --json``."""
        from sdt_console.reports.document import document

        return document(state)

    def _context(
        self, recorder: Recorder, plan: Plan, builder: Builder, skip_gates: dict[str, str]
    ) -> Context:
        from sdt_console.pipeline.context import Context

        return Context(
            run=recorder.run,
            catalog=self.catalog,
            plan=plan,
            repo=self.repository,
            builder=builder,
            ecs=self.outside.ecs,
            ecr=self.outside.ecr,
            balancers=self.outside.balancers,
            logs=self.outside.logs,
            http=self.outside.http,
            clock=self.clock,
            emit=recorder.emit,
            skip_gates=skip_gates,
            poll_seconds=self.settings.poll_seconds,
        )

    @cached_property
    def outside(self) -> Outside:
        """The clients of this environment."""
        role = self.catalog.environments[self.environment].role
        return Outside(self.settings, self.catalog.region(self.environment), role)

    @cached_property
    def state_folder(self) -> Path:
        given = self.settings.environ.get("SDT_STATE")
        if given:
            return Path(given)
        from platformdirs import user_state_path

        return user_state_path("sdt-console", appauthor=False)

    @cached_property
    def journal(self) -> Journal:
        """:raises JournalError: it cannot be opened."""
        from sdt_console.runs.journal import Journal

        return Journal(self.state_folder / "journal.sqlite3")

    @cached_property
    def history(self) -> History:
        """The runs in the journal."""
        from sdt_console.runs.history import History

        return History(self.journal)

    def close(self) -> None:
        """Let go of threads and files; safe to call more than once."""
        if "outside" in self.__dict__:
            self.outside.close()
        if "journal" in self.__dict__:
            self.journal.close()
