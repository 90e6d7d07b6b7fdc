"""The ``[cost]`` table of the catalog."""

from __future__ import annotations

import pytest

from sdt_console.catalog.check import check_text
from tests.catalogs import SMALL, ours

COST = """
[cost]
standing = ["nat"]
[cost.parts]
fargate = ["Amazon Elastic Container Service"]
nat = ["EC2 - Other"]
[cost.estimates.dev]
fargate = [150, 200]
nat = [30, 45]
"""


def test_our_own_estimates_add_up_to_what_the_system_was_planned_for() -> None:
    totals = {
        env: (sum(low for low, _ in parts.values()), sum(high for _, high in parts.values()))
        for env, parts in ours().cost.estimates.items()
    }
    assert totals == {"dev": (230, 315), "production": (950, 1420)}


def test_a_table_that_is_right() -> None:
    catalog, problems = check_text(SMALL + COST)
    assert catalog is not None, problems
    assert catalog.cost.estimates["dev"]["nat"] == (30, 45)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('standing = ["nat"]', 'standing = ["natt"]', "no such part in cost.parts; did you mean nat?"),
        ("estimates.dev", "estimates.deev", "no such environment; did you mean dev?"),
        ("nat = [30", "gnat = [30", "no such part in cost.parts; did you mean nat?"),
        ("[150, 200]", "[200, 150]", "goes from 200 to 150; the smaller amount comes first"),
        ("[150, 200]", "[-1, 150]", "greater than or equal to 0"),
        ("[150, 200]", "[150.5, 200]", "must be a whole number"),
        (
            "EC2 - Other",
            "Amazon Elastic Container Service",
            "is in fargate already, and would be counted twice",
        ),
        ("[cost]", '[cost]\nnamespace = "AWS/ECS"', "names that begin with AWS/ are AWS's own"),
    ],
)
def test_a_mistake_is_told(old: str, new: str, told: str) -> None:
    catalog, problems = check_text(SMALL + COST.replace(old, new, 1))
    assert catalog is None
    assert any(told in str(problem) for problem in problems), [str(p) for p in problems]
