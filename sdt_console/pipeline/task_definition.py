"""Task definitions: the same one with another image, and the proof that nothing else differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sdt_console.errors import DeployError

# What DescribeTaskDefinition adds to what was registered.
_DESCRIBED = {
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
}


def container_index(definition: Mapping[str, Any], service: str) -> int:
    """Which container is the service's own: the one named after it, else the only essential one.

    :raises DeployError: neither is there.
    """
    containers = definition.get("containerDefinitions", [])
    for index, container in enumerate(containers):
        if container.get("name") == service:
            return index
    essential = [i for i, container in enumerate(containers) if container.get("essential", True)]
    if len(essential) == 1:
        return essential[0]
    names = ", ".join(str(container.get("name")) for container in containers) or "none"
    raise DeployError(
        f"{service}: cannot tell its own container in {definition.get('family')}",
        f"none is named {service}, and {len(essential)} are essential (containers: {names})",
        f"name the container {service} in the task definition",
    )


def with_image(definition: Mapping[str, Any], index: int, image: str) -> dict[str, Any]:
    """``definition`` with ``image`` in container ``index``, all else shared with the original."""
    containers = list(definition["containerDefinitions"])
    containers[index] = {**containers[index], "image": image}
    return {**definition, "containerDefinitions": containers}


def image_parts(reference: str) -> tuple[str, str, str]:
    """Registry and path, tag, digest of an image reference; ``latest`` where it has neither of the two."""
    path, _, digest = reference.partition("@")
    before, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:  # the colon of a registry's port
        return path, "" if digest else "latest", digest
    return before, tag, digest


def prove_only_image_differs(
    old: Mapping[str, Any], new: Mapping[str, Any], index: int, image: str, service: str
) -> None:
    """Deep-compare two described revisions.

    :raises DeployError: something other than that one image differs, or the image is not the one asked for.
    """
    allowed = f"containerDefinitions[{index}].image"
    different = [path for path in _differences(_registered(old), _registered(new), "") if path != allowed]
    if new["containerDefinitions"][index].get("image") != image:
        different.append(allowed)
    if different:
        raise DeployError(
            f"{service}: the registered task definition differs in more than its image",
            ", ".join(different),
            "nothing was deployed; compare the two revisions with `aws ecs describe-task-definition`",
        )


def _registered(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in definition.items() if k not in _DESCRIBED and v not in ([], {}, None)}


def _differences(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{i}]")
    elif old != new:
        yield path
