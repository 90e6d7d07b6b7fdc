"""The costs of an engine's environment: ties :mod:`sdt_console.watch.cost` to its clients and its state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from sdt_console.clients.aws import Aws
from sdt_console.clients.budgets import BudgetsClient
from sdt_console.clients.cost import CostExplorerClient
from sdt_console.clients.cost_metrics import CostMetricsClient
from sdt_console.clients.pricing import PricingClient, endpoint
from sdt_console.clients.running import RunningTasks
from sdt_console.errors import CloudError
from sdt_console.model.cost import Budget, TaskSize
from sdt_console.model.cost_book import CostBook, EstimateLine
from sdt_console.model.cost_live import Effect, LiveCost, Span, Standing
from sdt_console.watch.cost import publish, what_if
from sdt_console.watch.cost.books import COMPARED_DAYS, Books, Dated
from sdt_console.watch.cost.figures import CENT, against_estimates, movers, outlook
from sdt_console.watch.cost.live import live_cost
from sdt_console.watch.cost.prices import Prices
from sdt_console.watch.cost.store import CostStore, Spent
from sdt_console.watching.cost_view import Overview, Published, helped, last, narrowed, tagged

if TYPE_CHECKING:
    from sdt_console.engine import Engine

WEEK, MONTH = 7, 30


class CostDesk:
    """One look at the costs; used from one event loop at a time.

    :param refresh: ask Cost Explorer anew, although what is kept is young enough.
    :raises StoreError: what is kept cannot be opened.
    """

    def __init__(self, door: Engine, *, refresh: bool = False) -> None:
        self._door = door
        self._catalog = door.catalog
        self._environment = door.environment
        self._refresh = refresh
        self._store = CostStore(door.state_folder / "costs.sqlite3")
        self._sessions: dict[str, Aws] = {}
        self._before = self.spent()

    @cached_property
    def books(self) -> Books:
        """What was charged; see :class:`Books`."""
        cost = self._catalog.cost
        aws = self._aws(self._catalog.region(self._environment))
        return Books(
            CostExplorerClient(aws, self._sent),
            BudgetsClient(aws),
            self._store,
            self._door.clock,
            scope=self._scope,
            tags=(cost.environment_tag, cost.service_tag),
            refresh=self._refresh,
        )

    async def days(self, count: int, environment: str = "") -> CostBook:
        """``count`` days that are over, and today, by environment and AWS service.

        :raises UsageError: nothing has the tag of ``environment``.
        :raises CloudError: there is nothing kept, and Cost Explorer cannot be asked.
        """
        with helped():
            whole = await self.books.days(max(count, COMPARED_DAYS))
        return last(self._tagged(whole, environment), count)

    async def components(self, count: int, environment: str = "") -> CostBook:
        """As :meth:`days`, by our own services, as their tag says."""
        with helped():
            whole = await self.books.components(max(count, MONTH))
        return last(self._tagged(whole, environment), count)

    async def months(self, count: int, environment: str = "") -> CostBook:
        """``count`` months, this one included, by environment."""
        with helped():
            whole = await self.books.months(count)
        return self._tagged(whole, environment)

    async def overview(self, count: int, environment: str = "") -> Overview:
        """The days, what follows from them, AWS's forecast, and the budgets.

        :raises CloudError: there is nothing kept, and Cost Explorer cannot be asked.
        """
        with helped():
            account = await self.books.days(max(count, COMPARED_DAYS))
        whole, remarks = self._tagged(account, environment), []
        try:
            told = await self.books.forecast(environment)
            forecast = told.value
            if told.trouble:
                remarks.append(f"the forecast is old: {told.trouble}")
        except CloudError as error:
            forecast = None
            remarks.append(f"no forecast: {error.what}")
        budgets: Dated[tuple[Budget, ...]] | None = None
        try:
            budgets = await self.books.budgets(self._account)
            if budgets.trouble:
                remarks.append(f"the budgets are old: {budgets.trouble}")
        except CloudError as error:
            remarks.append(f"no budgets: {error.what}")
        asked = self._store.kept(self._scope, "account")
        ours = self._catalog.account(self._environment)
        if asked is not None and asked.document != ours:
            remarks.append(f"these are the costs of account {asked.document}; the catalog's is {ours}")
        if account.trouble:
            remarks.append(f"these figures are old: {account.trouble}")
        if abs(account.gap) >= CENT / 2:
            remarks.append(
                f"AWS's answers differ by {account.gap:.2f} {account.currency}, as it was still booking"
            )
        return Overview(
            environment,
            last(whole, count),
            whole,
            outlook(whole, forecast),
            tuple(movers(whole, WEEK)),
            tuple(movers(whole, MONTH)),
            self._estimates(account, environment),
            budgets,
            tuple(remarks),
        )

    async def live(self, changes: Sequence[str] = ()) -> tuple[LiveCost, tuple[Effect, ...]]:
        """What the environment costs as it runs now, and what each of ``changes`` would do to that.

        :param changes: as in ``user-service=cpu:1024,memory:2048,count:3``.
        :raises UsageError: a change cannot be read, or Fargate has no such size.
        :raises CloudError: the tasks cannot be looked at.
        """
        asked = [what_if.parse(text, self._catalog.all_names) for text in changes]
        region = self._catalog.region(self._environment)
        tasks = RunningTasks(self._aws(region))
        names = {self._catalog.ecs_service(self._environment, name): name for name in self._catalog.all_names}
        cluster = self._catalog.cluster(self._environment)
        running, ended, prices = await asyncio.gather(
            tasks.of_cluster(cluster), tasks.ended(cluster), self._prices(region).of(region)
        )
        live = live_cost(
            self._environment, running, names, self._standing(), prices, self._door.clock.now(), ended
        )
        by_name = {service.name: service for service in live.services}
        effects = []
        for change in asked:
            now = by_name[change.service]
            size = now.sizes[0][0] if now.sizes else await self._size(tasks, change.service)
            effects.append(what_if.effect(change, now, size, prices.prices))
        return live, tuple(effects)

    async def publish(self, environment: str = "") -> Published:
        """Put what was charged and what runs to CloudWatch.

        :param environment: only this one; else all environments of the account. Live figures are of the
            engine's own environment.
        :raises ReadOnlyError: this session may not change anything; nothing was asked for either.
        :raises CloudError: the figures cannot be had, or not be put.
        """
        metrics = CostMetricsClient(self._aws(self._catalog.region(self._environment)))
        metrics.refuse_if_read_only()
        book = await self.days(COMPARED_DAYS, environment)
        live, _ = await self.live()
        points = (*publish.charged(book), *publish.running(live))
        if environment:  # the sums without a dimension are the whole account's
            points = tuple(point for point in points if point.dimensions)
        await metrics.put(self._catalog.cost.namespace, points)
        return Published(self._catalog.cost.namespace, points)

    def spent(self) -> Spent:
        """Requests to Cost Explorer that were made on this machine this month (UTC)."""
        now = datetime.fromtimestamp(self._door.clock.now(), UTC)
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return self._store.spent(self._scope, month.timestamp())

    @property
    def asked(self) -> Spent:
        """Requests that this desk has made."""
        return Spent(self.spent().requests - self._before.requests)

    def close(self) -> None:
        self._store.close()

    def _estimates(self, whole: CostBook, environment: str) -> dict[str, tuple[EstimateLine, ...]]:
        cost = self._catalog.cost
        return {
            name: tuple(against_estimates(narrowed(whole, name), estimates, cost.parts, MONTH))
            for name, estimates in cost.estimates.items()
            if environment in ("", name)
        }

    def _standing(self) -> list[Standing]:
        cost = self._catalog.cost
        estimates = cost.estimates.get(self._environment, {})
        return [
            Standing(part, Span(Decimal(estimates[part][0]), Decimal(estimates[part][1])))
            for part in cost.standing
            if part in estimates
        ]

    async def _size(self, tasks: RunningTasks, service: str) -> TaskSize:
        """Of a service none of whose tasks run: what its task definition says."""
        name = self._catalog.ecs_service(self._environment, service)
        cluster = self._catalog.cluster(self._environment)
        found = (await self._door.outside.ecs.services(cluster, [name])).get(name)
        if found is None:
            raise CloudError(f"no service {name} in {cluster}", next="see `sdt status`")
        return await tasks.size(found.task_definition)

    async def _account(self) -> str:
        found = (await self._door.outside.identity.caller()).account
        self._store.keep(self._scope, "account", self._door.clock.now(), found)
        return found

    def _tagged(self, book: CostBook, environment: str) -> CostBook:
        return tagged(book, environment, self._catalog.cost.environment_tag)

    def _prices(self, region: str) -> Prices:
        client = PricingClient(self._aws(endpoint(region)))
        scope = f"prices|{self._endpoint}"
        return Prices(client, self._store, self._door.clock, scope=scope, refresh=self._refresh)

    def _aws(self, region: str) -> Aws:
        if region not in self._sessions:
            role = self._catalog.environments[self._environment].role
            settings, calls = self._door.settings, self._door.outside.calls
            self._sessions[region] = Aws(calls, region=region, profile=settings.profile, role=role).watching
        return self._sessions[region]

    def _sent(self, operation: str, count: int) -> None:
        self._store.record(self._scope, operation, count, self._door.clock.now())

    @property
    def _scope(self) -> str:
        """Whose costs these are: no account's answer, nor a sandbox's, is ever taken for another's."""
        environ, settings = self._door.settings.environ, self._door.settings
        profile = settings.profile or environ.get("AWS_PROFILE", "")
        role = self._catalog.environments[self._environment].role
        account = self._catalog.account(self._environment)
        cost = self._catalog.cost
        return "|".join((account, profile, role, self._endpoint, cost.environment_tag, cost.service_tag))

    @property
    def _endpoint(self) -> str:
        environ = self._door.settings.environ
        return environ.get("AWS_ENDPOINT_URL_COST_EXPLORER") or environ.get("AWS_ENDPOINT_URL", "")
