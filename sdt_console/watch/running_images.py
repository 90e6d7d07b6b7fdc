"""Which images the tasks of a cluster run, by service; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sdt_console.model import RunningImage

_GROUP = "service:"


def by_service(
    tasks: Iterable[Mapping[str, Any]], environment: str
) -> dict[str, tuple[tuple[str, RunningImage], ...]]:
    """Service's name in ECS → each image that its tasks run, with its container's name; most tasks first."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for task in tasks:
        group = str(task.get("group", ""))
        if group.startswith(_GROUP) and task.get("lastStatus") != "STOPPED":
            for container in task.get("containers", ()):
                name, image = str(container.get("name", "")), str(container.get("image", ""))
                counted[group[len(_GROUP) :], name, image, str(container.get("imageDigest") or "")] += 1
    found: dict[str, list[tuple[str, RunningImage]]] = {}
    for (service, name, image, digest), tasks_ in counted.most_common():
        one = RunningImage(environment, service, image, digest, tasks_)
        found.setdefault(service, []).append((name, one))
    return {service: tuple(images) for service, images in found.items()}


def own(
    images: Sequence[tuple[str, RunningImage]], names: Sequence[str], uri: str
) -> tuple[RunningImage, ...]:
    """Of a service's images those that are its own, and not a side car's.

    :param names: of the container that is the service's own, the likeliest first.
    :param uri: of the service's repository; what comes from there is its own whatever the container's name.
    """
    ours = tuple(image for _, image in images if uri and home(image.reference) == uri)
    if ours:
        return ours
    containers = {name for name, _ in images}
    for name in names:
        if name in containers:
            return tuple(image for container, image in images if container == name)
    return tuple(image for _, image in images) if len(containers) == 1 else ()


def home(reference: str) -> str:
    """Registry host and repository of an image reference, without tag and digest."""
    path = reference.partition("@")[0]
    host, colon, tag = path.rpartition(":")
    return host if colon and "/" not in tag else path


def tag_of(reference: str) -> str:
    """The tag of a reference; ``latest`` if it has neither tag nor digest, empty if it has only a digest."""
    path, _, digest = reference.partition("@")
    tag = path[len(home(reference)) + 1 :]
    return tag or ("" if digest else "latest")


def follows_tag(definition: Mapping[str, Any], reference: str) -> bool:
    """Whether a task that is started anew resolves the tag of ``reference`` again.

    ECS pulls the digest that it found when the deployment began, unless the container definition says
    ``versionConsistency: disabled`` (ECS Developer Guide, "Container image resolution").
    """
    return any(
        container.get("image") == reference and container.get("versionConsistency") == "disabled"
        for container in definition.get("containerDefinitions", ())
    )
