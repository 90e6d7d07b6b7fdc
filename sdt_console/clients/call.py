"""The one function through which blocking SDK calls run.

It alone refuses changes when read-only, counts calls, and maps the SDK's errors to ours.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from sdt_console.errors import ReadOnlyError, SdtError

P = ParamSpec("P")
T = TypeVar("T")


class Caller:
    """Runs blocking calls on a pool of its own.

    :param read_only: refuse every call that changes something.
    :param threads: how many calls may be under way at once.
    """

    def __init__(self, *, read_only: bool = False, threads: int = 16) -> None:
        self.read_only = read_only
        self.counts: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sdt-call")

    async def __call__(
        self, operation: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a call that only reads.

        :param operation: its name for counts and errors, such as ``ecs:DescribeServices``.
        :raises SdtError: the call failed; never an SDK's own exception.
        """
        return await self._run(operation, function, *args, **kwargs)

    async def change(
        self, operation: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a call that changes something.

        :raises ReadOnlyError: this session may not change anything.
        :raises SdtError: the call failed.
        """
        self.refuse_if_read_only(operation)
        return await self._run(operation, function, *args, **kwargs)

    def blocking(self, operation: str, function: Callable[[], T], *, changes: bool) -> T:
        """Run a call on the thread that asks for it, for stores that are used from threads of their own.

        :raises ReadOnlyError: it changes something, and this session may not.
        :raises SdtError: the call failed.
        """
        if changes:
            self.refuse_if_read_only(operation)
        self.counts[operation] += 1
        with _in_our_words(operation):
            return function()

    def refuse_if_read_only(self, operation: str) -> None:
        """:raises ReadOnlyError: this session may not change anything."""
        if self.read_only:
            raise ReadOnlyError(
                f"{operation} refused", "this session is read-only", "run again without --read-only"
            )

    async def _run(self, operation: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.counts[operation] += 1
        loop = asyncio.get_running_loop()
        with _in_our_words(operation):
            return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Stop taking calls; those not yet started never start."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _in_our_words(operation: str) -> Iterator[None]:
    """Raise our error for an SDK's; a defect of ours stays what it is."""
    try:
        yield
    except SdtError:
        raise
    except Exception as error:
        from sdt_console.clients.aws_errors import translate

        translated = translate(operation, error)
        if translated is None:
            raise
        raise translated from error
