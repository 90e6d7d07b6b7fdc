"""What a run says: a list of events, each durable before the change that it announces.

Every view (terminal, console, Slack, GitHub, history, replay) is a fold of this list.
An event travels as one JSON object: ``{"run", "seq", "at", "type", …fields of the body}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sdt_console.model import Failure, Outcome

VERSION = 1


@dataclass(frozen=True)
class RunStarted:
    """A run begins; ``title`` and ``by`` are untrusted text, empty where they are not known.

    :param request: what was asked for, the fields of :class:`sdt_console.model.Request`.
    :param url: where this run can be watched, such as its page in GitHub Actions.
    """

    environment: str
    base: str
    head: str
    title: str = ""
    by: str = ""
    version: int = VERSION
    request: Mapping[str, Any] = field(default_factory=dict)
    host: str = ""
    url: str = ""


@dataclass(frozen=True)
class RunResumed:
    """Another process goes on with a run that was cut off."""

    by: str = ""
    host: str = ""


@dataclass(frozen=True)
class Planned:
    """The plan that the run will walk, as its JSON object."""

    plan: Mapping[str, Any]


@dataclass(frozen=True)
class StageStarted:
    stage: str


@dataclass(frozen=True)
class StageFinished:
    stage: str
    outcome: Outcome
    note: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class StepStarted:
    """A stage begins its work on one service."""

    stage: str
    service: str
    note: str = ""


@dataclass(frozen=True)
class StepProgressed:
    """How far a step is: ``done`` of ``total`` in the step's own unit; ``total`` 0 if unknown."""

    stage: str
    service: str
    note: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Intended:
    """About to change something outside: durable before the call goes out.

    :param action: the API operation, such as ``ecs:UpdateService``.
    :param request: its parameters; never a secret.
    """

    stage: str
    service: str
    action: str
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """The answer to the ``Intended`` before it with the same stage, service and action."""

    stage: str
    service: str
    action: str
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepFinished:
    """A step ended; ``result`` holds what it made (``image``, ``digest``, ``task_definition``, …)."""

    stage: str
    service: str
    outcome: Outcome
    note: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True)
class Noted:
    """Something worth saying that changes nothing; ``level`` is ``info`` or ``warning``."""

    text: str
    level: str = "info"
    stage: str = ""
    service: str = ""


@dataclass(frozen=True)
class RunFinished:
    outcome: Outcome
    exit_code: int
    failure: Failure | None = None


@dataclass(frozen=True)
class Unknown:
    """What a newer sdt has written and this one cannot read: kept as it is, and told to nobody.

    :param kind: its type.
    :param data: its fields.
    """

    kind: str
    data: Mapping[str, Any]


Body = (
    RunStarted
    | RunResumed
    | Planned
    | StageStarted
    | StageFinished
    | StepStarted
    | StepProgressed
    | Intended
    | Done
    | StepFinished
    | Noted
    | RunFinished
    | Unknown
)

TYPES: dict[str, type[Body]] = {
    "run-started": RunStarted,
    "run-resumed": RunResumed,
    "planned": Planned,
    "stage-started": StageStarted,
    "stage-finished": StageFinished,
    "step-started": StepStarted,
    "step-progressed": StepProgressed,
    "intended": Intended,
    "done": Done,
    "step-finished": StepFinished,
    "noted": Noted,
    "run-finished": RunFinished,
}
_NAMES = {body: name for name, body in TYPES.items()}
_OUTCOMES = frozenset(Outcome)


@dataclass(frozen=True)
class Event:
    """One entry of a run's list.

    :param seq: position in the run, from 0 without gaps.
    :param at: seconds since the epoch.
    """

    run: str
    seq: int
    at: float
    body: Body

    @property
    def type(self) -> str:
        return self.body.kind if isinstance(self.body, Unknown) else _NAMES[type(self.body)]


Emit = Callable[[Body], None]
"""Records one event durably and hands it to the subscribers; raises if it cannot be recorded."""


_HEAD = ("run", "seq", "at", "type")


def encode(event: Event) -> str:
    """One line of JSON, ASCII only."""
    head = {"run": event.run, "seq": event.seq, "at": event.at, "type": event.type}
    body = event.body
    rest = dict(body.data) if isinstance(body, Unknown) else asdict(body)
    return json.dumps(head | rest, separators=(",", ":"))


def decode(text: str) -> Event:
    """The event in one line of JSON; fields of a newer version are left aside.

    One of a type or with an outcome that only a newer version knows is :class:`Unknown`.

    :raises ValueError: the line is not an event.
    """
    data = json.loads(text)
    name = data.get("type") if isinstance(data, dict) else None
    if not isinstance(name, str) or not all(key in data for key in _HEAD):
        raise ValueError(f"not an event: {text[:80]!r}")
    return Event(run=data["run"], seq=data["seq"], at=data["at"], body=_body(name, data))


def _body(name: str, data: dict[str, Any]) -> Body:
    kind = TYPES.get(name)
    if kind is None or data.get("outcome", Outcome.SUCCEEDED) not in _OUTCOMES:
        return Unknown(name, {key: value for key, value in data.items() if key not in _HEAD})
    names = {f.name for f in fields(kind)}
    values = {key: value for key, value in data.items() if key in names}
    if isinstance(values.get("failure"), dict):
        values["failure"] = _failure(values["failure"])
    if "outcome" in values:
        values["outcome"] = Outcome(values["outcome"])
    return kind(**values)


def _failure(data: dict[str, Any]) -> Failure:
    known = {key: data[key] for key in ("what", "cause", "next") if key in data}
    return Failure(**known, evidence=tuple(data.get("evidence", ())))
