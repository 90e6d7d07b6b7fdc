"""What tasks write, and finding it again."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sdt_console.sandbox.logs.pattern import InvalidPatternError, compile_pattern
from tests.sandbox.account import CLUSTER, Account

GROUP = "/ecs/shop/dev/orders"


def messages(account: Account, group: str = GROUP, **filters: Any) -> list[str]:
    pages = account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, **filters)
    return [event["message"] for page in pages for event in page["events"]]


def test_there_are_some_hours_of_history_and_it_goes_on(account: Account) -> None:
    before = len(messages(account))
    assert before > 100
    account.sandbox.advance(120)
    assert len(messages(account)) > before
    assert any("ready" in message.lower() for message in messages(account, "/ecs/shop/dev/redis"))


def test_streams_are_named_after_the_tasks(account: Account) -> None:
    streams = account.client("logs").describe_log_streams(logGroupName=GROUP)["logStreams"]
    task = account.tasks("orders")[0]["taskArn"].rpartition("/")[2]
    assert [stream["logStreamName"] for stream in streams] == [f"ecs/orders/{task}"]


def test_a_crash_leaves_its_stack_trace_in_the_tasks_stream(account: Account) -> None:
    account.sandbox.scenarios.on("crash-loop:orders")
    account.update("orders", forceNewDeployment=True)
    account.until(lambda: bool(account.tasks("orders", "STOPPED")))
    task = account.tasks("orders", "STOPPED")[0]
    stream = f"ecs/orders/{task['taskArn'].rpartition('/')[2]}"
    found = account.client("logs").get_log_events(
        logGroupName=GROUP, logStreamName=stream, startFromHead=True
    )
    lines = [event["message"] for event in found["events"]]
    assert "Starting OrdersApplication" in lines[0]
    assert "Application run failed" in "\n".join(lines)
    assert lines[-1].startswith("\t... ")
    at = task["executionStoppedAt"].timestamp() * 1000
    assert abs(found["events"][-1]["timestamp"] - at) < 1000


def test_events_come_in_the_order_of_time_over_all_streams(account: Account) -> None:
    account.update("orders", desiredCount=3)
    account.until(lambda: account.service("orders")["runningCount"] == 3)
    account.sandbox.advance(300)
    events = account.client("logs").filter_log_events(logGroupName=GROUP)["events"]
    assert len({event["logStreamName"] for event in events}) == 3
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)


def test_pages_neither_lose_nor_repeat(account: Account) -> None:
    whole = messages(account)
    logs = account.client("logs")
    paged: list[str] = []
    token: dict[str, Any] = {}
    for _ in range(len(whole)):
        answer = logs.filter_log_events(logGroupName=GROUP, limit=7, **token)
        assert len(answer["events"]) <= 7
        paged += [event["message"] for event in answer["events"]]
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert paged == whole


def test_a_page_holds_at_most_a_megabyte(account: Account) -> None:
    logs = account.client("logs")
    logs.create_log_group(logGroupName="big")
    logs.create_log_stream(logGroupName="big", logStreamName="s")
    now = int(time.time() * 1000)  # moto, like AWS, takes no events that are weeks old
    for number in range(12):
        logs.put_log_events(
            logGroupName="big",
            logStreamName="s",
            logEvents=[{"timestamp": now + number, "message": "x" * 200_000}],
        )
    first = logs.filter_log_events(logGroupName="big")
    assert len(first["events"]) == 5
    assert len(messages(account, "big")) == 12


def test_time_streams_and_limits_narrow_the_search(account: Account) -> None:
    logs = account.client("logs")
    events = logs.filter_log_events(logGroupName=GROUP)["events"]
    middle = events[len(events) // 2]["timestamp"]
    later = logs.filter_log_events(logGroupName=GROUP, startTime=middle)["events"]
    earlier = logs.filter_log_events(logGroupName=GROUP, endTime=middle - 1)["events"]
    assert len(later) + len(earlier) == len(events)
    assert logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="nothing")["events"] == []
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="a", logStreamNames=["a"])
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="does not exist"):
        logs.filter_log_events(logGroupName="nothing")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Invalid filter pattern"):
        logs.filter_log_events(logGroupName=GROUP, filterPattern="{ $.a = }")


PLAIN = "2026-11-23 ERROR 1 --- [main] Connection refused: mongodb:27017 (code 500)"
STRUCTURED = json.dumps(
    {
        "level": "WARN",
        "status": 503,
        "ok": False,
        "gone": None,
        "tags": ["a", "b"],
        "user": {"name": "Ann Lee"},
    }
)


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", PLAIN, True),
        ("ERROR", PLAIN, True),
        ("error", PLAIN, False),
        ("ERROR refused", PLAIN, True),
        ("ERROR timeout", PLAIN, False),
        ('"Connection refused"', PLAIN, True),
        ('"refused Connection"', PLAIN, False),
        ("ERROR -refused", PLAIN, False),
        ("-WARN", PLAIN, True),
        ("?WARN ?ERROR", PLAIN, True),
        ("?WARN ?FATAL", PLAIN, False),
        ("ERROR ?FATAL", PLAIN, True),
        ("%code [45]\\d\\d%", PLAIN, True),
        ("%code [67]\\d\\d%", PLAIN, False),
        ('{ $.level = "WARN" }', STRUCTURED, True),
        ('{ $.level != "WARN" }', STRUCTURED, False),
        ('{ $.level = "W*" }', STRUCTURED, True),
        ("{ $.level = %^W% }", STRUCTURED, True),
        ("{ $.status >= 500 && $.status < 600 }", STRUCTURED, True),
        ("{ $.status = 503 }", STRUCTURED, True),
        ("{ $.status > 503 }", STRUCTURED, False),
        ('{ ($.status = 1 || $.status = 503) && $.user.name = "Ann Lee" }', STRUCTURED, True),
        ('{ $.tags[1] = "b" }', STRUCTURED, True),
        ('{ $.tags[*] = "c" }', STRUCTURED, False),
        ("{ $.ok IS FALSE }", STRUCTURED, True),
        ("{ $.gone IS NULL }", STRUCTURED, True),
        ("{ $.missing NOT EXISTS }", STRUCTURED, True),
        ("{ $.user.name EXISTS }", STRUCTURED, True),
        ('{ $.level = "WARN" }', PLAIN, False),
    ],
)
def test_the_pattern_language(pattern: str, message: str, matches: bool) -> None:
    assert compile_pattern(pattern)(message) is matches


@pytest.mark.parametrize(
    "pattern", ["{ $.a = }", "{ $.a", "{ a = 1 }", "{ ($.a = 1 }", "%[%", "[ip, user]", "{ $.a > x }"]
)
def test_a_pattern_that_cannot_be(pattern: str) -> None:
    with pytest.raises(InvalidPatternError):
        compile_pattern(pattern)


def test_a_task_without_its_log_group_does_not_start(account: Account) -> None:
    account.client("logs").delete_log_group(logGroupName=GROUP)
    account.client("ecs").stop_task(cluster=CLUSTER, task=account.tasks("orders")[0]["taskArn"])
    account.until(lambda: len(account.tasks("orders", "STOPPED")) > 1)
    reasons = [task["stoppedReason"] for task in account.tasks("orders", "STOPPED")]
    assert any(
        "ResourceInitializationError: failed to validate logger args" in reason
        and "The specified log group does not exist" in reason
        for reason in reasons
    )


def test_a_task_whose_secret_is_deleted_does_not_start(account: Account) -> None:
    account.client("secretsmanager").delete_secret(
        SecretId="shop/dev/database", ForceDeleteWithoutRecovery=True
    )
    account.client("ecs").stop_task(cluster=CLUSTER, task=account.tasks("orders")[0]["taskArn"])
    account.until(lambda: len(account.tasks("orders", "STOPPED")) > 1)
    failed = next(t for t in account.tasks("orders", "STOPPED") if t["stopCode"] == "TaskFailedToStart")
    assert (
        "ResourceNotFoundException: Secrets Manager can't find the specified secret."
        in failed["stoppedReason"]
    )


def arn(group: str) -> str:
    return f"arn:aws:logs:eu-west-1:962496666337:log-group:{group}"


def test_live_tail_streams_what_is_written(account: Account) -> None:
    logs = account.client("logs", inject_host_prefix=False)
    answer = logs.start_live_tail(logGroupIdentifiers=[arn(GROUP)], logEventFilterPattern="Application")
    stream = iter(answer["responseStream"])
    assert next(stream)["sessionStart"]["logGroupIdentifiers"] == [arn(GROUP)]
    assert next(stream)["sessionUpdate"]["sessionResults"] == []
    account.sandbox.scenarios.on("crash-loop:orders")
    account.update("orders", forceNewDeployment=True)
    account.sandbox.advance(60)
    found: list[Any] = []
    while len(found) < 3:
        update = next(stream)["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}
        found += update["sessionResults"]
    assert all("Application" in event["message"] for event in found)
    assert found[0]["logGroupIdentifier"] == arn(GROUP)
    assert found[0]["logStreamName"].startswith("ecs/orders/")
    answer["responseStream"].close()


def test_live_tail_samples_a_flood(account: Account) -> None:
    logs = account.client("logs", inject_host_prefix=False)
    logs.create_log_group(logGroupName="flood")
    logs.create_log_stream(logGroupName="flood", logStreamName="s")
    answer = logs.start_live_tail(logGroupIdentifiers=[arn("flood")])
    stream = iter(answer["responseStream"])
    next(stream)
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName="flood",
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": str(number)} for number in range(2000)],
    )
    update = next(u["sessionUpdate"] for u in stream if u["sessionUpdate"]["sessionResults"])
    assert update["sessionMetadata"] == {"sampled": True}
    assert 300 < len(update["sessionResults"]) <= 500
    answer["responseStream"].close()


def test_live_tail_refuses_what_aws_refuses(account: Account) -> None:
    logs = account.client("logs", inject_host_prefix=False)
    for wrong in ([arn(GROUP)] * 11, [GROUP]):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.start_live_tail(logGroupIdentifiers=wrong)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.start_live_tail(logGroupIdentifiers=[arn("nothing")])
