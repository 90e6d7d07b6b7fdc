"""The runbook: the same word has several causes, and the cure differs."""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest

from sdt_console.pipeline.diagnose import diagnose

PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
REPO = "962496666337.dkr.ecr.eu-west-1.amazonaws.com/sdt/dev/x"
INIT = "ResourceInitializationError: unable to pull secrets or registry auth: "


def stopped(reason: str, code: str | None = None, *containers: dict[str, Any]) -> dict[str, Any]:
    return {"stoppedReason": reason, "stopCode": code, "containers": list(containers)}


def container(name: str = "x", code: int | None = None, reason: str = "") -> dict[str, Any]:
    return {"name": name, "exitCode": code, "reason": reason}


EXITED = "Essential container in task exited"


@pytest.mark.parametrize(
    ("task", "kind", "fatal", "said"),
    [
        (stopped(f"{PULL}{REPO}:abc: {REPO}:abc: not found"), "image-missing", True, f"{REPO}:abc is not in ECR"),
        (
            stopped(f"{PULL}{REPO}:abc@sha256:12ab: {REPO}:abc@sha256:12ab: not found"),
            "digest-missing",
            True,
            "no longer in ECR",
        ),
        (stopped("", None, container(reason=f"{PULL}127.0.0.1:5000/a/b:c: not found")), "image-missing", True, "5000/a/b:c"),
        (stopped(f"{PULL}{REPO}:a: unexpected status from HEAD request: 403 Forbidden"), "pull-forbidden", True, "403"),
        (stopped(f"{PULL}{REPO}:a: dial tcp 10.0.0.1:443: i/o timeout"), "no-route", False, "cannot reach ECR"),
        (stopped("CannotPullContainerError: RequestError: send request failed"), "no-route", False, "cannot reach ECR"),
        (stopped("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit"), "pull-limit", False, "limit"),
        (
            stopped("CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'"),
            "wrong-platform",
            True,
            "another processor",
        ),
        (stopped("CannotPullContainerError: write /x: no space left on device"), "disk-full", False, "disk"),
        (stopped("CannotPullContainerError: something new"), "pull-failed", False, "something new"),
        (
            stopped(f"{INIT}failed to fetch secret arn:x:secret:sdt/dev/db from secrets manager: ResourceNotFoundException: "
                    "Secrets Manager can't find the specified secret."),
            "secret-missing", True, "secret arn:x:secret:sdt/dev/db does not exist",
        ),
        (
            stopped(f"{INIT}AccessDeniedException: User: x is not authorized to perform: secretsmanager:GetSecretValue"),
            "init-forbidden", True, "execution role",
        ),
        (
            stopped(f"{INIT}retrieved secret from Secrets Manager did not contain json key password"),
            "secret-key-missing", True, "no key password",
        ),
        (
            stopped(f"{INIT}unable to retrieve secret: RequestCanceled: request context canceled. "
                    "Please check your task network configuration."),
            "no-route", False, "cannot reach Secrets Manager",
        ),
        (
            stopped("ResourceInitializationError: failed to validate logger args: create stream: ResourceNotFoundException: "
                    "The specified log group does not exist."),
            "log-group-missing", True, "log group",
        ),
        (stopped("ResourceInitializationError: failed to invoke EFS utils commands"), "mount-failed", False, "file system"),
        (stopped("ResourceInitializationError: unheard of"), "init-failed", False, "unheard of"),
        (stopped(EXITED, "EssentialContainerExited", container(code=1)), "exit-1", False, "its container exited with 1"),
        (
            stopped(EXITED, "EssentialContainerExited", container(code=137, reason="OutOfMemoryError: Container killed")),
            "out-of-memory", False, "memory limit",
        ),
        (stopped(EXITED, "EssentialContainerExited", container(code=137)), "exit-137", False, "killed: SIGKILL"),
        (stopped(EXITED, "EssentialContainerExited", container(code=139)), "exit-139", False, "segmentation fault"),
        (
            stopped(EXITED, "EssentialContainerExited", container(code=None), container("sidecar", 2)),
            "exit-2", False, "the container sidecar beside it exited with 2",
        ),
        (
            stopped("Task failed ELB health checks in (target-group arn:x)", "ServiceSchedulerInitiated", container(code=143)),
            "target-unhealthy", False, "target-group arn:x",
        ),
        (stopped("Task failed container health checks", "ServiceSchedulerInitiated"), "container-unhealthy", False, "health check"),
        (
            stopped("", "TaskFailedToStart", container(reason="CannotStartContainerError: exec /app: exec format error")),
            "wrong-platform", True, "exec format error",
        ),
        (
            stopped("", "TaskFailedToStart", container(reason="CannotStartContainerError: no such file: /app")),
            "start-failed", True, "/app",
        ),
    ],
)  # fmt: skip
def test_a_stopped_task_is_told_apart(task: dict[str, Any], kind: str, fatal: bool, said: str) -> None:
    found = diagnose(task, "x")
    assert found is not None
    assert (found.kind, found.fatal) == (kind, fatal)
    assert said in found.cause
    assert found.next


@pytest.mark.parametrize(
    "task",
    [
        stopped(
            "Scaling activity initiated by (deployment ecs-svc/1)",
            "ServiceSchedulerInitiated",
            container(code=143),
        ),
        stopped("Task stopped by user", "UserInitiated", container(code=0)),
        stopped(EXITED, "EssentialContainerExited", container(code=0)),
        stopped("", None),
        {},
    ],
)
def test_what_was_meant_to_stop_is_no_failure(task: dict[str, Any]) -> None:
    assert diagnose(task, "x") is None
