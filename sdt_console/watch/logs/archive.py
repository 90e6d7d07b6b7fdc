"""Old lines to S3, and how long the others are kept: what there is to do, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sdt_console.errors import BusyError, SdtError, UsageError
from sdt_console.model import ExportTask, LogGroup
from sdt_console.watch.log_ports import Clock, Exporter

DAY_MS = 86_400_000
RETENTIONS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""Days that PutRetentionPolicy takes (CloudWatch Logs API reference)."""

LOOK_EVERY_S = 5.0
LIMIT_S = 24 * 3600.0
_GOING_ON = ("PENDING", "RUNNING", "PENDING_CANCEL")


@dataclass(frozen=True)
class Shelf:
    """One log group, and what is to be done about it.

    :param group: ``None`` if there is none of that name.
    :param policy_days: how long the catalog wants its lines kept.
    :param start: first and last millisecond of what is to be exported; ``None`` for nothing.
    :param outcome: ``planned``, ``done``, ``nothing to do``, ``missing`` or ``failed``.
    """

    service: str
    name: str
    group: LogGroup | None
    policy_days: int
    prefix: str
    start: int | None = None
    end: int | None = None
    outcome: str = "planned"
    note: str = ""
    task: str = ""

    @property
    def exports(self) -> bool:
        return self.start is not None

    @property
    def retention_differs(self) -> bool:
        return self.group is not None and self.group.retention_days != self.policy_days

    @property
    def shortens(self) -> bool:
        """Whether the catalog's policy lets lines go that are kept now."""
        kept = None if self.group is None else self.group.retention_days
        return self.retention_differs and (kept is None or kept > self.policy_days)


async def planned(
    exporter: Exporter,
    places: Sequence[tuple[str, str]],
    *,
    environment: str,
    policy_days: int,
    days: int,
    bucket: str,
    now: float,
) -> list[Shelf]:
    """What there is to do, nothing done.

    What an earlier export to the same bucket has covered is not exported again.

    :param places: service and log group.
    :param days: export what is older, in whole days of UTC.
    :param bucket: empty to export nothing.
    :raises UsageError: a retention that AWS does not know, or one that lets lines go before their export.
    """
    if policy_days not in RETENTIONS:
        near = min(RETENTIONS, key=lambda known: abs(known - policy_days))
        raise UsageError(
            f"logs cannot be kept for {policy_days} days",
            "CloudWatch Logs knows certain numbers of days only",
            f"set log_retention_days of {environment} to {near} or another of them",
        )
    if bucket and days > policy_days:
        raise UsageError(
            f"lines older than {days} days are gone by then",
            f"{environment} keeps them for {policy_days} days",
            f"use --days {policy_days} or less",
        )
    groups = await exporter.described([name for _, name in places])
    earlier = await exporter.exports() if bucket else ()
    end = (int(now * 1000) - days * DAY_MS) // DAY_MS * DAY_MS - 1
    shelves = []
    for service, name in places:
        shelf = Shelf(service, name, groups.get(name), policy_days, f"{environment}/{service}")
        if shelf.group is None:
            shelves.append(replace(shelf, outcome="missing", note="there is no such log group"))
            continue
        if bucket:
            start = _covered(earlier, name, bucket, end)
            if start <= end and shelf.group.stored_bytes != 0:
                shelf = replace(shelf, start=start, end=end)
        if not (shelf.exports or shelf.retention_differs):
            shelf = replace(shelf, outcome="nothing to do")
        shelves.append(shelf)
    return shelves


async def carried_out(
    exporter: Exporter,
    clock: Clock,
    shelves: Sequence[Shelf],
    bucket: str,
    told: Callable[[str], object] = lambda _: None,
) -> list[Shelf]:
    """Do what was planned, one export after the other, for AWS allows no more; with how each ended.

    The retention is set once the export of the group has ended well: no line goes before it is in S3.

    :param told: progress, one sentence at a time.
    """
    done = []
    for shelf in shelves:
        if shelf.outcome == "planned":
            try:
                done.append(await _one(exporter, clock, shelf, bucket, told))
            except SdtError as error:
                why = f"{error.what}: {error.cause}" if error.cause else error.what
                done.append(replace(shelf, outcome="failed", note=why))
        else:
            done.append(shelf)
    return done


async def _one(
    exporter: Exporter, clock: Clock, shelf: Shelf, bucket: str, told: Callable[[str], object]
) -> Shelf:
    if shelf.start is not None and shelf.end is not None:
        task = await _started(exporter, clock, shelf, shelf.start, shelf.end, bucket, told)
        told(f"{shelf.service}: exporting to s3://{bucket}/{shelf.prefix}")
        ended = await _ended(exporter, clock, task)
        shelf = replace(shelf, task=task)
        if ended.status != "COMPLETED":
            note = ended.message or f"the export was not completed ({ended.status.lower()})"
            return replace(shelf, outcome="failed", note=f"{note}; its retention was left as it is")
    if shelf.retention_differs:
        await exporter.keep(shelf.name, shelf.policy_days)
        told(f"{shelf.service}: lines are kept for {shelf.policy_days} days")
    return replace(shelf, outcome="done")


async def _started(
    exporter: Exporter,
    clock: Clock,
    shelf: Shelf,
    start: int,
    end: int,
    bucket: str,
    told: Callable[[str], object],
) -> str:
    """Start the export once no other one of the account is under way."""
    limit, waited = clock.now() + LIMIT_S, False
    while True:
        try:
            return await exporter.start_export(shelf.name, start, end, bucket, shelf.prefix)
        except BusyError:
            if clock.now() >= limit:
                raise
        if not waited:
            told(f"{shelf.service}: waiting for another export of the account")
            waited = True
        await clock.sleep(LOOK_EVERY_S)


async def _ended(exporter: Exporter, clock: Clock, task: str) -> ExportTask:
    limit = clock.now() + LIMIT_S
    while True:
        found = await exporter.export(task)
        if found.status not in _GOING_ON or clock.now() >= limit:
            return found
        await clock.sleep(LOOK_EVERY_S)


def _covered(earlier: Sequence[ExportTask], group: str, bucket: str, end: int) -> int:
    """Where the next export begins: after what those before it have brought to the bucket without a gap."""
    reached = 0
    for export in sorted(earlier, key=lambda task: task.start):
        if (export.group, export.bucket, export.status) == (group, bucket, "COMPLETED"):
            if export.start > reached + 1:
                break
            reached = max(reached, export.end)
    return min(reached + 1, end + 1) if reached else 0
