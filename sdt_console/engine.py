"""The one door: opens catalog, clients and stores, and hands out detections, plans and runs.

The command line and the screens see this module and the nouns, nothing behind it. What is behind is
imported when it is first needed, so that asking Git a question does not load the AWS SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdt_console.errors import CatalogError, UsageError
from sdt_console.outside import Outside
from sdt_console.settings import Settings, SystemClock

if TYPE_CHECKING:
    from sdt_console.catalog.model import Catalog
    from sdt_console.checking import Checked
    from sdt_console.clients.git import GitRepository
    from sdt_console.events import Event
    from sdt_console.model import Detection, Holder, Plan, Request, RunState
    from sdt_console.pipeline.ports import Clock
    from sdt_console.planning import Planner
    from sdt_console.runs.history import History
    from sdt_console.runs.keeper import Keeper
    from sdt_console.runs.lease import Leases
    from sdt_console.runs.mirror import AnyJournal

__all__ = ["Checked", "Engine"]

Subscriber = Callable[["Event"], None]


class Engine:
    """One session: a catalog, an environment, and what is needed to act on it."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.remarks: list[str] = []
        """What a person should know of how things were read."""

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
            from sdt_console.catalog.nearest import require

            require("environment", name, self.catalog.environments, self.catalog_file)
        return name

    def use_environment(self, name: str) -> None:
        """Act on ``name``, as a plan or an earlier run says.

        :raises UsageError: another one was asked for.
        """
        if self.settings.environment not in (None, name):
            raise UsageError(
                f"this is of environment {name}, not {self.settings.environment}",
                next=f"leave --env out, or name {name}",
            )
        self.settings = replace(self.settings, environment=name)
        self.__dict__.pop("environment", None)
        self.environment  # noqa: B018  one that the catalog has

    def use_repository(self, folder: Path) -> None:
        """Read sources from ``folder``."""
        self.settings = replace(self.settings, repo=folder)
        self.__dict__.pop("repository", None)

    @property
    def protected(self) -> bool:
        """Whether changes of this environment are asked for twice."""
        return self.catalog.environments[self.environment].protected

    @property
    def groups(self) -> dict[str, str]:
        """Service → its group, in catalog order."""
        return {s.name: s.group for s in self.catalog.services} | {d.name: d.group for d in self.catalog.data}

    def names(self, kind: str) -> list[str]:
        """Names of ``environments``, of ``active`` services, or of all ``services``, data services too."""
        if kind == "environments":
            return list(self.catalog.environments)
        return [s.name for s in self.catalog.active] if kind == "active" else list(self.catalog.all_names)

    def refuse_unknown(self, environment: str = "", service: str = "") -> None:
        """:raises UsageError: one is given that the catalog has not; without a catalog nobody knows."""
        from sdt_console.catalog.nearest import require

        for what, name in (("environment", environment), ("service", service)):
            try:
                known = self.names(f"{what}s")
            except CatalogError:
                return
            if name:
                require(what, name, known, self.catalog_file)

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

    @cached_property
    def planner(self) -> Planner:
        """Makes plans from what is live."""
        from sdt_console.planning import Planner

        return Planner(self)

    async def plan(self, detection: Detection, *, offline: bool = False) -> Plan:
        """What a run would do about ``detection``; see :meth:`sdt_console.planning.Planner.pipeline`."""
        return await self.planner.pipeline(detection, offline=offline)

    async def run(
        self,
        base: str | None = None,
        head: str | None = None,
        *,
        force_full_build: bool = False,
        allow_older: bool = False,
        skip_gates: Mapping[str, str] | None = None,
        title: str = "",
        by: str = "",
        subscribers: Sequence[Subscriber] = (),
    ) -> RunState:
        """The whole pipeline, from detect to the verdict.

        :param skip_gates: gate → why it is not run.
        :param title: what the change is about; the head commit's own title if empty.
        :raises UsageError: nothing was recorded or changed: there was nothing sensible to run.
        :raises JournalError: the run could not be recorded, so nothing was changed.
        """
        from sdt_console.model import Request

        request = Request(
            base=base or "",
            head=head or "",
            force_full_build=force_full_build,
            allow_older=allow_older,
            skip_gates=dict(skip_gates or {}),
        )
        return await self.conduct(request, subscribers=subscribers, title=title, by=by)

    async def conduct(
        self,
        request: Request,
        plan: Plan | None = None,
        *,
        title: str = "",
        by: str = "",
        subscribers: Sequence[Subscriber] = (),
    ) -> RunState:
        """Any run; see :meth:`sdt_console.conductor.Conductor.run`."""
        from sdt_console.conductor import Conductor

        return await Conductor(self, subscribers).run(request, plan, title, by)

    async def resume(self, run: str, repo: str = "", *, subscribers: Sequence[Subscriber] = ()) -> RunState:
        """Go on with a run that was cut off; see :meth:`sdt_console.conductor.Conductor.resume`."""
        from sdt_console.conductor import Conductor

        return await Conductor(self, subscribers).resume(run, repo)

    async def health(self, names: Sequence[str], *, subscribers: Sequence[Subscriber] = ()) -> Checked:
        """How services stand now; see :func:`sdt_console.checking.check`."""
        from sdt_console.checking import check

        return await check(self, names, subscribers)

    def gates_beyond(self, *known: str) -> list[str]:
        """The environment's gates other than ``known``."""
        return [g for g in self.catalog.environments[self.environment].gates if g not in known]

    def summary(self, state: RunState) -> Any:
        """The report at the end of a run, for a Rich console."""
        from sdt_console.reports.terminal import summary

        return summary(state)

    def run_document(self, state: RunState) -> dict[str, Any]:
        """The run as the JSON object of ``sdt --ci --json``."""
        from sdt_console.reports.document import document

        return document(state)

    @cached_property
    def outside(self) -> Outside:
        """The clients of this environment."""
        role = self.catalog.environments[self.environment].role
        return Outside(self.settings, self.catalog.region(self.environment), role, clock=self.clock)

    @cached_property
    def state_folder(self) -> Path:
        given = self.settings.environ.get("SDT_STATE")
        if given:
            return Path(given)
        from platformdirs import user_state_path

        return user_state_path("sdt-console", appauthor=False)

    def run_folder(self, run: str) -> Path:
        """Where a run keeps what is too big for the journal: images on their way, output of builds."""
        return self.state_folder / "runs" / run

    @cached_property
    def leases(self) -> Leases:
        """Who may change which service."""
        from sdt_console.holding import leases

        return leases(self.settings, self.catalog, self.state_folder)

    def keeper(self, holder: Holder, environment: str, services: Sequence[str]) -> Keeper:
        """The lease on ``services`` for one run, taken when it is entered."""
        from sdt_console.runs.keeper import Keeper

        return Keeper(self.leases, [f"{environment}/{name}" for name in services], holder, self.clock)

    @cached_property
    def journal(self) -> AnyJournal:
        """What runs are recorded in: this machine's, or everybody's where the catalog names a table.

        :raises JournalError: it cannot be opened.
        """
        from sdt_console.holding import journal

        try:
            catalog: Catalog | None = self.catalog
        except CatalogError:  # what has been can be read without one
            catalog = None
        return journal(self.settings, catalog, self.state_folder, self.remarks.append)

    @cached_property
    def history(self) -> History:
        """The runs in the journal."""
        from sdt_console.runs.history import History

        return History(self.journal)

    def close(self) -> None:
        """Let go of threads and files; safe to call more than once."""
        if "outside" in self.__dict__:
            self.outside.close()
        for store in ("journal", "leases"):
            if store in self.__dict__:
                self.__dict__[store].close()
