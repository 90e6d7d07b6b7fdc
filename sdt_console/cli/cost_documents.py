"""What was charged as JSON and CSV: every amount as the text of its exact decimal."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sdt_console.errors import UsageError
from sdt_console.model.cost_book import CostBook, Mover
from sdt_console.watching.cost_view import Dated, Line, Overview

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def book_document(book: CostBook, environment: str, by: str, found: Sequence[Line]) -> dict[str, Any]:
    """The JSON document of ``sdt cost --by``; ``total`` is the sum of the lines' totals."""
    return {
        "version": 1,
        "environment": environment or None,
        "source": "AWS Cost Explorer, UnblendedCost",
        "at": book.at,
        "start": book.start.isoformat(),
        "end": book.end.isoformat(),
        "currency": book.currency,
        "total": str(book.total),
        "by": by,
        "lines": [
            {
                "name": line.name,
                "total": str(line.total),
                "charge": str(line.of("charge")),
                "credit": str(line.of("credit")),
                "refund": str(line.of("refund")),
                "tax": str(line.of("tax")),
                "estimated": line.estimated,
            }
            for line in found
        ],
        "trouble": book.trouble,
    }


def overview_document(view: Overview, found: Sequence[Line]) -> dict[str, Any]:
    """The JSON document of ``sdt cost``; ``end`` is the day after the last one."""
    budgets = view.budgets.value if view.budgets is not None else ()
    return book_document(view.book, view.environment, "service", found) | {
        "outlook": texts(asdict(view.outlook)),
        "movers": {
            "days_7": [_mover(mover) for mover in view.week],
            "days_30": [_mover(mover) for mover in view.month],
        },
        "estimates": {
            name: [texts(asdict(line)) | {"verdict": line.verdict} for line in lines]
            for name, lines in view.estimates.items()
        },
        "budgets": [
            texts(asdict(budget))
            | {
                "used": None if budget.used is None else str(budget.used),
                "alerts": [texts(asdict(a)) | {"reached": budget.reached(a)} for a in budget.alerts],
            }
            for budget in budgets
        ],
        "budgets_at": view.budgets.at if isinstance(view.budgets, Dated) else None,
        "remarks": list(view.remarks),
    }


def entry_rows(book: CostBook) -> tuple[list[str], list[list[str]]]:
    """Every entry of the book: names of columns, and rows; exact."""
    columns = ["start", "environment", "part", "kind", "amount", "currency", "estimated"]
    rows = [
        [
            entry.start.isoformat(), entry.environment, entry.part, entry.kind, str(entry.amount),
            book.currency, "yes" if entry.start in book.estimated else "no",
        ]
        for entry in book.entries
    ]  # fmt: skip
    return columns, rows


def export(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]], what: dict[str, Any]) -> None:
    """Write rows to ``path``: CSV, or JSON with ``what`` beside them; all of it or nothing.

    In CSV, text that a spreadsheet would take for a formula gets an apostrophe before it; amounts never do.

    :raises UsageError: the name ends otherwise, or the file cannot be written.
    """
    if path.suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(cell) for cell in row] for row in rows)
        body = text.getvalue()
    elif path.suffix == ".json":
        entries = [dict(zip(columns, row, strict=True)) for row in rows]
        body = json.dumps(what | {"entries": entries}, indent=2) + "\n"
    else:
        raise UsageError(
            f"cannot export to {path.name}", "its name says which format", "name it .csv or .json"
        )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(body, "utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}", error.strerror or str(error)) from error


def texts(value: Any) -> Any:
    """``value`` with decimals and dates as text."""
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [texts(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _mover(mover: Mover) -> dict[str, Any]:
    known: dict[str, Any] = texts(asdict(mover))
    return known | {"change": str(mover.change)}


def _cell(text: str) -> str:
    if not text.startswith(_FORMULA):
        return text
    try:
        Decimal(text)
    except ArithmeticError:
        return "'" + text
    return text
