"""Events as JSON lines: there and back, and what a newer sdt has written is kept, not refused."""

from __future__ import annotations

import json

import pytest

from sdt_console import events as ev
from sdt_console.model import Failure, Outcome
from sdt_console.runs.fold import fold

FAILURE = Failure("what", "why", ("a", "b"), "next")
BODIES: list[ev.Body] = [
    ev.RunStarted("dev", "b" * 40, "h" * 40, "a title\x1b[31m", "ada", request={"kind": "pipeline"}),
    ev.RunResumed("ada", "ci-7"),
    ev.Planned({"waves": [["a"]], "builds": ["a"]}),
    ev.StageStarted("deploy"),
    ev.StepStarted("deploy", "a"),
    ev.StepProgressed("deploy", "a", "rolling out 1/2", 1, 2),
    ev.Intended("deploy", "a", "ecs:UpdateService", {"cluster": "c"}),
    ev.Done("deploy", "a", "ecs:UpdateService", {"deployment": "ecs-svc/1"}),
    ev.StepFinished("deploy", "a", Outcome.FAILED, "", {"image": "i"}, FAILURE),
    ev.StageFinished("deploy", Outcome.FAILED, "", FAILURE),
    ev.Noted("text", "warning", "deploy", "a"),
    ev.RunFinished(Outcome.ROLLED_BACK, 4, FAILURE),
]


def test_every_kind_of_event_comes_back_as_it_was() -> None:
    assert {type(body) for body in BODIES} == set(ev.TYPES.values())
    for seq, body in enumerate(BODIES):
        event = ev.Event("r1", seq, 1.5, body)
        assert ev.decode(ev.encode(event)) == event
        assert ev.encode(event).isascii()


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "gate-asked", "gate": "sonarqube", "tries": [1, 2]},
        {"type": "stage-finished", "stage": "deploy", "outcome": "half-done", "note": ""},
    ],
)
def test_what_a_newer_sdt_wrote_is_kept_and_told_to_nobody(fields: dict[str, object]) -> None:
    line = json.dumps({"run": "r1", "seq": 3, "at": 2.0} | fields, separators=(",", ":"))
    event = ev.decode(line)
    assert isinstance(event.body, ev.Unknown)
    assert event.type == fields["type"]
    assert ev.encode(event) == line
    before = [ev.Event("r1", seq, 1.0, body) for seq, body in enumerate(BODIES[:4])]
    assert fold([*before, event]) == fold(before)


def test_fields_of_a_newer_version_are_left_aside() -> None:
    line = (
        '{"run":"r","seq":0,"at":1,"type":"stage-finished","stage":"x","outcome":"failed","colour":"red",'
        '"failure":{"what":"w","cause":"c","evidence":[],"next":"","code":7}}'
    )
    assert ev.decode(line).body == ev.StageFinished("x", Outcome.FAILED, failure=Failure("w", "c"))


@pytest.mark.parametrize("line", ["[]", "{}", '"x"', '{"type":"noted"}', "not json"])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ev.decode(line)
