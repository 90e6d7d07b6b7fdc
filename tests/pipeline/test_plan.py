"""The plan: builds in topological order, waves by priority, revisions before, JSON both ways."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdt_console.catalog.graph import cycle, topological
from sdt_console.catalog.model import Catalog
from sdt_console.errors import UsageError
from sdt_console.model import Detection, Plan, Revision, Selection
from sdt_console.pipeline.plan import from_json, make, matrix, to_json
from tests.catalogs import SMALL, catalog, ours

HEAD = "a" * 40


def detection(made: Catalog, *names: str) -> Detection:
    selections = [
        Selection(n, n in names, "because", ("x/\udcff",) if n in names else ()) for n in made.all_names
    ]
    return Detection("b" * 40, HEAD, tuple(selections), ("a remark",))


def all_of_it(made: Catalog) -> Detection:
    return detection(made, *(s.name for s in made.active))


def test_waves_are_the_priorities_and_builds_respect_build_after() -> None:
    plan = make(ours(), "dev", all_of_it(ours()), None)
    assert plan.waves[:3] == (("config-server",), ("discovery-server",), ("api-gateway",))
    assert len(plan.waves[3]) == 12
    assert plan.parallel == 4
    assert plan.builds.index("user-service") < plan.builds.index("task-service")
    assert set(plan.builds) == {s.name for s in ours().active}
    assert plan.modules == ("common-event", "common-security", "common-util")


def test_a_service_listed_before_what_it_builds_after_is_moved_behind_it() -> None:
    text = SMALL.replace("port = 8081", 'port = 8081\nbuild_after = ["user-service-v2"]')
    made = catalog(text)
    plan = make(made, "dev", all_of_it(made), None)
    assert plan.builds == ("user-service", "user-service-v2", "config")
    assert plan.waves == (("config",), ("user-service", "user-service-v2"))


def test_order_holds_through_services_that_are_not_part_of_it() -> None:
    after = {"a": ["b"], "b": ["c"], "c": []}
    assert topological(["a", "c"], after) == ("c", "a")


def test_only_the_modules_that_are_used_are_built_uses_first() -> None:
    text = SMALL.replace('uses = ["events"]', "").replace(
        'name = "events"', 'name = "events"\nuses = ["security"]'
    )
    made = catalog(text.replace('uses = ["security"]\n\n[[services]]', 'uses = ["events"]\n\n[[services]]'))
    assert make(made, "dev", detection(made, "user-service"), None).modules == ("security", "events")
    assert make(made, "dev", detection(made, "config"), None).modules == ()


def test_live_revisions_and_repositories_are_what_is_there_now() -> None:
    made = catalog()
    arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-dev-config:41"
    live = {"config": Revision("config", arn)}
    plan = make(made, "dev", all_of_it(made), live, {"shop/dev/config": "127.0.0.1:5000/shop/dev/config"})
    assert plan.before == {"config": arn, "user-service": None, "user-service-v2": None}
    assert plan.images["config"] == f"127.0.0.1:5000/shop/dev/config:{HEAD}"
    assert plan.images["user-service"] == (
        f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/dev/user-service:{HEAD}"
    )
    assert plan.remarks == (
        "a remark",
        "user-service: no service shop-dev-user-service in shop-dev",
        "user-service: no ECR repository shop/dev/user-service",
        "user-service-v2: no service shop-dev-user-service-v2 in shop-dev",
        "user-service-v2: no ECR repository shop/dev/user-service-v2",
    )


def test_offline_says_so_and_names_no_revision() -> None:
    plan = make(catalog(), "dev", all_of_it(catalog()), None)
    assert plan.offline
    assert plan.before == {}


def test_policies_come_from_the_environment() -> None:
    text = SMALL.replace(
        "[environments.dev]", '[environments.dev]\nrollback = "none"\nimage_reference = "latest"'
    )
    plan = make(catalog(text), "dev", all_of_it(catalog(text)), None)
    assert (plan.rollback, plan.image_reference) == ("none", "latest")
    assert plan.images["config"].endswith("/shop/dev/config:latest")


def test_nothing_selected_is_an_empty_plan() -> None:
    plan = make(catalog(), "dev", detection(catalog()), {})
    assert (plan.builds, plan.waves, plan.before, plan.modules) == ((), (), {}, ())


def test_json_both_ways() -> None:
    plan = make(ours(), "staging", all_of_it(ours()), {})
    text = json.dumps(to_json(plan))
    again = from_json(text, "plan.json")
    assert to_json(again) == to_json(plan)
    assert again.waves == plan.waves
    for key in ("version", "environment", "base", "head", "builds", "waves", "selections", "before"):
        assert key in json.loads(text)
    assert json.loads(text)["selections"][0]["files"] == ["x/\\xff"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "version is None, not 1"),
        ('{"version": 2}', "version is 2, not 1"),
        ('{"version": 1}', "environment: Field required"),
        ('{"version": 1, "environment": 3}', "environment: Input should be a valid string"),
    ],
)
def test_a_file_that_is_no_plan_is_told(text: str, cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(text, "p.json")
    assert caught.value.cause == cause
    assert caught.value.next == "make it again with `sdt plan -o FILE`"


def test_matrix_is_what_a_workflow_takes() -> None:
    made = ours()
    assert matrix(made, make(made, "dev", detection(made, "task-service"), None)) == {
        "include": [
            {
                "service": "task-service",
                "path": "skilltracker-services/task-service",
                "context": ".",
                "dockerfile": "skilltracker-services/task-service/Dockerfile",
                "image": f"962496666337.dkr.ecr.eu-west-1.amazonaws.com/sdt/dev/task-service:{HEAD}",
            }
        ]
    }


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_topological_puts_each_behind_what_it_comes_after(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    names = [f"n{i}" for i in range(size)]
    edges = {n: data.draw(st.lists(st.sampled_from(names), max_size=3)) for n in names}
    circle = cycle(edges)
    if circle:
        assert circle[0] == circle[-1]
        assert all(b in edges[a] for a, b in pairwise(circle))
        return
    order = topological(names, edges)
    assert sorted(order) == sorted(names)
    assert all(order.index(after) > order.index(first) for after in names for first in edges[after])


def test_the_same_input_gives_the_same_plan() -> None:
    plans = {json.dumps(to_json(make(ours(), "dev", all_of_it(ours()), {}))) for _ in range(3)}
    assert len(plans) == 1
    assert isinstance(make(ours(), "dev", all_of_it(ours()), {}), Plan)
