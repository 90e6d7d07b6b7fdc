"""The main job end to end, as processes: a file, a shared module, the core, nothing; AWS and Docker agree."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from sdt_console.sandbox.repository.images import WWW
from tests.catalogs import OURS, ROOT
from tests.foreign import program
from tests.git import Repo
from tests.sandbox.containers import BASE, import_base

SDT = (sys.executable, "-m", "sdt_console")
WAVES = [["config-server"], ["user-service"], ["task-service"]]
OWN, ENGINE = "own-builder", "engine"


def catalog_text(base: str) -> str:
    """Our own catalog, cut down to three services in as many waves.

    :param base: image that has a program in it; empty if tasks are simulated.
    """
    wanted = tuple(f'[[services]]\nname = "{name}"' for (name,) in WAVES)
    tables = re.split(r"\n(?=\[)", OURS.read_text())
    left_out = ("[[services]]", "[[data]]")
    text = "\n".join(t for t in tables if t.startswith(wanted) or not t.startswith(left_out))
    name = 'name = "task-service"\npriority = '
    assert name + "4" in text
    text = text.replace(name + "4", name + "5")
    assert "\n[source]\n" in text
    return text.replace("[source]\n", f'[source]\nbuild_args = {{ BASE = "{base}" }}\n') if base else text


@dataclass
class Place:
    """``sdt sandbox`` as a process of its own, and what it printed; an Engine where tasks are containers."""

    told: dict[str, Any]
    catalog: Path
    state: Path
    engine: Any = None

    @property
    def repo(self) -> Repo:
        return Repo(Path(self.told["repository"]))

    def sdt(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, **self.told["environ"], "SDT_STATE": str(self.state), **environ}
        return subprocess.run(
            [*SDT, *arguments, "--catalog", str(self.catalog)],
            cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    def pipeline(self, base: str, **environ: str) -> dict[str, Any]:
        """One run of the pipeline; its document."""
        ran = self.sdt(
            "--ci", "--json", "--env", "dev", "--repo", str(self.repo.path), "--base", base, "--head", "HEAD",
            "--builder", "engine" if self.engine else "sandbox",
            "--skip-gate", "maven", "--skip-gate", "sonarqube", **environ,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def aws(self, *arguments: str) -> Any:
        done = subprocess.run(
            [program("aws"), *arguments, "--output", "json"],
            env={**os.environ, **self.told["environ"], "AWS_PAGER": ""},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    def task(self, service: str) -> Any:
        """The one task that the service runs, as the ``aws`` command sees it."""
        place = ("--cluster", "sdt-dev-cluster")
        (arn,) = self.aws("ecs", "list-tasks", *place, "--service-name", f"sdt-dev-{service}")["taskArns"]
        return self.aws("ecs", "describe-tasks", *place, "--tasks", arn)["tasks"][0]

    def answer(self, service: str, path: str) -> tuple[int, str]:
        """What the service answers behind the load balancer."""
        url = f"{self.told['load_balancers']['dev']}/api/{service}/{path}"
        response = urllib3.request("GET", url, timeout=10, retries=False)
        return response.status, response.data.decode()

    def deployed(self, run: str) -> list[list[str]]:
        """The services that the run has deployed, in groups that were under way at the same time."""
        ran = self.sdt("show", run, "--events")
        assert ran.returncode == 0, ran.stderr
        groups: list[list[str]] = []
        under_way = 0
        for event in map(json.loads, ran.stdout.splitlines()):
            if event.get("stage") != "deploy":
                continue
            if event["type"] == "step-started":
                if not under_way:
                    groups.append([])
                groups[-1].append(event["service"])
                under_way += 1
            under_way -= event["type"] == "step-finished"
        return groups


@pytest.fixture(params=[OWN, pytest.param(ENGINE, marks=pytest.mark.docker)])
def place(request: pytest.FixtureRequest, tmp_path: Path, engine_trouble: str | None) -> Iterator[Place]:
    engine: Any = None
    if request.param == ENGINE:
        if engine_trouble:
            pytest.fail(engine_trouble, pytrace=False)
        import docker

        engine = docker.from_env()
        import_base(engine)
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(catalog_text(BASE if engine else ""))
    process = subprocess.Popen(
        [*SDT, "sandbox", "--json", "--catalog", str(catalog), *(["--docker"] if engine else [])],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    made = Place(json.loads(process.stdout.readline()), catalog, tmp_path / "state", engine)
    try:
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        process.stdout.close()
        if engine:
            for tag in [tag for image in engine.images.list() for tag in image.tags]:
                if tag.startswith(made.told["registry"]):
                    engine.images.remove(tag)
            engine.images.remove(BASE, force=True)
            engine.close()


def confirm(place: Place, made: dict[str, Any], service: str) -> None:
    """The ``aws`` command, the registry and ``docker`` say that the service runs what the run built."""
    (result,) = [s for s in made["services"] if s["name"] == service]
    assert result["outcome"] == "succeeded"
    task = place.task(service)
    assert task["taskDefinitionArn"] == result["task_definition"] != result["previous"]
    (container,) = task["containers"]
    assert container["imageDigest"] == result["digest"]
    images = place.aws(
        "ecr", "describe-images", "--repository-name", f"sdt/dev/{service}",
        "--image-ids", f"imageTag={place.repo.git('rev-parse', 'HEAD')}",
    )["imageDetails"]  # fmt: skip
    assert [image["imageDigest"] for image in images] == [result["digest"]]
    if place.engine:
        inspected = subprocess.run(
            ["docker", "inspect", container["runtimeId"]],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        (seen,) = json.loads(inspected.stdout)
        assert seen["State"]["Running"]
        assert seen["Config"]["Image"].rpartition("@")[2] == result["digest"]
        labels = place.engine.images.get(seen["Image"]).labels
        assert place.repo.git("rev-parse", "HEAD") in labels.values()


def test_a_file_a_shared_module_the_core_and_nothing(place: Place) -> None:
    repo = place.repo

    # One file: one service, and what is built is what answers.
    page = f"skilltracker-services/task-service/{WWW}/api/task-service/page"
    repo.commit({page: "a change"})
    made = place.pipeline("HEAD^")
    assert [s["name"] for s in made["services"]] == ["task-service"]
    assert place.deployed(made["run"]) == [["task-service"]]
    confirm(place, made, "task-service")
    assert place.answer("task-service", "actuator/health")[0] == 200
    if place.engine:
        assert place.answer("task-service", "page") == (200, "a change")

    # A shared module: all its users, in the order of their waves; who does not use it is left alone.
    repo.commit({"skilltracker-common/common-event/src/main/java/New.java": "class New {}"})
    made = place.pipeline("HEAD^")
    assert place.deployed(made["run"]) == WAVES[1:]
    assert {s["name"]: s["outcome"] for s in made["services"]} == {
        "user-service": "succeeded",
        "task-service": "succeeded",
    }

    # The core and one business service: wave by wave.
    repo.commit(
        {f"skilltracker-infra/config-server/{WWW}/x": "x", f"skilltracker-services/user-service/{WWW}/x": "x"}
    )
    made = place.pipeline("HEAD^")
    assert place.deployed(made["run"]) == WAVES[:2]
    for service in ("config-server", "user-service"):
        confirm(place, made, service)
        assert place.answer(service, "actuator/health")[0] == 200

    # Nothing: green, without one call to AWS, for nobody listens there.
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    made = place.pipeline("HEAD", **nobody)
    assert (made["outcome"], made["services"]) == ("nothing-to-do", [])
