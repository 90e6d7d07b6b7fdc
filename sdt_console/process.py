"""Which process is which: told apart across hosts, boots, containers and reused numbers."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from sdt_console.model import Hold, Holder, Slot

_PROC = Path("/proc")
# Fields of /proc/PID/stat after the command's name, which may hold anything, counted from there (proc(5)).
_STATE = 0
_START_TIME = 19
_DEAD = {"Z", "X", "x"}


def this_process(owner: str, run: str, url: str = "") -> Holder:
    """This process as the holder of leases for ``run``."""
    import socket

    pid = os.getpid()
    return Holder(owner, socket.gethostname(), pid, run, url, machine(), _started(pid))


@cache
def machine() -> str:
    """Names this boot of this machine, and this process namespace of it; empty where that is not known.

    A host's name is not enough: containers and CI runners share names, and process numbers mean
    nothing outside their namespace.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def is_free(slot: Slot, now: float, skew: float = 0.0) -> bool:
    """Whether anyone may take it: not held, expired, or held by a process of this machine that is gone.

    :param skew: seconds by which the clock of another machine may be behind ours.
    """
    hold = slot.hold
    if hold is None:
        return True
    ours = bool(hold.machine) and hold.machine == machine()
    return now >= hold.expires + (0 if ours else skew) or is_gone(hold)


def is_gone(hold: Hold) -> bool:
    """Whether the process that has ``hold`` was one of this machine and runs no more; never a guess."""
    if not hold.machine or hold.machine != machine():
        return False
    stat = _stat(hold.pid)
    if stat is None:
        return not _exists(hold.pid)
    return stat[_STATE] in _DEAD or bool(hold.started and stat[_START_TIME] != hold.started)


def _started(pid: int) -> str:
    stat = _stat(pid)
    return stat[_START_TIME] if stat else ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
