"""The effect of another size or count on what a service costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sdt_console.errors import UsageError
from sdt_console.model.cost import Architecture, FargatePrice, TaskSize
from sdt_console.model.cost_live import Effect, LiveService
from sdt_console.watch.cost.live import live_service

_GIB = 1024
SIZES: dict[int, tuple[int, ...]] = {
    256: (512, _GIB, 2 * _GIB),
    512: tuple(range(_GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}
"""CPU units → MiB of memory that go with them on Fargate (ECS Developer Guide, "Task CPU and memory")."""
_ARCHITECTURES: dict[str, Architecture] = {
    "x86_64": "x86_64",
    "x86": "x86_64",
    "arm64": "arm64",
    "arm": "arm64",
}
_KEYS = ("cpu", "memory", "count", "arch")
_EXAMPLE = "as in user-service=cpu:1024,memory:2048,count:3"
_MOST_TASKS = 5000


@dataclass(frozen=True)
class WhatIf:
    """A change that is thought about; ``None`` for what stays as it is.

    :param cpu: CPU units; ``memory``: MiB.
    """

    service: str
    cpu: int | None = None
    memory: int | None = None
    count: int | None = None
    architecture: Architecture | None = None


def parse(text: str, services: Sequence[str]) -> WhatIf:
    """``user-service=cpu:1024,memory:2048,count:3``; any of ``cpu``, ``memory``, ``count`` and ``arch``.

    :raises UsageError: it cannot be read, or names no service of the catalog.
    """
    name, equals, rest = text.partition("=")
    if name not in services:
        raise UsageError(f"no service {name!r} in the catalog", next=f"write it {_EXAMPLE}")
    given: dict[str, str] = {}
    for part in rest.split(","):
        key, _, value = part.strip().partition(":")
        if key not in _KEYS or not value or key in given:
            raise UsageError(f"cannot read {part.strip()!r} in {text!r}", next=f"write it {_EXAMPLE}")
        given[key] = value
    if not equals:
        raise UsageError(f"nothing is changed in {text!r}", next=f"write it {_EXAMPLE}")
    architecture = given.get("arch")
    if architecture is not None and architecture not in _ARCHITECTURES:
        raise UsageError(f"no architecture {architecture!r}", next="use x86_64 or arm64")
    cpu, memory = _number(given, "cpu", 1 << 20), _number(given, "memory", 1 << 20)
    if cpu is not None and cpu not in SIZES:
        raise UsageError(
            f"Fargate has no tasks of {cpu} CPU units", _list("they have", SIZES), "use one of these"
        )
    return WhatIf(
        name,
        cpu,
        memory,
        _number(given, "count", _MOST_TASKS),
        _ARCHITECTURES[architecture] if architecture is not None else None,
    )


def effect(change: WhatIf, now: LiveService, size: TaskSize, prices: Sequence[FargatePrice]) -> Effect:
    """What ``change`` would do to a service; tasks of several sizes all become the changed one.

    :param size: of its tasks now; of its task definition where none runs.
    :raises UsageError: Fargate has no such size.
    """
    changed = replace(
        size,
        cpu=size.cpu if change.cpu is None else change.cpu,
        memory=size.memory if change.memory is None else change.memory,
        architecture=change.architecture or size.architecture,
    )
    allowed = SIZES.get(changed.cpu, ())
    if changed.memory not in allowed:
        raise UsageError(
            f"Fargate has no tasks of {changed.cpu} CPU units with {changed.memory} MiB",
            _list(f"{changed.cpu} CPU units go with", allowed) + " MiB",
            "use one of these",
        )
    count = now.tasks if change.count is None else change.count
    after = live_service(now.name, {changed: count} if count else {}, prices, managed=now.managed)
    return Effect(now.name, now, after)


def _number(given: dict[str, str], key: str, most: int) -> int | None:
    text = given.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > most:
        raise UsageError(
            f"{key} must be a whole number up to {most}, not {text!r}", next=f"write it {_EXAMPLE}"
        )
    return int(text)


def _list(told: str, values: Iterable[int]) -> str:
    known = [str(value) for value in values]
    return f"{told} {', '.join(known)}" if len(known) <= 8 else f"{told} {', '.join(known[:4])} … {known[-1]}"
