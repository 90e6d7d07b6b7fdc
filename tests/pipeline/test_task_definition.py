"""Only the service's own image may differ, and that is proved."""

from __future__ import annotations

from typing import Any

import pytest

from sdt_console.errors import DeployError
from sdt_console.pipeline.task_definition import container_index, prove_only_image_differs, with_image


def definition(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"family": "f", "revision": 1, "containerDefinitions": list(containers)} | more


APP = {"name": "app", "image": "r/app:1", "environment": [{"name": "A", "value": "1"}]}
SIDECAR = {"name": "sidecar", "image": "r/side:1"}


@pytest.mark.parametrize(
    ("containers", "index"),
    [
        ((SIDECAR, APP), 1),
        ((SIDECAR | {"essential": False}, {"name": "other"}), 1),
        (({"name": "only"},), 0),
    ],
)
def test_the_services_own_container(containers: tuple[dict[str, Any], ...], index: int) -> None:
    assert container_index(definition(*containers), "app") == index


@pytest.mark.parametrize("containers", [(), (SIDECAR, {"name": "other"})])
def test_no_container_is_guessed(containers: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(DeployError) as caught:
        container_index(definition(*containers), "app")
    assert caught.value.next == "name the container app in the task definition"


def test_only_that_image_changes() -> None:
    old = definition(SIDECAR, APP)
    new = with_image(old, 1, "r/app:2")
    assert new["containerDefinitions"] == [SIDECAR, APP | {"image": "r/app:2"}]
    assert old["containerDefinitions"][1]["image"] == "r/app:1"
    prove_only_image_differs(old, new | {"revision": 2, "registeredAt": "now"}, 1, "r/app:2", "app")


@pytest.mark.parametrize(
    ("spoilt", "path"),
    [
        ({"cpu": "256"}, "cpu"),
        (
            {"containerDefinitions": [SIDECAR, APP | {"image": "r/app:2", "memory": 1}]},
            "containerDefinitions[1].memory",
        ),
        (
            {"containerDefinitions": [SIDECAR | {"image": "x"}, APP | {"image": "r/app:2"}]},
            "containerDefinitions[0].image",
        ),
        ({"containerDefinitions": [SIDECAR, APP | {"image": "r/app:3"}]}, "containerDefinitions[1].image"),
        ({"containerDefinitions": [SIDECAR]}, "containerDefinitions"),
    ],
)
def test_anything_else_that_differs_stops_the_deploy(spoilt: dict[str, Any], path: str) -> None:
    old = definition(SIDECAR, APP)
    new = with_image(old, 1, "r/app:2") | spoilt
    with pytest.raises(DeployError) as caught:
        prove_only_image_differs(old, new, min(1, len(new["containerDefinitions"]) - 1), "r/app:2", "app")
    assert path in caught.value.cause
