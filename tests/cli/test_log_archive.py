"""``sdt logs archive``: exports that are followed, and retention as the catalog wants it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sdt_console.errors import BusyError
from sdt_console.model import ExportTask, LogGroup
from sdt_console.watch.logs.archive import DAY_MS, carried_out, planned
from tests.catalogs import OURS
from tests.command import Sdt
from tests.virtual_time import EPOCH, LoopClock, run
from tests.world import World

USERS = "/ecs/sdt/dev/user-service"
BUCKET = "sdt-dev-logs-962496666337"
GIVEN = ("--catalog", OURS, "user-service", "redis")


def kept(world: World) -> int | None:
    found = world.client("logs").describe_log_groups(logGroupNamePrefix=USERS)["logGroups"][0]
    days: int | None = found.get("retentionInDays")
    return days


def test_it_is_only_said_until_it_is_applied(sdt: Sdt, world: World) -> None:
    world.client("logs").put_retention_policy(logGroupName=USERS, retentionInDays=30)
    ran = sdt("logs", "archive", *GIVEN, "--bucket", BUCKET, "--json")
    assert ran.status == 0
    assert [ran.json[key] for key in ("version", "environment", "bucket", "days", "applied")] == [
        1, "dev", BUCKET, 3, False,
    ]  # fmt: skip
    users, redis = ran.json["groups"]
    assert (users["retention_days"], users["policy_days"], users["outcome"]) == (30, 7, "planned")
    assert users["export"]["prefix"] == "dev/user-service"
    assert users["export"]["to"].endswith("T23:59:59.999Z")
    assert (redis["retention_days"], redis["outcome"]) == (7, "planned")
    assert kept(world) == 30
    assert "Contents" not in world.client("s3").list_objects_v2(Bucket=BUCKET)


def test_applied_it_exports_first_and_then_sets_the_retention(sdt: Sdt, world: World) -> None:
    world.client("logs").put_retention_policy(logGroupName=USERS, retentionInDays=30)
    ran = sdt("logs", "archive", *GIVEN, "--bucket", BUCKET, "--apply")
    assert ran.status == 0
    assert "user-service: exporting to s3://" in ran.err
    assert kept(world) == 7
    objects = world.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert any(found["Key"].startswith("dev/user-service/") for found in objects)
    again = sdt("logs", "archive", *GIVEN, "--bucket", BUCKET, "--json")
    assert [group["outcome"] for group in again.json["groups"]] == ["nothing to do"] * 2


def test_nothing_goes_that_is_exported_nowhere(sdt: Sdt, world: World) -> None:
    world.client("logs").delete_retention_policy(logGroupName=USERS)
    refused = sdt("logs", "archive", *GIVEN, "--apply")
    assert refused.status == 2
    assert "would be cut short" in refused.err
    assert kept(world) is None
    assert sdt("logs", "archive", *GIVEN, "--apply", "--no-export").status == 0
    assert kept(world) == 7


def test_a_bucket_that_is_missing_leaves_the_retention_alone(sdt: Sdt, world: World) -> None:
    world.client("logs").put_retention_policy(logGroupName=USERS, retentionInDays=30)
    ran = sdt("logs", "archive", *GIVEN, "--bucket", "no-such-bucket", "--apply")
    assert ran.status == 3
    assert "failed" in ran.out
    assert kept(world) == 30


def test_read_only_refuses_and_a_protected_environment_asks(sdt: Sdt, world: World) -> None:
    world.client("logs").put_retention_policy(logGroupName=USERS, retentionInDays=30)
    ran = sdt("logs", "archive", *GIVEN, "--bucket", BUCKET, "--apply", "--read-only")
    assert ran.status == 2
    assert "read-only" in ran.err
    assert kept(world) == 30
    asked = sdt("logs", "archive", *GIVEN, "--env", "production", "--days", "99", "--bucket", BUCKET)
    assert asked.status == 2
    assert "keeps them for 90 days" in asked.err


@dataclass
class Account:
    """One export at a time, each of some looks; in virtual time."""

    looks: int = 3
    status: str = "COMPLETED"
    others: int = 2
    running: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    async def described(self, names: object) -> dict[str, LogGroup]:
        return {name: LogGroup(name, name, 30, 10) for name in ("a", "b")}

    async def exports(self) -> list[ExportTask]:
        return [ExportTask("0", "a", "COMPLETED", 0, 5 * DAY_MS - 1, "bucket")]

    async def export(self, task_id: str) -> ExportTask:
        self.running[task_id] -= 1
        ended = self.running[task_id] <= 0
        if ended:
            self.running.pop(task_id)
        return ExportTask(task_id, "", self.status if ended else "RUNNING", 0, 0, "bucket")

    async def start_export(self, group: str, start: int, end: int, bucket: str, prefix: str) -> str:
        await asyncio.sleep(0)
        if self.others or self.running:
            self.others -= 1
            raise BusyError("another export is under way")
        self.running[group] = self.looks
        self.done.append(f"export {group} from {start}")
        return group

    async def keep(self, group: str, days: int) -> None:
        self.done.append(f"keep {group} {days}")


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_one_export_after_the_other_where_the_last_one_ended(status: str) -> None:
    account = Account(status=status)

    async def work() -> list[str]:
        shelves = await planned(
            account, [("x", "a"), ("y", "b"), ("z", "gone")],
            environment="dev", policy_days=7, days=3, bucket="bucket", now=EPOCH,
        )  # fmt: skip
        return [shelf.outcome for shelf in await carried_out(account, LoopClock(), shelves, "bucket")]

    outcome = "done" if status == "COMPLETED" else "failed"
    assert run(work()) == [outcome, outcome, "missing"]
    exports = [f"export a from {5 * DAY_MS}", "export b from 0"]
    assert account.done == (
        [exports[0], "keep a 7", exports[1], "keep b 7"] if status == "COMPLETED" else exports
    )
