"""Where runs and leases are kept: on this machine, or in the table that the catalog names, for everybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sdt_console.settings import Settings

if TYPE_CHECKING:
    from sdt_console.catalog.model import Catalog
    from sdt_console.clients.aws import Aws
    from sdt_console.runs.lease import Leases
    from sdt_console.runs.mirror import AnyJournal

__all__ = ["AnyJournal", "Leases", "aws", "create_table", "journal", "leases", "table_problem"]


def leases(settings: Settings, catalog: Catalog, state_folder: Path) -> Leases:
    """Who may change which service.

    :raises StoreError: the file in ``state_folder`` cannot be opened. A table is first asked when it is used.
    """
    if catalog.store.table:
        from sdt_console.clients.dynamodb_leases import DynamoLeases

        return DynamoLeases(aws(settings, catalog), catalog.store.table)
    from sdt_console.runs.lease import SqliteLeases

    return SqliteLeases(state_folder / "leases.sqlite3")


def journal(
    settings: Settings,
    catalog: Catalog | None,
    state_folder: Path,
    remark: Callable[[str], None] = lambda _: None,
) -> AnyJournal:
    """What runs are recorded in.

    :param catalog: ``None`` for what this machine knows.
    :param remark: told in one sentence when only what this machine knows can be read.
    :raises JournalError: the file in ``state_folder`` cannot be opened.
    """
    from sdt_console.runs.journal import Journal

    local = Journal(state_folder / "journal.sqlite3")
    if catalog is None or not catalog.store.table:
        return local
    from sdt_console.clients.dynamodb_journal import DynamoJournal
    from sdt_console.runs.mirror import MirroredJournal

    shared = DynamoJournal(aws(settings, catalog), catalog.store.table)
    return MirroredJournal(local, shared, remark=remark)


def table_problem(settings: Settings, catalog: Catalog) -> str | None:
    """Why the catalog's table cannot be used; ``None`` if it can, or if none is named.

    :raises CloudError: it cannot be looked at.
    """
    if not catalog.store.table:
        return None
    from sdt_console.clients import dynamodb

    return dynamodb.table_problem(aws(settings, catalog), catalog.store.table)


def create_table(settings: Settings, catalog: Catalog) -> str:
    """Make the catalog's table; what was done, in one sentence.

    :raises UsageError: the catalog names none.
    :raises CloudError: AWS refused, or a table of that name cannot serve.
    """
    from sdt_console.clients import dynamodb
    from sdt_console.errors import UsageError

    name = catalog.store.table
    if not name:
        raise UsageError(
            "no table to create", "the catalog has no [store] table", 'add [store] table = "NAME" to it'
        )
    made = dynamodb.create_table(aws(settings, catalog), name)
    return f"table {name} was made" if made else f"table {name} is there already"


def aws(settings: Settings, catalog: Catalog) -> Aws:
    """The session of the table: the person's own, without an environment's role, for all of them share it."""
    from sdt_console.clients.aws import Aws
    from sdt_console.clients.call import Caller

    caller = Caller(read_only=settings.read_only, threads=1)
    return Aws(caller, region=catalog.store.region or catalog.aws.region, profile=settings.profile)
