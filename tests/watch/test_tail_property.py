"""Each event once and in its place, whatever the network, the agents and the clocks do."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sdt_console.model import LogEvent, LogLine, LogNotice
from sdt_console.watch.logs.live import LIFE_S
from sdt_console.watch.logs.source import Source
from sdt_console.watch.logs.tail import HOLD_S, Tail
from tests.virtual_time import EPOCH, LoopClock, run
from tests.watch.cloud import Cloud

EVENTS = 10_500
BEGIN = int(EPOCH * 1000)
HISTORY_MS, LIVE_MS, SETTLED_MS = 60_000, 60_000, 400_000


@dataclass(frozen=True)
class Weather:
    seed: int
    groups: int
    streams: int
    late: float
    latest_ms: int
    same: float
    kills: float
    page: int
    live: str


def arrivals(weather: Weather) -> dict[str, list[tuple[int, LogEvent]]]:
    """Events of two minutes, the first one history; some come late, some are alike in all but their id."""
    random = Random(weather.seed)
    found: dict[str, list[tuple[int, LogEvent]]] = {}
    at, last = 0, 0
    for number in range(EVENTS):
        group = f"/ecs/{random.randrange(weather.groups)}"
        stream = f"s/{random.randrange(weather.streams)}"
        at = last if random.random() < weather.same else random.randrange(-HISTORY_MS, LIVE_MS)
        last = at
        lag = random.randrange(weather.latest_ms) if random.random() < weather.late else random.randrange(200)
        seen = BEGIN + at + lag
        text = "INFO again" if random.random() < 0.02 else f"INFO {number}"
        event = LogEvent(BEGIN + at, seen // 50 * 50, stream, text, f"id{number}")
        found.setdefault(group, []).append((seen, event))
        if text == "INFO again":
            found[group].append((seen, event._replace(id=f"id{number}b")))
    return found


def followed(weather: Weather) -> tuple[list[LogLine], list[LogNotice], Cloud]:
    """What a tail prints until everything has come and been looked for."""
    clock = LoopClock()
    lines: list[LogLine] = []
    notices: list[LogNotice] = []
    cloud = Cloud(
        clock,
        Random(weather.seed),
        arrivals(weather),
        page=weather.page,
        kills=weather.kills,
        live_denied=weather.live == "denied",
        most_live=40,
    )

    async def follow() -> None:
        sources = [Source(cloud, group, group, BEGIN - HISTORY_MS) for group in sorted(cloud.arrivals)]
        arns = {} if weather.live == "no" else {group: group for group in cloud.arrivals}
        tail = Tail(cloud, clock, sources, follow=True, arns=arns)
        async with contextlib.aclosing(tail.batches()) as batches:
            async for batch in batches:
                lines.extend(batch.lines)
                notices.extend(batch.notices)
                if clock.now() * 1000 > BEGIN + LIVE_MS + weather.latest_ms + 25_000:
                    return
        raise AssertionError("the tail ended by itself")

    # A line a second keeps the batches coming when all else has been told.
    for group in list(cloud.arrivals)[:1]:
        for second in range(LIVE_MS // 1000, SETTLED_MS // 1000):
            at = BEGIN + second * 1000
            cloud.arrivals[group].append((at, LogEvent(at, at, "pulse", "pulse", f"p{second}")))
    run(follow())
    return [line for line in lines if line.stream != "pulse"], notices, cloud


WEATHER = st.builds(
    Weather,
    seed=st.integers(0, 2**32),
    groups=st.integers(1, 3),
    streams=st.integers(1, 4),
    late=st.sampled_from([0.0, 0.02, 0.3]),
    latest_ms=st.sampled_from([3_000, 9_000, 120_000]),
    same=st.sampled_from([0.0, 0.2, 0.9]),
    kills=st.sampled_from([0.0, 0.1, 0.4]),
    page=st.sampled_from([97, 1_000, 10_000]),
    live=st.sampled_from(["no", "yes", "denied"]),
)


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(WEATHER)
def test_each_event_is_told_once_and_those_in_time_in_order(weather: Weather) -> None:
    lines, notices, cloud = followed(weather)
    came = [(seen, e) for events in cloud.arrivals.values() for seen, e in events if e.stream != "pulse"]
    told = Counter((line.group, line.stream, line.at, line.ingested, line.message) for line in lines)
    expected = Counter(
        (group, e.stream, e.at, e.ingested, e.message)
        for group, events in cloud.arrivals.items()
        for _, e in events
        if e.stream != "pulse"
    )
    assert len(came) >= 10_000
    assert told == expected
    if weather.live != "yes":  # Live Tail tells what breaks off when it is found again
        late = {
            (e.stream, e.at, e.ingested, e.message)
            for seen, e in came
            if seen - e.at > HOLD_S * 1000 and seen > BEGIN
        }
        punctual = [
            line.at for line in lines if (line.stream, line.at, line.ingested, line.message) not in late
        ]
        assert punctual == sorted(punctual)
    if weather.live == "denied" and not weather.kills:  # else the connection may break before it is denied
        assert any(n.kind == "polling" and "logs:StartLiveTail" in n.text for n in notices)


def test_a_session_is_renewed_before_its_three_hours_without_losing_or_repeating() -> None:
    clock, seconds = LoopClock(), int(LIFE_S) + 120
    events = [
        (BEGIN + s * 1000, LogEvent(BEGIN + s * 1000, BEGIN + s * 1000, "s", f"INFO {s}", f"{s}"))
        for s in range(seconds)
    ]
    cloud = Cloud(clock, Random(1), {"g": events})
    told: list[str] = []

    async def follow() -> None:
        tail = Tail(cloud, clock, [Source(cloud, "a", "g", BEGIN)], follow=True, arns={"g": "g"})
        async with contextlib.aclosing(tail.batches()) as batches:
            async for batch in batches:
                told.extend(line.message for line in batch.lines)
                if clock.now() * 1000 >= events[-1][0] or len(told) >= seconds:
                    break

    run(follow())
    assert len(cloud.sessions) == 2
    assert [s.closed for s in cloud.sessions] == [True, True]
    assert told == [f"INFO {s}" for s in range(len(told))]
    assert len(told) > seconds - 15
    assert cloud.searches < seconds / 5  # Live Tail spares the searches
