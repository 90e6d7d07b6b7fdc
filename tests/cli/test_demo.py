"""The main job as a newcomer runs it, and what the ``aws`` command says of it afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.catalogs import OURS
from tests.foreign import program


def sdt(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sdt_console", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=OURS.parent,
        env=os.environ | (env or {}),
        timeout=100,
    )


def test_the_demo_without_a_terminal_deploys_a_change_and_reports_it(tmp_path: Path) -> None:
    ran = sdt("demo", "--builder", "sandbox", env={"SDT_STATE": str(tmp_path)})
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[1].startswith("✔ succeeded  run ")
    assert re.search(r"^↩ rolled-back  run ", ran.stdout, re.MULTILINE)
    assert "why   its container exited with 1, 3 times" in ran.stdout
    shown = sdt("history", "--json", env={"SDT_STATE": str(tmp_path)})
    newest, oldest = json.loads(shown.stdout)
    assert (oldest["outcome"], newest["outcome"]) == ("succeeded", "rolled-back")
    for made in (newest, oldest):
        played = sdt("replay", made["run"], "--no-wait", env={"SDT_STATE": str(tmp_path)})
        assert played.returncode == 0
        assert made["run"] in played.stdout + played.stderr
    assert re.search(
        r"^task-service +✔ succeeded +1 → 2 +[0-9a-f]{12} +[0-9a-f]{12}", ran.stdout, re.MULTILINE
    )
    for stage in ("detect", "plan", "gate", "build", "push", "deploy", "health"):
        assert re.search(rf"^{stage} +✔ succeeded", ran.stdout, re.MULTILINE), stage
    assert "\x1b" not in ran.stdout + ran.stderr
    assert (tmp_path / "journal.sqlite3").exists()


def test_a_failing_service_is_rolled_back_and_says_why() -> None:
    ran = sdt(
        "--ci", "--sandbox", "--builder", "sandbox", "--scenario", "image-missing:task-service", "--json"
    )
    assert ran.returncode == 4, ran.stderr
    made = json.loads(ran.stdout)
    assert made["outcome"] == "rolled-back"
    assert "CannotPullContainerError" in json.dumps(made["services"][0]["failure"])
    assert "rolled-back" in ran.stderr


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """``sdt sandbox`` as a process of its own, and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sdt_console", "sandbox", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=OURS.parent,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        process.stdout.close()


def test_the_aws_command_confirms_what_ci_deployed_on_a_running_sandbox(
    sandbox: dict[str, Any], tmp_path: Path
) -> None:
    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [program("aws"), *arguments, "--output", "json"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | sandbox["environ"] | {"AWS_PAGER": ""},
        )
        return json.loads(done.stdout)

    def service() -> Any:
        return aws(
            "ecs", "describe-services", "--cluster", "sdt-dev-cluster", "--services", "sdt-dev-task-service"
        )["services"][0]

    before = service()
    ran = sdt(
        *("--ci", "--json", "--env", "dev", "--repo", sandbox["repository"], "--builder", "sandbox"),
        *("--skip-gate", "maven", "--skip-gate", "sonarqube"),
        env=sandbox["environ"] | {"SDT_STATE": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    (deployed,) = json.loads(ran.stdout)["services"]
    after = service()
    assert after["taskDefinition"] == deployed["task_definition"] != before["taskDefinition"]
    assert after["runningCount"] == after["desiredCount"] > 0
    assert [d["rolloutState"] for d in after["deployments"]] == ["COMPLETED"]
    definition = aws("ecs", "describe-task-definition", "--task-definition", deployed["task_definition"])
    assert definition["taskDefinition"]["containerDefinitions"][0]["image"] == deployed["image"]
    images = aws("ecr", "describe-images", "--repository-name", "sdt/dev/task-service")["imageDetails"]
    assert deployed["digest"] in [image["imageDigest"] for image in images]
    tasks = aws("ecs", "list-tasks", "--cluster", "sdt-dev-cluster", "--service-name", "sdt-dev-task-service")
    described = aws("ecs", "describe-tasks", "--cluster", "sdt-dev-cluster", "--tasks", *tasks["taskArns"])
    digests = {c["imageDigest"] for task in described["tasks"] for c in task["containers"]}
    assert digests == {deployed["digest"]}


@pytest.mark.docker
def test_with_an_engine_the_images_are_built_by_it(tmp_path: Path) -> None:
    ran = sdt("demo", "--builder", "engine", env={"SDT_STATE": str(tmp_path)})
    assert ran.returncode == 0, ran.stderr
    assert "1 image by engine" in ran.stdout
