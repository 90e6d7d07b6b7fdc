"""Answers that cost money are asked for once, kept with their age, and survive what comes later."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from sdt_console.clients.budgets import BudgetsClient
from sdt_console.clients.cost import CostExplorerClient
from sdt_console.clients.pricing import PricingClient
from sdt_console.errors import NotAllowedError, StoreError
from sdt_console.watch.cost.books import MAX_AGE_S, Books
from sdt_console.watch.cost.figures import outlook
from sdt_console.watch.cost.prices import MAX_AGE_S as PRICES_AGE_S
from sdt_console.watch.cost.prices import Prices
from sdt_console.watch.cost.store import CostStore
from tests.clients.api_server import Answer, Api, error, ok, page, serve
from tests.clients.calling import Session, StillClock, point_at

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC).timestamp()


@dataclass
class Desk:
    """Books over a real client and a real file, on a clock of the test's."""

    path: Path
    clock: StillClock = field(default_factory=lambda: StillClock(NOON))
    scope: str = "962496666337"
    refresh: bool = False

    def ask(self, work: Callable[[Books], Awaitable[Any]]) -> Any:
        store = CostStore(self.path)

        async def go(aws: Any) -> Any:
            def sent(operation: str, count: int) -> None:
                store.record(self.scope, operation, count, self.clock.now())

            explorer, budgets = CostExplorerClient(aws, sent), BudgetsClient(aws)
            tags = ("Environment", "Service")
            books = Books(
                explorer, budgets, store, self.clock, scope=self.scope, tags=tags, refresh=self.refresh
            )
            return await work(books)

        try:
            return Session(self.clock).run(go)
        finally:
            store.close()

    def prices(self, region: str) -> Any:
        store = CostStore(self.path)
        try:
            return Session(self.clock).run(
                lambda aws: Prices(PricingClient(aws), store, self.clock, refresh=self.refresh).of(region)
            )
        finally:
            store.close()

    @property
    def spent(self) -> Decimal:
        store = CostStore(self.path)
        try:
            return store.spent(self.scope).price
        finally:
            store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state" / "costs.sqlite3")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with serve() as served:
        point_at(served.url, monkeypatch.setenv)
        yield served


def result(day: str, *groups: tuple[str, str, str], length: int = 1) -> dict[str, Any]:
    end = (datetime.fromisoformat(day) + timedelta(days=length)).date().isoformat()
    return {
        "TimePeriod": {"Start": day, "End": end},
        "Groups": [
            {
                "Keys": [f"Environment${environment}", key],
                "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
            }
            for environment, key, amount in groups
        ],
        "Estimated": day >= "2025-06-14",
    }


def days(*, ecs: str = "10.10", used: str = "12.13") -> list[dict[str, Any]]:
    """The two answers that a book of days is made of."""
    charges = result("2025-06-14", ("dev", "ECS", ecs), ("", "S3", "2.03"))
    kinds = result(
        "2025-06-14", ("dev", "Usage", used), ("", "Tax", "2.5"), ("", "Credit", "-1"), ("", "Refund", "-0.5")
    )
    return [{"ResultsByTime": [charges]}, {"ResultsByTime": [kinds]}]


def answers(*bodies: dict[str, Any]) -> list[Answer]:
    return [ok(**body) for body in bodies]


def test_charges_and_what_is_apart_are_one_book(desk: Desk, api: Api) -> None:
    api.answers += answers(*days())
    book = desk.ask(lambda books: books.days(14))
    assert book.total == Decimal("13.13"), "12.13 used, 2.5 tax, 1.5 back"
    assert {(e.environment, e.part, e.kind, str(e.amount)) for e in book.entries} == {
        ("dev", "ECS", "charge", "10.10"),
        ("", "S3", "charge", "2.03"),
        ("", "Tax", "tax", "2.5"),
        ("", "Credit", "credit", "-1"),
        ("", "Refund", "refund", "-0.5"),
    }
    assert book.gap == 0
    assert [day.isoformat() for day in book.estimated] == ["2025-06-14"]


def test_answers_that_do_not_agree_are_said_to(desk: Desk, api: Api) -> None:
    api.answers += answers(*days(used="12.20"))
    assert desk.ask(lambda books: books.days(14)).gap == Decimal("0.07")


def test_what_is_young_enough_is_not_asked_again(desk: Desk, api: Api) -> None:
    api.answers += answers(*days())
    first = desk.ask(lambda books: books.days(14))
    desk.clock.at += MAX_AGE_S - 1
    assert desk.ask(lambda books: books.days(14)) == first
    assert desk.ask(lambda books: books.days(7)) == first, "fewer days are in it"
    assert (len(api.seen), desk.spent) == (2, Decimal("0.02"))
    api.answers += answers(*days(ecs="11.10"), *days())
    desk.clock.at += 1
    assert desk.ask(lambda books: books.days(14)).at == desk.clock.at
    desk.ask(lambda books: books.days(30))  # more than is kept
    assert (len(api.seen), desk.spent) == (6, Decimal("0.06"))


def test_midnight_alone_costs_nothing(desk: Desk, api: Api) -> None:
    desk.clock.at = NOON + 11.9 * 3600
    api.answers += answers(*days())
    before = desk.ask(lambda books: books.days(14))
    desk.clock.at += 3600
    assert desk.ask(lambda books: books.days(14)) == before
    assert before.today.isoformat() == "2025-06-15", "the day on which it was asked"


def test_asked_to_it_asks_anew(desk: Desk, api: Api) -> None:
    api.answers += answers(*days(), *days(ecs="99.99"))
    desk.ask(lambda books: books.days(14))
    desk.refresh = True
    assert desk.ask(lambda books: books.days(14)).total > 100
    assert desk.spent == Decimal("0.04")


def test_another_scopes_answers_are_not_ours(desk: Desk, api: Api) -> None:
    api.answers += answers(*days(), *days())
    desk.ask(lambda books: books.days(14))
    desk.scope = "111122223333"
    desk.ask(lambda books: books.days(14))
    assert len(api.seen) == 4


def test_a_failure_keeps_the_last_good_figures_with_the_reason(desk: Desk, api: Api) -> None:
    api.answers += answers(*days())
    good = desk.ask(lambda books: books.days(14))
    desk.clock.at += MAX_AGE_S
    api.answers.append(error("LimitExceededException", "Rate exceeded"))
    old = desk.ask(lambda books: books.days(14))
    assert (old.entries, old.at) == (good.entries, good.at)
    assert old.trouble == "ce:GetCostAndUsage is throttled: Rate exceeded"
    assert desk.spent == Decimal("0.03"), "the refused one may be paid for"


def test_half_an_answer_is_not_kept(desk: Desk, api: Api) -> None:
    api.answers += [answers(*days())[0], error("AccessDeniedException", "no")]
    with pytest.raises(NotAllowedError, match="ce:GetCostAndUsage"):
        desk.ask(lambda books: books.days(14))
    api.answers += answers(*days())
    assert desk.ask(lambda books: books.days(14)).total == Decimal("13.13")
    assert len(api.seen) == 4


def test_months_keep_what_is_apart(desk: Desk, api: Api) -> None:
    groups = (("dev", "Usage", "300"), ("dev", "SavingsPlanRecurringFee", "7"), ("", "Tax", "60"))
    api.answers += answers({"ResultsByTime": [result("2025-05-01", *groups, length=31)]})
    book = desk.ask(lambda books: books.months(2))
    assert (book.start.isoformat(), book.end.isoformat()) == ("2025-05-01", "2025-06-16")
    assert (book.charges.total, book.total) == (307, 367)


def test_that_there_is_no_forecast_is_kept_too(desk: Desk, api: Api) -> None:
    api.answers += [error("DataUnavailableException"), *answers(*days())]
    for _ in range(2):
        told = desk.ask(lambda books: books.forecast())
        assert told.value is None
    assert api.seen == ["GetCostForecast"]
    book = desk.ask(lambda books: books.days(14))
    assert outlook(book, None).expected == Decimal("12.13") * 30 / 14


def test_a_file_that_is_none(desk: Desk) -> None:
    desk.path.parent.mkdir()
    desk.path.write_text("this is no database, but it is long enough to look like a mistake")
    with pytest.raises(StoreError, match="cannot open"):
        CostStore(desk.path)


def test_a_file_of_a_newer_version(desk: Desk) -> None:
    CostStore(desk.path).close()
    with sqlite3.connect(desk.path) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="newer sdt"):
        CostStore(desk.path)


def test_an_entry_that_cannot_be_read_is_asked_for_anew(desk: Desk, api: Api) -> None:
    api.answers += answers(*days(), *days())
    desk.ask(lambda books: books.days(14))
    with sqlite3.connect(desk.path) as db:
        db.execute("UPDATE answers SET body = '{\"entries\": 1}'")
    assert desk.ask(lambda books: books.days(14)).total == Decimal("13.13")


def test_a_price_list_that_may_not_be_read_is_not_asked_for_at_every_look(desk: Desk, api: Api) -> None:
    api.answers.append(error("AccessDeniedException"))
    for _ in range(2):
        found = desk.prices("eu-west-1")
        assert found.trouble == "not allowed to call pricing:GetProducts"
        assert not found.borrowed
        assert {price.region for price in found.prices} == {"eu-west-1"}
    assert api.seen == ["GetProducts"]
    desk.clock.at += PRICES_AGE_S
    product = {
        "product": {"attributes": {"regionCode": "eu-west-1", "usagetype": "EU-Fargate-GB-Hours"}},
        "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": "0.005"}}}}}},
        "publicationDate": "2026-06-01T00:00:00Z",
    }
    cpu = json.loads(json.dumps(product).replace("GB-Hours", "vCPU-Hours:perCPU").replace("0.005", "0.05"))
    api.answers.append(ok(PriceList=[json.dumps(product), json.dumps(cpu)]))
    for _ in range(2):
        found = desk.prices("eu-west-1")
        assert [(p.vcpu, p.gb, p.dated) for p in found.prices] == [
            (Decimal("0.05"), Decimal("0.005"), "2026-06-01")
        ]
        assert (found.trouble, found.read_at) == ("", desk.clock.at)
    assert len(api.seen) == 2


def test_another_regions_price_is_said_to_be(desk: Desk, api: Api) -> None:
    api.answers.append(page(404))
    found = desk.prices("sa-east-1")
    assert found.borrowed
    assert {price.region for price in found.prices} == {"us-east-1"}


def test_plain_moto_serves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        point_at(url, monkeypatch.setenv)
        posted = [*days(), {"ResultsByTime": [result("2025-06-01", ("dev", "Usage", "3"))]}]
        posted[0]["NextPageToken"] = "two"
        posted.insert(1, {"ResultsByTime": [result("2025-06-13", ("dev", "ECS", "5"))]})
        request = urllib.request.Request(
            f"{url}/moto-api/static/ce/cost-and-usage-results",
            json.dumps({"results": posted}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201
        book = desk.ask(lambda books: books.days(14))
        assert sorted((e.start.day, str(e.amount)) for e in book.charges.entries) == [
            (13, "5"),
            (14, "10.10"),
            (14, "2.03"),
        ]
        assert desk.ask(lambda books: books.months(1)).total == 3
        assert desk.spent == Decimal("0.04")
        assert desk.ask(lambda books: books.forecast()).value is None, "moto has none"
        assert desk.ask(lambda books: books.budgets(_account)).value == ()
    finally:
        server.stop()


async def _account() -> str:
    return "962496666337"
