"""Log events as our client tells them, on the sandbox, and on plain moto, which tells stream by stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sdt_console.clients.aws import Aws
from sdt_console.clients.call import Caller
from sdt_console.clients.clock import MachineClock
from sdt_console.clients.live_tail import LiveTail
from sdt_console.clients.log_events import LogEventsClient
from sdt_console.errors import CloudError, NotAllowedError, SdtError
from sdt_console.model import LogEvent
from sdt_console.sandbox import Sandbox
from sdt_console.watch.logs.source import Source
from sdt_console.watch.logs.tail import Tail
from tests.catalogs import ours

GROUP = "/ecs/sdt/dev/bff-service"


def fill(logs: Any, group: str, count: int = 120) -> list[str]:
    """Events of three streams, one after the other; their messages in the order of time."""
    now = int(time.time() * 1000) - 60_000
    for stream in ("a", "b", "c"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    for at in range(count):
        event = {"timestamp": now + at * 10, "message": f"INFO {at}"}
        logs.put_log_events(logGroupName=group, logStreamName="abc"[at % 3], logEvents=[event])
    return [f"INFO {at}" for at in range(count)]


def client(call: Caller) -> LogEventsClient:
    return LogEventsClient(Aws(call, region="eu-west-1").watching)


def with_client(work: Any) -> Any:
    async def go() -> Any:
        call = Caller()
        try:
            return await work(client(call))
        finally:
            call.close()

    return asyncio.run(go())


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for key, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(key, value)
    # a session of its own: boto3's default one keeps the account of whoever asked first
    yield boto3.Session("x", "x", region_name="eu-west-1").client("logs")
    server.stop()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox.start(ours(), environments=["dev"]) as sandbox:
        for key, value in sandbox.environ.items():
            monkeypatch.setenv(key, value)
        yield sandbox


def test_plain_moto_tells_stream_by_stream_and_the_tail_in_order(moto: Any) -> None:
    moto.create_log_group(logGroupName="plain")
    expected = fill(moto, "plain")

    async def work(logs: LogEventsClient) -> list[str]:
        tail = Tail(logs, MachineClock(), [Source(logs, "plain", "plain", 0)])
        async with contextlib.aclosing(tail.batches()) as batches:
            return [line.message async for batch in batches for line in batch.lines]

    assert with_client(work) == expected


def test_events_are_as_the_sdk_reads_them(account: Sandbox) -> None:
    logs_ = boto3.client("logs")
    fill(logs_, GROUP)
    raw = logs_.filter_log_events(logGroupName=GROUP)["events"]

    async def work(logs: LogEventsClient) -> tuple[list[LogEvent], list[LogEvent]]:
        found = [e async for page in logs.pages(GROUP, 0) for e in page]
        stream = [e async for page in logs.stream_pages(GROUP, "b", 0) for e in page]
        assert sorted(await logs.streams(GROUP)) == ["a", "b", "c"]
        assert await logs.streams(GROUP, "b") == ["b"]
        return found, stream

    found, stream = with_client(work)
    assert found == [
        LogEvent(e["timestamp"], e["ingestionTime"], e["logStreamName"], e["message"], e["eventId"])
        for e in raw
    ]
    assert [e.message for e in stream] == [e["message"] for e in raw if e["logStreamName"] == "b"]
    assert len({e.id for e in stream}) == len(stream)


def test_groups_are_described_with_their_retention(account: Sandbox) -> None:
    found = with_client(lambda logs: logs.described([GROUP, "/ecs/sdt/dev/redis", "/none"]))
    assert list(found) == [GROUP, "/ecs/sdt/dev/redis"]
    assert found[GROUP].retention_days == 7
    assert found[GROUP].arn == f"arn:aws:logs:eu-west-1:962496666337:log-group:{GROUP}"


def test_live_tail_tells_what_is_written_and_is_closed_at_once(account: Sandbox) -> None:
    logs_ = boto3.client("logs")
    logs_.create_log_stream(logGroupName=GROUP, logStreamName="s")

    async def work(logs: LogEventsClient) -> tuple[str, float]:
        arn = (await logs.described([GROUP]))[GROUP].arn
        session = await logs.live([arn])
        now = int(time.time() * 1000)
        event = {"timestamp": now, "message": "INFO hello"}
        await asyncio.to_thread(
            logs_.put_log_events, logGroupName=GROUP, logStreamName="s", logEvents=[event]
        )
        while True:
            update = await session.update()
            assert update is not None
            if update.events:
                break
        waiting = asyncio.create_task(session.update())
        await asyncio.sleep(0)
        begun = time.perf_counter()
        await asyncio.to_thread(lambda: None)
        session.close()
        while await waiting is not None:
            waiting = asyncio.create_task(session.update())
        told = update.events[arn][0]
        assert (told.at, told.stream, told.id) == (now, "s", "")
        return told.message, time.perf_counter() - begun

    message, took = with_client(work)
    assert message == "INFO hello"
    assert took < 1


def test_live_tail_that_cannot_be_had_is_an_error_of_ours(account: Sandbox) -> None:
    arn = f"arn:aws:logs:eu-west-1:962496666337:log-group:{GROUP}"
    with pytest.raises(CloudError, match="InvalidParameter"):
        with_client(lambda logs: logs.live([arn] * 11))
    account.faults.denied = frozenset({"StartLiveTail"})
    with pytest.raises(NotAllowedError) as error:
        with_client(lambda logs: logs.live([arn]))
    assert error.value.right == "logs:StartLiveTail"


def test_a_stream_that_breaks_ends_its_session_with_an_error() -> None:
    class Broken:
        def __iter__(self) -> Iterator[dict[str, Any]]:
            yield {"sessionStart": {}}
            raise ConnectionResetError("reset by peer")

        def close(self) -> None: ...

    async def work() -> None:
        await LiveTail(Broken(), ["arn:aws:logs:eu-west-1:1:log-group:g"]).update()

    with pytest.raises(SdtError, match="broke off"):
        asyncio.run(work())
