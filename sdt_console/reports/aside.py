"""What others write to the terminal while a picture is shown there: lines above it, not through it."""

from __future__ import annotations

import io
from collections.abc import Callable


class Aside(io.TextIOBase):
    """A text stream that hands on whole lines; what is not ended by a newline waits for the rest.

    Only one thread may draw: whoever writes here does not.
    """

    def __init__(self, line: Callable[[str], None]) -> None:
        super().__init__()
        self._line = line
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there, which has no value
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)
        return len(text)

    def finish(self) -> None:
        """Hand on what has no newline yet."""
        if self._rest:
            self.write("\n")
