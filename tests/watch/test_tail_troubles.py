"""A tail whose credentials expire, whose rights are taken away, whose memory is full says so and goes on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random

import pytest

from sdt_console.errors import CredentialsError, NotAllowedError, SdtError
from sdt_console.model import LogEvent, LogNotice
from sdt_console.watch.logs.seen import Seen
from sdt_console.watch.logs.source import Source
from sdt_console.watch.logs.tail import Tail
from tests.virtual_time import EPOCH, LoopClock, run
from tests.watch.cloud import Cloud

BEGIN = int(EPOCH * 1000)


@dataclass
class Refusing(Cloud):
    """Refuses searches of ``refused`` groups from 20 s on, for 30 s or for ever."""

    error: SdtError | None = None
    refused: tuple[str, ...] = ()
    ends: float = 50.0

    async def pages(
        self, group: str, start: int, end: int | None = None, streams: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[LogEvent]]:
        if self.error is not None and group in self.refused and 20 <= self.clock.now() - EPOCH < self.ends:
            self.searches += 1
            raise self.error
        async for page in super().pages(group, start, end, streams):
            yield page


def cloud_of(*groups: str, seconds: int = 90) -> Refusing:
    arrivals = {
        group: [
            (at, LogEvent(at, at, "s", f"INFO {group} {at}", f"{group}{at}"))
            for at in range(BEGIN, BEGIN + seconds * 1000, 1000)
        ]
        for group in groups
    }
    return Refusing(LoopClock(), Random(1), arrivals)


def follow(cloud: Refusing, seconds: float = 80) -> tuple[list[str], list[LogNotice], int]:
    told: list[str] = []
    notices: list[LogNotice] = []
    renewed = 0

    def renew() -> None:
        nonlocal renewed
        renewed += 1

    async def work() -> None:
        sources = [Source(cloud, group, group, BEGIN) for group in cloud.arrivals]
        tail = Tail(cloud, cloud.clock, sources, follow=True, renew=renew)
        async with contextlib.aclosing(tail.batches()) as batches:
            async for batch in batches:
                told.extend(line.message for line in batch.lines)
                notices.extend(batch.notices)
                if cloud.clock.now() > EPOCH + seconds:
                    return

    run(work())
    return told, notices, renewed


def test_expired_credentials_are_waited_for_and_nothing_is_lost() -> None:
    cloud = cloud_of("g")
    cloud.error, cloud.refused = (
        CredentialsError("the AWS credentials have expired", "", "log in again"),
        ("g",),
    )
    told, notices, renewed = follow(cloud)
    assert told == [event.message for _, event in cloud.arrivals["g"]][: len(told)]
    assert len(told) > 75
    assert [n.kind for n in notices] == ["unread", "again"]
    assert "log in again" in notices[0].text
    assert renewed > 2


def test_one_group_that_is_denied_holds_up_none_of_the_others() -> None:
    cloud = cloud_of("a", "b")
    cloud.error, cloud.refused, cloud.ends = NotAllowedError("logs:FilterLogEvents", ""), ("a",), 1e9
    told, notices, _ = follow(cloud)
    assert [text for text in told if " b " in text][:75] == [e.message for _, e in cloud.arrivals["b"]][:75]
    assert [(n.kind, n.service) for n in notices] == [("unread", "a")]
    assert "logs:FilterLogEvents" in notices[0].text


def test_when_all_are_denied_it_ends_with_the_right_that_is_missing() -> None:
    cloud = cloud_of("a", "b")
    cloud.error, cloud.refused, cloud.ends = NotAllowedError("logs:FilterLogEvents", ""), ("a", "b"), 1e9
    with pytest.raises(NotAllowedError) as error:
        follow(cloud)
    assert "`sdt health SERVICE` works without it" in error.value.next


def test_the_memory_is_bounded_and_what_it_costs_is_known() -> None:
    seen = Seen(most=1000)
    events = [LogEvent(at, at, "s", "m", f"{at}") for at in range(1500)]
    assert len(seen.searched(events)) == 1500
    floor = seen.bound()
    assert floor == 1001
    assert len(seen) == 499
    assert seen.searched([e for e in events if e.at >= floor]) == []
    assert seen.bound() is None
