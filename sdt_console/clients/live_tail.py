"""One StartLiveTail session: a stream that blocks, read on a thread of its own, closed from any."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdt_console.clients.aws_errors import translate
from sdt_console.errors import SdtError, UnreachableError
from sdt_console.model import LiveUpdate, LogEvent

_WAITING = 600
"""Updates that may wait; one comes a second."""

_TIMEOUT = "SessionTimeoutException"


class LiveTail:
    """:param stream: botocore's event stream.
    :param arns: as they were asked for; an update names its groups by ARN or by ``account:name``.
    """

    def __init__(self, stream: Any, arns: Sequence[str]) -> None:
        self._stream = stream
        self._arns = {_name(arn): arn for arn in arns}
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[LiveUpdate | SdtError | None] = asyncio.Queue()
        self._closed = threading.Event()
        # A daemon: it may be waiting for the network when nobody wants its answer any more.
        threading.Thread(target=self._read, name="sdt-live-tail", daemon=True).start()

    async def update(self) -> LiveUpdate | None:
        """The next update, about one a second; ``None`` when the session has ended.

        :raises SdtError: it broke, or nobody fetched its updates for too long.
        """
        found = await self._queue.get()
        if isinstance(found, SdtError):
            raise found
        return found

    def close(self) -> None:
        """End the session; whatever waits for an update gets ``None``."""
        if not self._closed.is_set():
            self._closed.set()
            self._queue.put_nowait(None)
            raw = getattr(self._stream, "_raw_stream", None)
            # Only a shutdown of the socket wakes the thread that reads it: close() would wait for it.
            with contextlib.suppress(Exception):
                raw.shutdown()  # type: ignore[union-attr]

    def _read(self) -> None:
        ended: SdtError | None = None
        try:
            for update in self._updates():
                if self._closed.is_set():
                    break
                if self._queue.qsize() > _WAITING:
                    ended = UnreachableError("Live Tail was ended", "its updates were not fetched")
                    break
                self._tell(update)
            else:
                ended = None
        except Exception as error:  # noqa: BLE001
            # Whatever breaks a stream, in the SDK or below it, is the end of this session and of no other.
            if _TIMEOUT not in str(error):
                ended = translate("logs:StartLiveTail", error) or UnreachableError(
                    "Live Tail broke off", f"{type(error).__name__}: {error}"
                )
        finally:
            with contextlib.suppress(Exception):
                self._stream.close()
        if not self._closed.is_set():
            self._tell(ended)

    def _tell(self, what: LiveUpdate | SdtError | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody listens
            self._loop.call_soon_threadsafe(self._queue.put_nowait, what)

    def _updates(self) -> Iterator[LiveUpdate]:
        for event in self._stream:
            if "sessionUpdate" in event:
                yield self._update(event["sessionUpdate"])

    def _update(self, raw: Mapping[str, Any]) -> LiveUpdate:
        events: dict[str, list[LogEvent]] = {}
        for result in raw.get("sessionResults", ()):
            arn = self._arns.get(_name(str(result.get("logGroupIdentifier", ""))))
            if arn is None:
                continue
            at = int(result["timestamp"])
            events.setdefault(arn, []).append(
                LogEvent(
                    at, int(result.get("ingestionTime", at)), result["logStreamName"], result["message"], ""
                )
            )
        return LiveUpdate(
            {arn: tuple(found) for arn, found in events.items()},
            bool(raw.get("sessionMetadata", {}).get("sampled")),
        )


def _name(identifier: str) -> str:
    """The group's name in ``arn:aws:logs:REGION:ACCOUNT:log-group:NAME`` or ``ACCOUNT:NAME``."""
    if identifier.startswith("arn:"):
        return identifier.split(":", 6)[6].removesuffix(":*")
    return identifier.rpartition(":")[2]
