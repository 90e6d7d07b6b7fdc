"""What all tests share: the Docker Engine, if there is one, and a registry behind moto's ECR."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.command import Sdt
    from tests.registry_server import RegistryServer
    from tests.world import World

REQUIRE_DOCKER = "SDT_REQUIRE_DOCKER"

# Sandboxes come and go by the hundred, and each leaves work for the collector: seldom is often enough.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def engine_trouble() -> str | None:
    """Why no Docker Engine can be used here; ``None`` if one answers."""
    from sdt_console.clients.engine_builder import EngineBuilder

    return EngineBuilder.available()


@pytest.fixture(autouse=True)
def _docker_tests(request: pytest.FixtureRequest) -> None:
    """Tests marked ``docker`` are skipped without an engine; where one is required they fail."""
    if request.node.get_closest_marker("docker") is None:
        return
    trouble = request.getfixturevalue("engine_trouble")
    if trouble and os.environ.get(REQUIRE_DOCKER):
        pytest.fail(trouble, pytrace=False)
    if trouble:
        pytest.skip(trouble)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry behind moto's ECR on loopback, empty."""
    from tests.registry_server import serve

    with serve(tmp_path / "registry") as server:
        yield server


_OURS = ("SDT_", "AWS_", "ECS_", "ECR_", "GITHUB_", "SLACK_", "COLUMNS", "NO_COLOR")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the machine's own settings reaches a test, and no test writes into the user's folders."""
    for key in list(os.environ):
        if key.startswith(_OURS) and key != REQUIRE_DOCKER:
            monkeypatch.delenv(key)
    monkeypatch.setenv("SDT_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def sdt(capsys: pytest.CaptureFixture[str]) -> Sdt:
    """Calls ``sdt`` in this process."""
    from tests.command import Sdt

    return Sdt(capsys)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """A whole account and a whole backend repository, on a clock that the run itself moves."""
    from tests.world import opened

    with opened(tmp_path, monkeypatch.setenv) as made:
        yield made
