"""A run of this console: its work backstage, its story so far, and how it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sdt_console.errors import SdtError
from sdt_console.events import Event
from sdt_console.reports.view import View, seen

if TYPE_CHECKING:
    from sdt_console.model import RunState


class Task:
    """One run.

    :param title: what it is about, for people.
    :param run: takes ``subscribers``.
    :param ended: called backstage when it has ended, in whichever way.
    """

    def __init__(
        self, title: str, run: Callable[..., Awaitable[RunState]], ended: Callable[[Task], None]
    ) -> None:
        self.title = title
        self.view = View()
        self.state: RunState | None = None
        self.error: SdtError | None = None
        """Why nothing was recorded: it was refused before it began."""
        self.active = True
        self._run = run
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[RunState] | None = None

    async def work(self) -> None:
        """Do it, to its end."""
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.ensure_future(self._run(subscribers=[self._take]))
        try:
            self.state = await self._work
        except SdtError as error:
            self.error = error
        except asyncio.CancelledError:
            pass
        finally:
            self.active = False
            self._ended(self)

    def stop(self) -> None:
        """Stop at the next safe point; from any thread."""
        if self._loop is not None and self._work is not None:
            self._loop.call_soon_threadsafe(self._work.cancel)

    def _take(self, event: Event) -> None:
        self.view = seen(self.view, event)
