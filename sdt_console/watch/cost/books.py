"""Books of what was charged: kept for hours, since every question costs money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from sdt_console.errors import CloudError, SdtError
from sdt_console.model.cost import Budget, CostAnswer, CostQuery, ForecastAnswer, Kind
from sdt_console.model.cost_book import CostBook, CostEntry
from sdt_console.watch.cost import documents
from sdt_console.watch.cost.ports import Budgets, Clock, Explorer
from sdt_console.watch.cost.store import CostStore

T = TypeVar("T")

MAX_AGE_S = 6 * 3600.0
"""An answer is good for so long."""
COMPARED_DAYS = 60
"""Two times thirty days, for comparison."""
APART: dict[str, Kind] = {"Credit": "credit", "Refund": "refund", "Tax": "tax"}
"""Record types that are told apart from what was used."""


@dataclass(frozen=True)
class Dated(Generic[T]):
    """What AWS told, and when.

    :param trouble: why it could not be asked anew, although this is old; else empty.
    """

    value: T
    at: float
    trouble: str = ""


class Books:
    """The costs of one account as one session sees it.

    :param scope: what tells this account and session from others in the store.
    :param tags: keys of the environment's and the service's tag.
    :param refresh: ask anew, whatever is kept.
    """

    def __init__(
        self,
        explorer: Explorer,
        budgets: Budgets,
        store: CostStore,
        clock: Clock,
        *,
        scope: str,
        tags: tuple[str, str],
        max_age: float = MAX_AGE_S,
        refresh: bool = False,
    ) -> None:
        self._explorer = explorer
        self._budgets = budgets
        self._store = store
        self._clock = clock
        self._scope = scope
        self._environment_tag, self._service_tag = tags
        self._max_age = max_age
        self._refresh = refresh

    @property
    def today(self) -> date:
        """The day that is not over (UTC, as AWS books)."""
        return datetime.fromtimestamp(self._clock.now(), UTC).date()

    async def days(self, count: int) -> CostBook:
        """Every AWS service by environment, day by day: ``count`` days that are over, and today.

        Credits, refunds and tax have entries of their own. Two requests and their pages.
        """
        return await self._book("days", "DAILY", count, self._charges_and_the_rest)

    async def components(self, count: int) -> CostBook:
        """Charges by our own services, as their tag says, day by day. One request and its pages."""
        return await self._book("components", "DAILY", count, self._by_component)

    async def months(self, count: int) -> CostBook:
        """Charges, credits, refunds and tax by environment, for ``count`` months, this one included."""
        return await self._book("months", "MONTHLY", count, self._by_month)

    async def forecast(self, environment: str = "") -> Dated[ForecastAnswer | None]:
        """AWS's forecast of charges from today to the end of the month; ``None`` where it has none."""
        today = self.today
        tag = (self._environment_tag, environment) if environment else None

        async def ask() -> ForecastAnswer | None:
            end = next_month(today)
            return await self._explorer.forecast(today, end, without=tuple(APART), tag=tag)

        return await self._dated(
            f"forecast:{environment}", ask, documents.from_forecast, documents.to_forecast,
            lambda found: found is None or (bool(found.days) and found.days[0].start.month == today.month),
        )  # fmt: skip

    async def budgets(self, account: Callable[[], Awaitable[str]]) -> Dated[tuple[Budget, ...]]:
        """The account's budgets.

        :param account: asked for the 12-digit id if need be.
        """

        async def ask() -> tuple[Budget, ...]:
            return await self._budgets.budgets(await account(), self._environment_tag)

        return await self._dated("budgets", ask, documents.from_budgets, documents.to_budgets, lambda _: True)

    async def _book(
        self,
        key: str,
        granularity: Any,
        count: int,
        ask: Callable[[date, date], Awaitable[CostBook]],
    ) -> CostBook:
        today = self.today
        needed = _months_back(today, count - 1) if granularity == "MONTHLY" else today - timedelta(days=count)
        found = await self._dated(
            key,
            lambda: ask(needed, today + timedelta(days=1)),
            documents.from_book,
            documents.to_book,
            lambda book: book.start <= needed,
        )
        return replace(found.value, trouble=found.trouble)

    async def _dated(
        self,
        key: str,
        ask: Callable[[], Awaitable[T]],
        write: Callable[[T], Any],
        read: Callable[[Any], T],
        serves: Callable[[T], bool],
    ) -> Dated[T]:
        """What is kept if it is young enough and serves; else what AWS says; else what is kept, with why."""
        now = self._clock.now()
        kept = self._store.kept(self._scope, key)
        old: Dated[T] | None = None
        if kept is not None:
            try:
                value = read(kept.document)
            except (KeyError, TypeError, ValueError):  # another version's
                pass
            else:
                old = Dated(value, kept.at) if serves(value) else None
        if old is not None and not self._refresh and 0 <= now - old.at < self._max_age:
            return old
        try:
            asked = await ask()
        except CloudError as error:
            if old is None:
                raise
            return replace(old, trouble=_why(error))
        self._store.keep(self._scope, key, now, write(asked))
        return Dated(asked, now)

    async def _charges_and_the_rest(self, start: date, end: date) -> CostBook:
        environment = f"TAG:{self._environment_tag}"
        charges = await self._explorer.costs(
            CostQuery(start, end, "DAILY", (environment, "SERVICE"), without=tuple(APART))
        )
        kinds = await self._explorer.costs(CostQuery(start, end, "DAILY", (environment, "RECORD_TYPE")))
        entries = [
            CostEntry(row.start, row.keys[0], row.keys[1], "charge", row.amount) for row in charges.rows
        ]
        rest = list(_by_kind(kinds))
        used = sum((entry.amount for entry in rest if entry.kind == "charge"), Decimal(0))
        gap = used - sum((entry.amount for entry in entries), Decimal(0))
        entries += [entry for entry in rest if entry.kind != "charge"]
        return self._made("DAILY", start, end, entries, (charges, kinds), gap)

    async def _by_component(self, start: date, end: date) -> CostBook:
        groups = (f"TAG:{self._environment_tag}", f"TAG:{self._service_tag}")
        answer = await self._explorer.costs(CostQuery(start, end, "DAILY", groups, without=tuple(APART)))
        entries = [
            CostEntry(row.start, row.keys[0], row.keys[1], "charge", row.amount) for row in answer.rows
        ]
        return self._made("DAILY", start, end, entries, (answer,))

    async def _by_month(self, start: date, end: date) -> CostBook:
        groups = (f"TAG:{self._environment_tag}", "RECORD_TYPE")
        answer = await self._explorer.costs(CostQuery(start, end, "MONTHLY", groups))
        return self._made("MONTHLY", start, end, list(_by_kind(answer)), (answer,))

    def _made(
        self,
        granularity: Any,
        start: date,
        end: date,
        entries: list[CostEntry],
        answers: tuple[CostAnswer, ...],
        gap: Decimal = Decimal(0),
    ) -> CostBook:
        currencies = {answer.currency for answer in answers if answer.rows} or {"USD"}
        if len(currencies) > 1:
            raise CloudError("the costs are in several currencies", ", ".join(sorted(currencies)))
        return CostBook(
            granularity=granularity,
            start=start,
            end=end,
            today=self.today,
            at=self._clock.now(),
            currency=currencies.pop(),
            entries=tuple(sorted(entries, key=lambda e: (e.start, e.environment, e.kind, e.part))),
            estimated=frozenset(row.start for answer in answers for row in answer.rows if row.estimated),
            gap=gap,
        )


def _by_kind(answer: CostAnswer) -> Iterable[CostEntry]:
    """Entries by record type; what is none of those told apart is charged."""
    for row in answer.rows:
        environment, record_type = row.keys
        yield CostEntry(row.start, environment, record_type, APART.get(record_type, "charge"), row.amount)


def next_month(day: date) -> date:
    """The first day of the month after ``day``'s."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _months_back(day: date, count: int) -> date:
    """The first day of the month ``count`` before ``day``'s."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def _why(error: SdtError) -> str:
    return error.what if not error.cause else f"{error.what}: {error.cause}"
