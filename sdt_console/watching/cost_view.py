"""What a look at the costs gives, and how it is narrowed; with the sums that its tables show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sdt_console.errors import NotAllowedError, UsageError
from sdt_console.model.cost import Budget, CostPoint
from sdt_console.model.cost_book import CostBook, EstimateLine, Mover, Outlook
from sdt_console.watch.cost.books import Dated
from sdt_console.watch.cost.figures import Line, by_environment, by_period, by_service, in_cents

__all__ = [
    "Dated",
    "Line",
    "Overview",
    "Published",
    "by_environment",
    "by_period",
    "by_service",
    "helped",
    "in_cents",
    "last",
    "narrowed",
    "tagged",
]

_WORKS = "or see what runs now: `sdt cost --live` works without it"


@dataclass(frozen=True)
class Overview:
    """Everything about what was charged, of the account or of one environment.

    :param environment: empty for the whole account.
    :param book: the days that were asked for; ``whole`` has those before them, too.
    :param week: changes of the last 7 days against the 7 before; ``month``: likewise of 30.
    :param estimates: of each environment that has some.
    :param budgets: ``None`` if they could not be read.
    :param remarks: what could not be shown, and why.
    """

    environment: str
    book: CostBook
    whole: CostBook
    outlook: Outlook
    week: tuple[Mover, ...]
    month: tuple[Mover, ...]
    estimates: Mapping[str, tuple[EstimateLine, ...]]
    budgets: Dated[tuple[Budget, ...]] | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """What was put to CloudWatch."""

    namespace: str
    points: tuple[CostPoint, ...]


def last(book: CostBook, count: int) -> CostBook:
    return book.between(book.today - timedelta(days=count), book.end)


def narrowed(book: CostBook, environment: str) -> CostBook:
    """Only what has the tag of ``environment``; everything if that is empty."""
    return book.where(lambda entry: entry.environment == environment) if environment else book


def tagged(book: CostBook, environment: str, tag: str) -> CostBook:
    """As :func:`narrowed`, of an environment that is looked at alone.

    :raises UsageError: things were charged, but nothing with that tag.
    """
    found = narrowed(book, environment)
    if book.entries and not found.entries:
        seen = sorted({entry.environment for entry in book.entries} - {""})
        raise UsageError(
            f"nothing that was charged has the tag {tag}={environment}",
            f"its values are {', '.join(seen)}" if seen else "nothing has that tag at all",
            f"switch {tag} on as a cost allocation tag in the Billing console, or leave out --env",
        )
    return found


@contextmanager
def helped() -> Iterator[None]:
    """A refusal names the command that works without the right."""
    try:
        yield
    except NotAllowedError as error:
        error.next = f"{error.next}; {_WORKS}"
        raise
