"""Costs as they are shown and written: whatever a tag or a budget is called."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sdt_console.cli import cost_documents, cost_live, cost_pictures
from sdt_console.cli.cost_words import ago, bar, money, named, span
from sdt_console.model.cost import Budget, BudgetAlert, RunningTask, TaskSize
from sdt_console.model.cost_book import CostBook, CostEntry, Outlook
from sdt_console.model.cost_live import Span
from sdt_console.watch.cost.live import live_cost
from sdt_console.watch.cost.prices import chosen
from sdt_console.watching.cost_view import Dated, Overview, by_service

EVIL = "\x1b[31m[bold]evil[/]\n\u202egnp"
TODAY = date(2025, 6, 15)


def shown(picture: Any, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, markup=False, highlight=False, emoji=False).print(picture)
    return out.getvalue()


def book(*names: str, amount: str = "10.005") -> CostBook:
    day = TODAY - timedelta(days=1)
    entries = tuple(CostEntry(day, name, name, "charge", Decimal(amount)) for name in names)
    return CostBook("DAILY", day, TODAY + timedelta(days=1), TODAY, 0.0, "USD", entries)


def view(found: CostBook, budgets: tuple[Budget, ...] = (), remarks: tuple[str, ...] = ()) -> Overview:
    outlook = Outlook(TODAY.replace(day=1), Decimal(10), Decimal(20), "projection", 14, 30)
    return Overview("", found, found, outlook, (), (), {}, Dated(budgets, 0.0), remarks)


def test_hostile_names_are_text() -> None:
    alert = BudgetAlert("actual", "GREATER_THAN", Decimal(80), absolute=False)
    budget = Budget(EVIL, "USD", "monthly", Decimal(100), Decimal(90), None, alerts=(alert,))
    text = shown(cost_pictures.overview(view(book(EVIL), (budget,), (EVIL,)), 0.0))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m[bold]evil[/]\\n" in text
    assert "alert at 80 % of what is spent: reached" in " ".join(text.split())


def test_hostile_services_that_run_are_text() -> None:
    tasks = [RunningTask(f"service:{EVIL}", TaskSize(256, 1024, spot=True))]
    live = live_cost("dev", tasks, {}, (), chosen("sa-east-1", (), trouble=EVIL), 0.0)
    text = shown(cost_live.picture(live, (), 0.0))
    assert "\x1b" not in text
    assert "! these are us-east-1's prices: none is known for sa-east-1" in " ".join(text.split())
    assert "Spot is up to 70 % less" in text
    assert "$0.0044–$0.0146" in text


def test_rows_add_up_to_the_total_that_is_shown() -> None:
    text = shown(
        cost_pictures.page("AWS SERVICE", "", book("a", "b", "c"), by_service(book("a", "b", "c")), 0.0)
    )
    cents = [line.split()[-3] for line in text.splitlines() if line[:2] in ("a ", "b ", "c ")]
    assert sorted(cents) == ["$10.00", "$10.01", "$10.01"]
    assert "$30.02" in text, "of 30.015, half to even"


def test_nothing_charged_is_said() -> None:
    assert "Nothing was charged." in shown(cost_pictures.page("DAY", "dev", book(), [], 0.0))


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2+3", "@sum", "\tx"])
def test_no_spreadsheet_takes_a_tag_for_a_formula(name: str, tmp_path: Path) -> None:
    columns, rows = cost_documents.entry_rows(book(name, amount="-1.50"))
    path = tmp_path / "costs.csv"
    cost_documents.export(path, columns, rows, {})
    with path.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["part"], row["amount"]) == (f"'{name}", "-1.50")
    cost_documents.export(tmp_path / "costs.json", columns, rows, {"version": 1})
    assert json.loads((tmp_path / "costs.json").read_text())["entries"][0]["part"] == name


def test_words() -> None:
    assert money(Decimal("1234.565"), "USD") == "$1,234.56"
    assert money(Decimal("-5"), "USD") == "-$5.00"
    assert money(Decimal("-0.001"), "USD") == "$0.00"
    assert money(Decimal("0.4"), "EUR", 1, signed=True) == "+€0.4"
    assert money(Decimal(7), "CNY\x1b") == "7.00 CNY\\x1b"
    assert span(Span(Decimal(1), Decimal(2)), "USD", 0) == "$1–$2"
    assert [ago(s) for s in (5, 700, 7200, 200_000)] == ["just now", "12 min ago", "2 h ago", "2 days ago"]
    assert named("") == "(untagged)"
    assert bar(Decimal(5), Decimal(10), 4).plain == "██"
    assert bar(Decimal(-5), Decimal(10), 4).plain == bar(Decimal(5), Decimal(0), 4).plain == ""
