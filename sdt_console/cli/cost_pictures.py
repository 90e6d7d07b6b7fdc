"""What was charged, for the terminal: tables of eighty columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from sdt_console.cli.cost_words import ago, bar, moment, money, named, percent, row, sheet
from sdt_console.model.cost import Budget, BudgetAlert
from sdt_console.model.cost_book import CostBook, EstimateLine
from sdt_console.watching.cost_view import Line, Overview, by_environment, by_service, in_cents

_BAR = 16
_MOVERS = 6
_NAME = 35


def overview(view: Overview, now: float) -> RenderableType:
    """Everything on one page: by service, the month, what changed most, estimates and budgets."""
    book = view.book
    parts: list[RenderableType] = [
        _heading(view.environment, book),
        Text(),
        lines("AWS SERVICE", by_service(book), book.currency),
    ]
    if not view.environment:
        parts += [Text(), lines("ENVIRONMENT", by_environment(book), book.currency)]
    parts += [Text(), _month(view)]
    if view.week or view.month:
        parts += [Text(), _movers(view)]
    for environment, estimates in view.estimates.items():
        parts += [Text(), _estimates(environment, estimates, book.currency)]
    if view.budgets is not None:
        parts += [Text(), _budgets(view.budgets.value, view.environment)]
    parts += [Text(), source(view.whole, now)]
    parts += [Text(f"! {named(remark)}", style="yellow", overflow="fold") for remark in view.remarks]
    return Group(*parts)


def page(title: str, environment: str, book: CostBook, found: Sequence[Line], now: float) -> RenderableType:
    """One table, with credits, refunds and tax beside the charges where there are any."""
    parts = [
        _heading(environment, book),
        Text(),
        lines(title, found, book.currency),
        Text(),
        source(book, now),
    ]
    if book.trouble:
        parts.append(Text(f"! these figures are old: {named(book.trouble)}", style="yellow", overflow="fold"))
    return Group(*parts)


def lines(title: str, found: Sequence[Line], currency: str) -> RenderableType:
    """Name, bar, cost and share; the cents of the rows add up to those of the total."""
    if not found:
        return Text("Nothing was charged.", style="bold")
    table = sheet(title, "", ">COST", ">SHARE")
    amounts = [line.total for line in found]
    total, most = sum(amounts, Decimal(0)), max(amounts)
    for line, cents in zip(found, in_cents(amounts), strict=True):
        share = line.total / total if total > 0 and line.total >= 0 else None
        mark = " *" if line.estimated else ""
        name = Text(named(line.name, _NAME) + mark)
        row(table, name, bar(line.total, most, _BAR), money(cents, currency), percent(share))
    row(table, "Total", "", money(total, currency), "", style="bold")
    if any(line.estimated for line in found):
        return Group(table, Text("* AWS may still change it", style="dim"))
    return table


def source(book: CostBook, now: float) -> Text:
    """Where the figures are from, and how old they are."""
    return Text(
        f"Cost Explorer, unblended, days of UTC, asked {ago(now - book.at)} ({moment(book.at)}). "
        "Cents are rounded so that they add up.",
        style="dim",
        overflow="fold",
    )


def _heading(environment: str, book: CostBook) -> Text:
    last = book.end - timedelta(days=1)
    text = Text(f"Costs of {environment or 'the account'}", style="bold")
    text.append(f"  {book.start} to {last}", style="not bold dim")
    text.append(f"  {money(book.total, book.currency)}", style="bold")
    kinds = {kind: sum((e.amount for e in book.entries if e.kind == kind), Decimal(0)) for kind in _KINDS}
    if any(amount for kind, amount in kinds.items() if kind != "charge"):
        cents = in_cents(list(kinds.values()))
        told = ", ".join(
            f"{money(amount, book.currency)} {word}"
            for amount, word in zip(cents, _KINDS.values(), strict=True)
            if amount
        )
        text.append(f"\n{told}", style="not bold dim")
    return text


_KINDS = {"charge": "charged", "credit": "credit", "refund": "refunded", "tax": "tax"}


def _month(view: Overview) -> Text:
    month, currency = view.outlook, view.book.currency
    text = Text(f"{month.month:%B %Y}", style="bold")
    text.append(f"  {money(month.spent, currency)} so far", style="not bold")
    if month.expected is None:
        text.append("; no projection on its first day", style="not bold dim")
    elif month.method == "forecast" and month.low is not None and month.high is not None:
        text.append(f"; {money(month.expected, currency)} by AWS's forecast", style="not bold")
        text.append(
            f" ({money(month.low, currency)}–{money(month.high, currency)}, the days' 80 % bounds)",
            style="not bold dim",
        )
    else:
        text.append(f"; {money(month.expected, currency)} as a plain projection", style="not bold")
        text.append(f" ({month.days} days ÷ {month.days} × {month.days_of_month})", style="not bold dim")
    text.append("\nBefore credits, refunds and tax.", style="not bold dim")
    return text


def _movers(view: Overview) -> RenderableType:
    currency = view.book.currency
    table = sheet("CHANGED MOST", ">7 DAYS", ">CHANGE", ">30 DAYS", ">CHANGE")
    weeks, months = {m.part: m for m in view.week}, {m.part: m for m in view.month}
    for part in list(dict.fromkeys([*weeks, *months]))[:_MOVERS]:
        cells = [named(part, _NAME)]
        for mover in (weeks.get(part), months.get(part)):
            changed = money(mover.change, currency, signed=True) if mover else "="
            cells += [money(mover.after, currency) if mover else "", changed]
        row(table, *cells)
    return Group(table, Text("against the 7 and the 30 days before those", style="dim"))


def _estimates(environment: str, found: Sequence[EstimateLine], currency: str) -> RenderableType:
    table = sheet(f"ESTIMATE OF {environment.upper()}", ">A MONTH", ">LAST 30 DAYS", "")
    known = [line for line in found if line.low is not None and line.high is not None]
    low = sum((line.low or Decimal(0) for line in known), Decimal(0))
    high = sum((line.high or Decimal(0) for line in known), Decimal(0))
    actual = sum((line.actual for line in found), Decimal(0))
    for line, cents in zip(found, in_cents([line.actual for line in found]), strict=True):
        row(table, line.part, _range(line.low, line.high, currency), money(cents, currency), _verdict(line))
    whole = EstimateLine("total", low, high, actual)
    row(table, "Total", _range(low, high, currency), money(actual, currency), _verdict(whole), style="bold")
    return table


def _range(low: Decimal | None, high: Decimal | None, currency: str) -> str:
    if low is None or high is None:
        return ""
    return f"{money(low, currency, 0)}–{money(high, currency, 0)}"


def _verdict(line: EstimateLine) -> Text:
    styles = {"below": "green", "within": "green", "above": "red", "not estimated": "dim"}
    return Text(line.verdict, style=styles[line.verdict])


def _budgets(budgets: Sequence[Budget], environment: str) -> RenderableType:
    shown = [b for b in budgets if not environment or not b.environments or environment in b.environments]
    if not shown:
        return Text("No budget of costs.", style="dim")
    table = sheet("BUDGET", "", ">USED", ">SPENT", ">LIMIT", ">FORECAST")
    alerts = []
    for budget in shown:
        limit = budget.limit or Decimal(0)
        name = f"{named(budget.name, _NAME - 10)} ({budget.period})"
        row(
            table, name, bar(budget.spent, limit, _BAR), percent(budget.used),
            money(budget.spent, budget.unit), money(limit, budget.unit) if budget.limit else "",
            money(budget.forecast, budget.unit) if budget.forecast is not None else "",
        )  # fmt: skip
        alerts += [_alert(budget, alert) for alert in budget.alerts]
    return Group(table, *alerts)


def _alert(budget: Budget, alert: BudgetAlert) -> Text:
    at = money(alert.threshold, budget.unit) if alert.absolute else f"{alert.threshold.normalize():f} %"
    reached = budget.reached(alert)
    state = {True: "reached", False: "not reached", None: "not known"}[reached]
    text = Text(f"  {named(budget.name)}: alert at {at} of what is ", style="dim")
    text.append("spent" if alert.on == "actual" else "forecast")
    return text.append(f": {state}", style="red" if reached else "dim")
