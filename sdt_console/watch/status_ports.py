"""What watching services needs from the outside, as Protocols; ``clients/`` holds the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class Clock(Protocol):
    """Time; a test passes one that it moves by hand."""

    def now(self) -> float:
        """Seconds since the epoch."""

    async def sleep(self, seconds: float) -> None: ...


class Services(Protocol):
    """The ECS calls that only read; all raise :class:`~sdt_console.errors.CloudError`."""

    async def described(self, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """As ``DescribeServices`` answers, by name; what is not there is left out. Ten a call."""

    async def service_names(self, cluster: str) -> list[str]: ...

    async def revisions(self, arns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """As ``DescribeServiceRevisions`` answers, by ARN. Twenty a call."""

    async def task_definition(self, reference: str) -> dict[str, Any]: ...

    async def tasks(self, cluster: str, service: str, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        """As ``DescribeTasks`` answers: those meant to run, or those stopped within the last hour."""


class Targets(Protocol):
    async def host(self, name: str) -> str | None:
        """DNS name of a load balancer; ``None`` if there is none of that name."""

    async def target_health(self, target_group: str) -> list[Mapping[str, Any]]:
        """As ``DescribeTargetHealth`` answers."""


class Http(Protocol):
    async def status(self, url: str, limit: float) -> int:
        """Status code of a GET; :class:`~sdt_console.errors.CloudError` if there is no answer."""


class Diagnosis(Protocol):
    """Why a task stopped, by the runbook."""

    @property
    def kind(self) -> str: ...
    @property
    def cause(self) -> str: ...
    @property
    def next(self) -> str: ...
    @property
    def fatal(self) -> bool: ...


Diagnose = Callable[[Mapping[str, Any], str], Diagnosis | None]
"""``(task as described, name of the service's own container)``; ``None`` if it was meant to stop."""

Subject = Callable[[str], str]
"""Commit → what it is about, one line; empty if that is not known. May block for milliseconds."""
