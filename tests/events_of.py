"""Events of whole runs, made up: for what reads the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sdt_console import events as ev
from sdt_console.model import Outcome

MIN, DAY = 60.0, 86400.0
HEAD = "h" * 40
ACTIVE = tuple("abcdefghijklmno")
"""Services that can be built: fifteen."""
_ORDER = ("plan", "gate", "build", "deploy")


def bodies(
    outcome: Outcome | None = Outcome.SUCCEEDED,
    *,
    environment: str = "dev",
    service: str = "a",
    selected: Sequence[str] = (),
    kind: str = "pipeline",
    stages: Sequence[str] = ("gate", "build", "push", "deploy", "health"),
    until: str = "deploy",
    reused: bool = False,
    head: str = HEAD,
) -> list[tuple[float, ev.Body]]:
    """A run of 17 minutes, 15 of them the build: seconds after its start, and what it says.

    :param until: the stage in which it ended.
    :param selected: services that it builds and deploys; ``service`` alone if empty.
    """
    names = list(selected or [service])
    reached = _ORDER[: _ORDER.index(until) + 1]
    found: list[tuple[float, ev.Body]] = [
        (0, ev.RunStarted(environment, "b" * 40, head, request={"kind": kind})),
        (
            0,
            ev.Planned(
                {
                    "head": head,
                    "waves": [names],
                    "before": {},
                    "stages": list(stages),
                    "selections": [
                        *({"name": n, "selected": n in names, "reason": "because"} for n in ACTIVE),
                        {"name": "later", "selected": False, "reason": "pending: its code is not there yet"},
                        {
                            "name": "redis",
                            "selected": False,
                            "reason": "data service: watched, never built",
                        },
                    ],
                }
            ),
        ),
    ]
    last = Outcome.SUCCEEDED if outcome is None else outcome
    if "gate" in reached:
        end = last if until == "gate" else Outcome.SUCCEEDED
        found += [(0, ev.StageStarted("gate")), (0, ev.StageFinished("gate", end))]
    if "build" in reached and "build" in stages and kind != "rollback":
        made = Outcome.SKIPPED if reused else Outcome.SUCCEEDED
        found += [(0, ev.StageStarted("build")), *((0.0, ev.StepStarted("build", n)) for n in names)]
        found += [(15 * MIN, ev.StepFinished("build", n, made)) for n in names]
        found += [(15 * MIN, ev.StageFinished("build", Outcome.SUCCEEDED))]
    if "deploy" in reached and "deploy" in stages:
        found += [(15 * MIN, ev.StageStarted("deploy"))]
        found += [(15 * MIN, ev.StepStarted("deploy", n)) for n in names]
        if outcome is not None:
            found += [(17 * MIN, ev.StepFinished("deploy", n, last)) for n in names]
            found += [(17 * MIN, ev.StageFinished("deploy", last))]
    if outcome is not None:
        found.append((17 * MIN, ev.RunFinished(outcome, 0 if outcome is Outcome.SUCCEEDED else 4)))
    return found


def run(
    number: int,
    outcome: Outcome | None = Outcome.SUCCEEDED,
    *,
    at: float = 0.0,
    environment: str = "dev",
    service: str = "a",
    selected: Sequence[str] = (),
    kind: str = "pipeline",
    stages: Sequence[str] = ("gate", "build", "push", "deploy", "health"),
    until: str = "deploy",
    reused: bool = False,
    head: str = HEAD,
) -> list[ev.Event]:
    """One run that began at ``at``, as :func:`bodies` has it."""
    told = bodies(
        outcome,
        environment=environment,
        service=service,
        selected=selected,
        kind=kind,
        stages=stages,
        until=until,
        reused=reused,
        head=head,
    )
    return [ev.Event(f"{number:08x}", seq, at + after, body) for seq, (after, body) in enumerate(told)]


def history(start: float = 0.0) -> Iterator[list[ev.Event]]:
    """The old pipeline's: 53 deployments a day apart, 8 of which failed, 6 of 15 services built in each."""
    for n in range(53):
        failed = n % 7 == 3
        outcome = Outcome.ROLLED_BACK if failed else Outcome.SUCCEEDED
        yield run(n, outcome, at=start + n * DAY, selected=ACTIVE[:6])
