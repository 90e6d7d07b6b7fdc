"""A repository's lifecycle policy held against the catalog's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sdt_console.model import EcrImage
from sdt_console.watch.lifecycle import DAY_S, Policy, differences, overdue

WANTED = Policy(10, 7)


def policy(*rules: dict[str, Any]) -> str:
    made = [
        {
            "rulePriority": n,
            "selection": {k: v for k, v in rule.items() if k != "action"},
            "action": {"type": rule.get("action", "expire")},
        }
        for n, rule in enumerate(rules, 1)
    ]
    return json.dumps({"rules": made})


UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
TAGGED = {
    "tagStatus": "tagged",
    "tagPatternList": ["*"],
    "countType": "imageCountMoreThan",
    "countNumber": 10,
}
ANY = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
NO_TAGGED = "tagged images never expire; wanted: they expire beyond the newest 10"
NO_UNTAGGED = "untagged images never expire; wanted: they expire after 7 days"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ["no lifecycle policy: no image ever expires"]),
        (json.dumps(WANTED.document()), []),
        (policy(UNTAGGED, TAGGED), []),
        (policy(TAGGED, UNTAGGED), []),
        (policy(UNTAGGED, ANY), []),
        (policy(), [NO_UNTAGGED, NO_TAGGED]),
        (policy(TAGGED), [NO_UNTAGGED]),
        (policy(UNTAGGED), [NO_TAGGED]),
        (
            policy(ANY),
            ["untagged images expire beyond the newest 10; wanted: they expire after 7 days"],
        ),
        (
            policy(UNTAGGED | {"countNumber": 1}, TAGGED | {"countNumber": 30}),
            [
                "untagged images expire after 1 day; wanted: they expire after 7 days",
                "tagged images expire beyond the newest 30; wanted: they expire beyond the newest 10",
            ],
        ),
        (
            policy(UNTAGGED, TAGGED | {"countType": "sinceImagePulled", "action": "transition"}),
            [
                "tagged images are archived after 10 days without a pull; "
                "wanted: they expire beyond the newest 10"
            ],
        ),
        (
            policy({**TAGGED, "tagPatternList": ["pr-*", "x*"], "countNumber": 1}, UNTAGGED, TAGGED),
            ["rule 1: images tagged pr-* and x* expire beyond the newest 1"],
        ),
        (
            policy(
                UNTAGGED,
                {k: v for k, v in TAGGED.items() if k != "tagPatternList"} | {"tagPrefixList": ["v"]},
            ),
            ["rule 2: images tagged v* expire beyond the newest 10", NO_TAGGED],
        ),
        ("{", ["its lifecycle policy cannot be read"]),
        ('{"rules": [{}]}', ["its lifecycle policy cannot be read"]),
        ("[]", ["its lifecycle policy cannot be read"]),
    ],
)
def test_a_policy_differs_by(text: str | None, expected: list[str]) -> None:
    assert differences(text, WANTED) == expected


def image(number: int, days_old: float, *tags: str) -> EcrImage:
    return EcrImage("r", f"sha256:{number:064x}", tags, 100 * DAY_S - days_old * DAY_S)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], (0, 0)),
        ([image(n, n, f"v{n}") for n in range(10)], (0, 0)),
        ([image(n, n + 1.5, f"v{n}") for n in range(12)], (2, 0)),
        # ECR has a day's time for it: the newest was pushed this morning
        ([image(n, n + 0.5, f"v{n}") for n in range(12)], (1, 0)),
        ([image(1, 7.9), image(2, 8.1), image(3, 30)], (0, 2)),
    ],
)
def test_images_that_should_have_gone(images: list[EcrImage], expected: tuple[int, int]) -> None:
    assert overdue(images, (), WANTED, 100 * DAY_S) == expected


def test_what_an_index_lists_stays_with_it() -> None:
    old = image(3, 30)
    assert overdue([image(1, 30, "v1"), old], {old.digest}, WANTED, 100 * DAY_S) == (0, 0)
