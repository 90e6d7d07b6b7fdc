"""``sdt`` that cannot write as it would like: ``python -m tests.faults.hindered HOW ARGUMENTS…``.

``weak``: rights of files hold, even for root. ``full`` or ``full:TYPE[:ACTION]``: no file can grow, from the
start, or from that entry of the journal on.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

from sdt_console.cli.main import main
from sdt_console.events import Event
from sdt_console.runs.journal import Journal

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1


def weaken(arguments: list[str]) -> None:
    """Go on as ``sdt`` without root's right to write everywhere; others never had it."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)
    os.execv(sys.executable, [sys.executable, "-m", "sdt_console", *arguments])  # noqa: S606


def fill() -> None:
    """No file may be larger than nothing, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


class FillingJournal(Journal):
    """The disk is full once the entry ``at`` is written."""

    at = ""

    def append(self, event: Event) -> None:
        super().append(event)
        told = [event.type, getattr(event.body, "action", "")]
        if ":".join(filter(None, told)) == self.at:
            fill()


if __name__ == "__main__":
    _, how, *rest = sys.argv
    if how == "weak":
        weaken(rest)
    elif how == "full":
        fill()
    else:
        FillingJournal.at = how.partition(":")[2]
        import sdt_console.runs.journal

        sdt_console.runs.journal.Journal = FillingJournal  # type: ignore[misc]
    sys.argv[1:] = rest
    main()
