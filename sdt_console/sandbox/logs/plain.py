"""What services that are no Spring applications write: databases, brokers, caches."""

from __future__ import annotations

import random
from datetime import UTC, datetime


class PlainVoice:
    """Short lines with a time stamp, as a server without a logging framework writes them.

    :param name: the container's name.
    """

    def __init__(self, name: str, source: random.Random) -> None:
        self.name = name
        self._random = source

    def _line(self, at: float, mark: str, message: str) -> str:
        stamp = datetime.fromtimestamp(at, UTC).strftime("%d %b %Y %H:%M:%S.%f")[:-3]
        return f"1:M {stamp} {mark} {message}"

    def starting(self, at: float) -> list[str]:
        return [self._line(at, "*", f"{self.name} is starting"), self._line(at, "#", "Configuration loaded")]

    def ready(self, at: float, port: int, seconds: float) -> list[str]:
        return [self._line(at, "*", f"Ready to accept connections on port {port} after {seconds:.1f} s")]

    def crashed(self, at: float) -> list[str]:
        return [self._line(at, "#", "Fatal: can't open /data: No such file or directory")]

    def out_of_memory(self, at: float) -> list[str]:
        return [self._line(at, "#", "Can't save in background: fork: Cannot allocate memory")]

    def stopping(self, at: float) -> list[str]:
        return [
            self._line(at, "#", "User requested shutdown..."),
            self._line(at, "#", f"{self.name} is now ready to exit, bye bye..."),
        ]

    def everyday(self, at: float) -> list[str]:
        clients, changes = self._random.randrange(4, 40), self._random.randrange(1, 500)
        message = self._random.choice(
            (
                f"{clients} clients connected",
                f"{changes} changes in 300 seconds. Saving...",
                "DB saved on disk",
            )
        )
        return [self._line(at, "*", message)]
