"""A plan that was edited by hand, or recorded under another catalog: refused before anything is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdt_console.errors import UsageError
from sdt_console.events import Event, Planned
from sdt_console.model import Plan, Request, Revision
from sdt_console.pipeline.plan import from_data, make, to_json
from sdt_console.pipeline.plan_check import checked
from sdt_console.pipeline.single import build_plan, deploy_plan, rollback_plan
from tests.catalogs import ours
from tests.command import Sdt
from tests.pipeline.test_plan import HEAD, detection
from tests.pipeline.test_single import definition, made_plan
from tests.world import World

NAME, OTHER = "task-service", "user-service"
ARN = "arn:aws:ecs:eu-west-1:962496666337:task-definition/{}:7"
REGISTRY = "962496666337.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "d" * 64
LIVE = {name: Revision(name, ARN.format(f"sdt-dev-{name}")) for name in (NAME, OTHER, "redis")}
Change = Callable[[dict[str, Any]], dict[str, Any]]


def pipeline() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        json.dumps(to_json(make(ours(), "dev", detection(ours(), NAME, OTHER), LIVE, good={})))
    )
    return made


def put(key: str, **values: Any) -> Change:
    return lambda data: data | {key: data[key] | values}


def with_name(key: str, value: Any) -> Change:
    return lambda data: data | {key: data[key] | {NAME: value}}


def by_tag(**values: Any) -> Change:
    """Deployed without a build, as ``sdt deploy`` plans it."""
    return lambda data: data | {"builds": [], "modules": [], "stages": ["deploy", "health"]} | values


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d | {"parallel": 0}, "parallel is 0, not 1 to 50"),
        (lambda d: d | {"parallel": 51}, "parallel is 51"),
        (lambda d: d | {"parallel": -1}, "parallel is -1"),
        (lambda d: d | {"rollback": "never"}, "rollback is 'never', not one of changed, failed, none"),
        (lambda d: d | {"image_reference": "tag"}, "image_reference is 'tag'"),
        (lambda d: d | {"stages": ["gate", "build", "push", "deploi"]}, "'deploi'; did you mean deploy?"),
        (lambda d: d | {"stages": ["build", "gate", "push", "deploy"]}, "not in the order"),
        (lambda d: d | {"stages": ["build", "push", "deploy", "deploy"]}, "not in the order"),
        (lambda d: d | {"stages": ["build", "push"]}, "no stage deploy for user-service"),
        (lambda d: d | {"stages": ["deploy"]}, "no stage build for user-service"),
        (lambda d: d | {"stages": []}, "no stage build"),
        (lambda d: d | {"stages": ["push", "deploy"]}, "there is a stage push, and none to build"),
        (lambda d: d | {"waves": [], "stages": ["build", "push", "health"]}, "stage health, and none"),
        (lambda d: d | {"stages": ["build", "deploy"]}, "is built and deployed, and not pushed"),
        (lambda d: d | {"builds": [NAME, NAME]}, "task-service is in builds twice"),
        (lambda d: d | {"waves": [[NAME], [OTHER, NAME]]}, "task-service is in waves twice"),
        (lambda d: d | {"modules": ["common-util"] * 2}, "common-util is in modules twice"),
        (lambda d: d | {"modules": ["common-utils"]}, "no shared module 'common-utils'; did you mean"),
        (lambda d: d | {"builds": ["task-servise"]}, "no service with a source 'task-servise'"),
        (lambda d: d | {"builds": ["redis"]}, "no service with a source 'redis'"),
        (lambda d: d | {"builds": [], "images": {}}, "nothing is said of user-service"),
        (put("images", nobody="x/y:z"), "there is no service 'nobody'"),
        (put("good", nobody=ARN.format("x")), "there is no service 'nobody'"),
        (with_name("images", f"{REGISTRY}/sdt/dev/user-service:{HEAD}"), "is not in sdt/dev/task-service"),
        (with_name("images", f"{REGISTRY}/x/sdt/dev/task-service:{HEAD}"), "is not in sdt/dev/task-service"),
        (with_name("images", f"sdt/dev/task-service:{HEAD}"), "is not in sdt/dev/task-service"),
        (with_name("images", f"{REGISTRY}/sdt/dev/task-service"), "has no tag"),
        (with_name("images", f"{REGISTRY}/sdt/dev/task-service:a b"), "has no tag"),
        (with_name("images", f"{REGISTRY}/sdt/dev/task-service:a@{DIGEST}"), "has no tag, or more than one"),
        (with_name("targets", ARN.format("sdt-dev-user-service")), "is no revision of sdt-dev-task-service"),
        (with_name("targets", "sdt-dev-task-service:7"), "is no revision of sdt-dev-task-service"),
        (with_name("targets", ARN.format("sdt-dev-task-service")), "deployed without what was built"),
        (with_name("good", ARN.format("other")), "is no revision of sdt-dev-task-service"),
        (with_name("digests", "sha256:1"), "'sha256:1' is no digest"),
        (by_tag(image_reference="digest"), "its digest is not known"),
        (by_tag(waves=[["redis"]], before={"redis": "x"}, images={"redis": "a/b:c"}), "is a data service"),
        (lambda d: d | {"head": "--output=/x"}, "head is '--output=/x', which is no commit"),
        (lambda d: d | {"base": "HEAD^"}, "base is 'HEAD^', which is no commit"),
        (lambda d: d | {"head": ""}, "no head to build it from"),
        (lambda d: d | {"environment": "nowhere"}, "there is no environment 'nowhere'"),
        (lambda d: d | {"cluster": "other"}, "it is for cluster other"),
        (lambda d: d | {"offline": True}, "so a move could not be seen"),
    ],
)  # fmt: skip
def test_what_cannot_be_walked_is_refused(change: Change, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked(from_data(change(pipeline()), "p.json"), ours(), "p.json")
    assert told in caught.value.cause
    assert caught.value.what.startswith("p.json ")
    assert caught.value.next == "make it again with `sdt plan -o FILE`"


def request(kind: str, *names: str, **more: Any) -> Request:
    return Request(kind, services=names, **more)


IMAGES = {name: f"127.0.0.1:5000/sdt/dev/{name}:{HEAD}" for name in (NAME, OTHER)}
BACK = {NAME: ARN.format("sdt-dev-task-service")}
# the family of a data service may be any: what runs is restarted as it is
STRANGE = {"redis": Revision("redis", ARN.format("cache"))}


@pytest.mark.parametrize(
    "plan",
    [
        make(ours(), "dev", detection(ours()), {}),
        make(ours(), "dev", detection(ours(), *(s.name for s in ours().active)), {}),
        make(ours(), "dev", detection(ours(), NAME), LIVE, {f"sdt/dev/{NAME}": f"[::1]:5000/sdt/dev/{NAME}"}),
        replace(make(ours(), "dev", detection(ours(), NAME), LIVE), good=BACK, base=""),
        build_plan(ours(), "dev", request("build", NAME, push=False), IMAGES, HEAD),
        build_plan(ours(), "dev", request("build", NAME, OTHER), IMAGES, HEAD),
        deploy_plan(ours(), "dev", request("deploy", NAME), LIVE, IMAGES, {NAME: DIGEST}),
        deploy_plan(ours(), "dev", request("deploy", NAME, rebuild=True), LIVE, IMAGES, {}, HEAD),
        deploy_plan(ours(), "dev", request("deploy", "redis", force=True), STRANGE, {}, {}),
        rollback_plan(ours(), "dev", request("rollback", NAME), LIVE, BACK, {NAME: "other/x:1"}, {}),
    ],
)  # fmt: skip
def test_every_kind_of_plan_that_we_make_is_taken(plan: Plan) -> None:
    data = json.loads(json.dumps(to_json(plan)))
    assert to_json(checked(from_data(data, "p"), ours(), "p")) == to_json(plan)


def test_a_plan_that_waits_for_nobody_does_not_hang(
    sdt: Sdt, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDT_STATE", str(world.state))
    file = made_plan(world, tmp_path / "plan.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"parallel": 0}))
    before = definition(world, NAME)
    ran = sdt("apply", file, "--repo", world.backend.path, "--builder", "sandbox")
    assert ran.status == 2
    assert "parallel is 0" in ran.err
    assert sdt("history", "--json").json == []
    assert definition(world, NAME) == before


def test_a_recorded_plan_is_looked_at_in_the_same_way(world: World) -> None:
    world.run()
    begun = world.events[: [e.type for e in world.events].index("planned") + 1]
    engine = world.engine()
    try:
        for event in begun:
            body = event.body
            if isinstance(body, Planned):
                body = Planned(dict(body.plan) | {"stages": ["health", "deploy"]})
            engine.journal.append(Event("edited", event.seq, event.at, body))
        with pytest.raises(UsageError, match="the plan of run edited does not hang together") as caught:
            asyncio.run(engine.resume("edited"))
        assert "start a new run" in caught.value.next
        assert len(engine.history.events("edited")) == len(begun)
    finally:
        engine.close()
