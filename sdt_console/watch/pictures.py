"""Which image each service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sdt_console.errors import CloudError, UnreachableError
from sdt_console.watch.reader import NEVER, Reader
from sdt_console.watch.row import Picture, Row, picture_of_definition, picture_of_revision
from sdt_console.watch.state import image_parts
from sdt_console.watch.status_ports import Services, Subject


class Images(Reader):
    """What runs there: asked once for each service revision or task definition, for neither ever changes.

    :param subject: what a commit is about.
    """

    name = "images"

    def __init__(self, services: Services, subject: Subject | None, *common: Any) -> None:
        super().__init__(*common)
        self._services = services
        self._subject = subject
        self._told: dict[str, Mapping[str, Any]] = {}
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self._revisions_told = True

    def wanted(self) -> float:
        return 0.0 if self._unknown() else NEVER

    async def look(self) -> None:
        rows = self._unknown()
        await self._ask_revisions({arn for row in rows for arn in row.revisions} - self._told.keys())
        left = []
        for row in rows:
            picture = picture_of_revision(row, [self._told[a] for a in row.revisions if a in self._told])
            if picture is None:
                left.append(row)
            else:
                await self._put(row, picture)
        await self.each(self._by_definition(row) for row in left)

    def _unknown(self) -> list[Row]:
        return [row for row in self.rows.values() if row.running and row.running != row.pictured]

    async def _ask_revisions(self, arns: set[str]) -> None:
        if not arns or not self._revisions_told:
            return
        try:
            self._told |= await self._services.revisions(sorted(arns))
        except UnreachableError:
            raise
        except CloudError:  # no such call, or no right to it: the task definitions tell nearly as much
            self._revisions_told = False

    async def _by_definition(self, row: Row) -> None:
        arn = row.task_definition
        if arn not in self._definitions:
            self._definitions[arn] = await self._services.task_definition(arn)
        await self._put(row, picture_of_definition(row, self._definitions[arn]))

    async def _put(self, row: Row, picture: Picture) -> None:
        row.picture, row.pictured = picture, row.running
        commit = image_parts(picture.reference)[1]
        if commit and self._subject is not None:
            row.subject = await asyncio.to_thread(self._subject, commit)
