"""The whole pipeline with tasks that are containers: ``--docker``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from sdt_console.sandbox.containers.engine import BASE as BASE_IMAGES
from sdt_console.sandbox.containers.engine import LABEL
from tests.catalogs import OURS
from tests.sandbox.containers import BASE, import_base

SDT = [sys.executable, "-m", "sdt_console"]


@pytest.fixture
def engine(engine_trouble: str | None) -> Iterator[Any]:
    import docker

    if engine_trouble:
        pytest.skip(engine_trouble)
    client = docker.from_env()
    import_base(client)
    yield client
    client.images.remove(BASE, force=True)
    client.close()


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Our own catalog, with a base image that has a program in it."""
    text = OURS.read_text()
    path = tmp_path / "catalog.toml"
    path.write_text(text.replace("[source]\n", f'[source]\nbuild_args = {{ BASE = "{BASE}" }}\n'))
    assert path.read_text() != text
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return dict(os.environ) | {"SDT_STATE": str(tmp_path / "state"), "TMPDIR": str(folder)}


def ours(engine: Any, pid: int) -> list[Any]:
    """The containers that a process has made."""
    found = engine.containers.list(all=True, filters={"label": LABEL})
    return [container for container in found if f"/{pid}/" in container.labels[LABEL]]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("command", "own_base"),
    [(["--ci", "--sandbox", "--docker"], True), (["demo", "--docker"], False)],
    ids=["ci, base image of the catalog", "demo, base image of the sandbox"],
)
def test_a_sandbox_of_its_own_deploys_containers_and_leaves_none(
    engine: Any, catalog: Path, environ: dict[str, str], command: list[str], own_base: bool
) -> None:
    since = engine.info()["SystemTime"]
    used = catalog if own_base else OURS
    process = subprocess.Popen(
        [*SDT, *command, "--json", "--catalog", str(used)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=catalog.parent,
    )  # fmt: skip
    out, narration = process.communicate(timeout=100)
    assert process.returncode == 0, narration
    (deployed,) = json.loads(out)["services"]
    started = engine.events(
        since=_seconds(since), until=_seconds(engine.info()["SystemTime"]), decode=True,
        filters={"type": "container", "event": "start", "label": LABEL},
    )  # fmt: skip
    told = [event["Actor"]["Attributes"] for event in started]
    (image,) = {about["image"] for about in told if f"/{process.pid}/" in about[LABEL]}
    assert image.rpartition("@")[2] == deployed["digest"]
    assert ours(engine, process.pid) == []
    assert engine.images.list(f"{BASE_IMAGES}:{process.pid}") == []
    assert [p.name for p in Path(environ["TMPDIR"]).iterdir()] == []


@pytest.mark.docker
def test_aws_and_the_engine_agree_on_the_digest_and_a_killed_sandbox_is_cleaned_up_by_the_next(
    engine: Any, catalog: Path, environ: dict[str, str]
) -> None:
    with _sandbox(catalog, environ, signal.SIGKILL) as (pid, told):
        ran = subprocess.run(
            [*SDT, "--ci", "--json", "--env", "dev", "--catalog", str(catalog), "--repo", told["repository"],
             "--skip-gate", "maven", "--skip-gate", "sonarqube"],
            capture_output=True, text=True, check=False, env=environ | told["environ"], timeout=100,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        (deployed,) = json.loads(ran.stdout)["services"]
        keys = told["environ"]
        ecs = boto3.client(
            "ecs", region_name=keys["AWS_REGION"], endpoint_url=keys["AWS_ENDPOINT_URL"],
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        place = {"cluster": "sdt-dev-cluster"}
        tasks = ecs.list_tasks(**place, serviceName=f"sdt-dev-{deployed['name']}")["taskArns"]
        (task,) = ecs.describe_tasks(**place, tasks=tasks)["tasks"]
        (container,) = ours(engine, pid)
        assert task["containers"][0]["runtimeId"] == container.id
        images = {task["containers"][0]["imageDigest"], container.attrs["Config"]["Image"].rpartition("@")[2]}
        assert images == {deployed["digest"]}
    # It could not clean up; where tests run side by side, another sandbox may have done so already.
    assert [left.id for left in ours(engine, pid)] in ([container.id], [])
    with _sandbox(catalog, environ, signal.SIGTERM):
        assert ours(engine, pid) == []
    for image in engine.images.list():
        for tag in image.tags:
            if tag.startswith(told["registry"]):
                engine.images.remove(tag)


@contextmanager
def _sandbox(catalog: Path, environ: dict[str, str], end: signal.Signals) -> Iterator[tuple[int, Any]]:
    """``sdt sandbox --docker`` as a process, ended by a signal; its id and what it printed."""
    process = subprocess.Popen(
        [*SDT, "sandbox", "--docker", "--json", "--catalog", str(catalog)],
        stdout=subprocess.PIPE, text=True, env=environ,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process.pid, json.loads(process.stdout.readline())
    finally:
        process.send_signal(end)
        assert process.wait(20) == (0 if end is signal.SIGTERM else -end)
        process.stdout.close()


def _seconds(moment: str) -> float:
    """``2026-01-01T00:00:00.123456789Z`` as the Engine's API takes it."""
    found = re.fullmatch(r"(.*?)(\.\d+)?Z", moment)
    assert found is not None
    return datetime.fromisoformat(found[1] + "+00:00").timestamp() + float(found[2] or 0)
