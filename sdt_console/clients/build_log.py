"""The output of a build: kept whole in a file as it comes, its last lines at hand."""

from __future__ import annotations

import contextlib
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Self

TAIL = 20
"""Lines of a failed build's output that are its cause."""


class BuildLog:
    """One build's output. A log that cannot be written never stops the build; ``evidence`` says so then.

    :param folder: where to keep it, as ``<service>.log``; ``None`` for nowhere.
    """

    def __init__(self, folder: Path | None, service: str) -> None:
        self.path = "" if folder is None else str(folder / f"{Path(service).name}.log")
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._trouble = ""
        self._file: IO[str] | None = None
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # By the line: a build that is killed has told all that it said until then.
            self._file = open(self.path, "w", buffering=1, encoding="utf-8", errors="replace")  # noqa: SIM115, PTH123
        except OSError as error:
            self._lost(error)

    def write(self, line: str, *, tail: bool = True) -> None:
        """One line of output, without its end.

        :param tail: it may be among the last lines that tell why the build failed.
        """
        if tail:
            self.tail.append(line)
        if self._file is not None:
            try:
                self._file.write(f"{line}\n")
            except OSError as error:
                self._lost(error)

    def _lost(self, error: OSError) -> None:
        self._trouble = error.strerror or str(error)
        self.close()

    def evidence(self) -> tuple[str, ...]:
        """Where the whole output is, for a failure; nothing if nobody wanted it."""
        if self._trouble:
            return (f"the output could not be kept in {self.path}: {self._trouble}",)
        return (f"whole output: {self.path}",) if self.path else ()

    def kept(self) -> str:
        """The file that holds the whole output; empty if there is none."""
        return "" if self._trouble else self.path

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # a full disk, told already or harmless
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
