"""The runbook: why a task stopped, from ECS's own words. Pure; the same word has several causes.

Sources: ECS's "Stopped tasks error messages" and the texts as they are seen in the wild.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Diagnosis:
    """Why a task stopped.

    :param kind: one word for counting, such as ``image-missing``.
    :param cause: a sentence for a person.
    :param next: what to do.
    :param fatal: trying again cannot help: the rollout may be stopped at its first sign.
    """

    kind: str
    cause: str
    next: str
    fatal: bool = False


Rule = tuple[str, Callable[[re.Match[str]], Diagnosis]]

_PULL: tuple[Rule, ...] = (
    (
        r"(?P<ref>[^\s:]+(?::\d+)?/[^\s@]+@sha256:[0-9a-f]+): not found",
        lambda m: Diagnosis(
            "digest-missing",
            f"the image {m['ref']} is no longer in ECR: its tag was overwritten, or its digest has expired",
            "push that image again, or deploy a tag that exists; see the repository's lifecycle policy",
            fatal=True,
        ),
    ),
    (
        r"(?P<ref>[^\s:]+(?::\d+)?/[^\s@]+): not found",
        lambda m: Diagnosis(
            "image-missing",
            f"the image {m['ref']} is not in ECR: its tag was never pushed",
            "deploy a tag that exists, or push this one",
            fatal=True,
        ),
    ),
    (
        r"403 Forbidden",
        lambda m: Diagnosis(
            "pull-forbidden",
            "ECR refuses the pull (403): by execution role, repository policy or endpoint policy",
            "give the task's execution role ecr:BatchGetImage and ecr:GetDownloadUrlForLayer",
            fatal=True,
        ),
    ),
    (
        r"toomanyrequests",
        lambda m: Diagnosis(
            "pull-limit", "a public registry's pull limit is reached", "mirror the image into ECR"
        ),
    ),
    (
        r"does not contain descriptor matching platform|no match for platform",
        lambda m: Diagnosis(
            "wrong-platform",
            "the image was built for another processor than the task runs on",
            "build it for the task definition's runtimePlatform, or change that",
            fatal=True,
        ),
    ),
    (
        r"no space left on device",
        lambda m: Diagnosis(
            "disk-full", "the image does not fit on the task's disk", "raise the task's ephemeral storage"
        ),
    ),
    (
        r"i/o timeout|dial tcp|send request failed|context deadline exceeded|request canceled",
        lambda m: Diagnosis(
            "no-route",
            "the task cannot reach ECR: no route, endpoint or open security group",
            "see the subnets' NAT or the ECR and S3 endpoints, and the task's security group",
        ),
    ),
)
_INIT: tuple[Rule, ...] = (
    (
        r"(?:did not contain json key|json key) '?(?P<key>[\w.-]+)'?",
        lambda m: Diagnosis(
            "secret-key-missing",
            f"the secret has no key {m['key']}",
            "add the key to the secret, or correct the task definition's valueFrom",
            fatal=True,
        ),
    ),
    (
        r"log group does not exist",
        lambda m: Diagnosis(
            "log-group-missing",
            "the log group that the task definition names does not exist",
            "create it, or set awslogs-create-group with the right to do so",
            fatal=True,
        ),
    ),
    (
        r"AccessDenied|not authorized to perform:? (?P<right>[\w:]+)?",
        lambda m: Diagnosis(
            "init-forbidden",
            "the execution role may not read what the task needs to start"
            + (f" ({m['right']})" if m.groupdict().get("right") else ""),
            "give the task's execution role that right",
            fatal=True,
        ),
    ),
    (
        r"(?:secret (?P<name>\S+) from|ResourceNotFoundException: Secrets Manager)",
        lambda m: Diagnosis(
            "secret-missing",
            f"the secret {m['name'] or 'that the task definition names'} does not exist",
            "create the secret, or correct the task definition's valueFrom",
            fatal=True,
        ),
    ),
    (
        r"EFS|failed to invoke|mount",
        lambda m: Diagnosis(
            "mount-failed", "a file system cannot be mounted", "see its mount targets and security group"
        ),
    ),
    (
        r"task network configuration|i/o timeout|context deadline exceeded|RequestCanceled|dial tcp",
        lambda m: Diagnosis(
            "no-route",
            "the task cannot reach Secrets Manager, SSM or ECR",
            "see the subnets' NAT or the endpoints, and the task's security group",
        ),
    ),
)


def diagnose(task: Mapping[str, Any], container: str) -> Diagnosis | None:
    """Why ``task`` stopped; ``None`` if it was meant to (scale-in, a deployment, a person).

    :param task: as ``DescribeTasks`` answers it.
    :param container: name of the service's own container.
    """
    words = list(_words(task))
    text = " ".join(words)
    for mark, rules, kind in (
        ("CannotPullContainerError", _PULL, "pull-failed"),
        ("ResourceInitializationError", _INIT, "init-failed"),
    ):
        found = next((word for word in words if mark in word), None)
        if found is not None:
            told = _first(rules, found)
            return told or Diagnosis(kind, found, "see the task's stopped reason; the words are AWS's own")
    if "exec format error" in text:
        return Diagnosis(
            "wrong-platform",
            "the image's program is for another processor (exec format error)",
            "build it for the task definition's runtimePlatform, or change that",
            fatal=True,
        )
    if "CannotStartContainerError" in text or "CannotCreateContainerError" in text:
        return Diagnosis(
            "start-failed", text, "correct the task definition's command or entry point", fatal=True
        )
    if "ELB health checks" in text:
        return Diagnosis(
            "target-unhealthy",
            _stopped_reason(task),
            "see what its health path answers, and whether its start fits into the grace period",
        )
    if "failed container health checks" in text:
        return Diagnosis(
            "container-unhealthy",
            "its container health check failed",
            "run the check's command by hand in the image",
        )
    exited = _exits(task, container)
    if exited is not None:
        return exited
    return None


def _words(task: Mapping[str, Any]) -> Iterator[str]:
    yield _stopped_reason(task)
    for container in task.get("containers", ()):
        if container.get("reason"):
            yield str(container["reason"])


def _stopped_reason(task: Mapping[str, Any]) -> str:
    return str(task.get("stoppedReason") or "")


def _first(rules: tuple[Rule, ...], text: str) -> Diagnosis | None:
    for pattern, make in rules:
        found = re.search(pattern, text)
        if found is not None:
            return make(found)
    return None


def _exits(task: Mapping[str, Any], own: str) -> Diagnosis | None:
    """A container that ended by itself: by its exit code, and whose it was."""
    if task.get("stopCode") not in ("EssentialContainerExited", None):
        return None
    for container in task.get("containers", ()):
        code = container.get("exitCode")
        name = str(container.get("name", ""))
        memory = "OutOfMemory" in str(container.get("reason") or "")
        whose = "its container" if name == own else f"the container {name} beside it"
        if memory or (code == 137 and "OutOfMemory" in _stopped_reason(task)):
            return Diagnosis(
                "out-of-memory",
                f"{whose} was killed at its memory limit (exit 137)",
                "raise the memory of the task definition, or find the leak",
            )
        if code not in (None, 0):
            return Diagnosis(f"exit-{code}", f"{whose} exited with {code}{_hint(code)}", "read its log")
    return None


def _hint(code: object) -> str:
    """What an exit code usually means."""
    return {
        137: " (killed: SIGKILL)",
        139: " (crashed: segmentation fault)",
        143: " (asked to stop: SIGTERM)",
        126: " (its program may not be run)",
        127: " (its program is not in the image)",
    }.get(code if isinstance(code, int) else 0, "")
