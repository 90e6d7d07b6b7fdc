"""What the Engine is told about a container: its container definition, in Docker's terms."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sdt_console.sandbox.ecs.model import Task, Wire

from .engine import LABEL

_MIB = 1 << 20


def container_settings(
    task: Task, definition: Wire, image: str, secret: Mapping[str, str], ports: list[int], label: str
) -> dict[str, Any]:
    """Arguments of ``create_container``.

    :param secret: variable → value.
    :param ports: of the whole task, for the container that has its network; else empty.
    """
    variables = {v["name"]: v.get("value", "") for v in definition.get("environment", [])}
    revision = f"{task.definition.family}-{task.definition.revision}"
    settings = {
        "image": image,
        # As ECS's own agent names them. Task ids are the same in every sandbox, so they would not do.
        "name": f"ecs-{revision}-{definition['name']}-{secrets.token_hex(10)}",
        "command": definition.get("command") or None,
        "entrypoint": definition.get("entryPoint") or None,
        "environment": variables | dict(secret),
        "user": definition.get("user"),
        "working_dir": definition.get("workingDirectory"),
        "ports": ports or None,
        "labels": {LABEL: label, "com.amazonaws.ecs.task-arn": task.arn},
        # ECS knows the health checks of container definitions only, and asks for them itself.
        "healthcheck": {"test": ["NONE"]},
    }
    return {key: value for key, value in settings.items() if value is not None}


def host_settings(task: Task, definition: Wire, ports: list[int], network_of: str) -> dict[str, Any]:
    """Arguments of ``create_host_config``.

    :param network_of: id of the task's first container, whose network this one shares; empty for the first.
    """
    limit = definition.get("memory") or task.definition.data.get("memory")
    settings: dict[str, Any] = {
        "init": bool(definition.get("linuxParameters", {}).get("initProcessEnabled", False)),
        "read_only": bool(definition.get("readonlyRootFilesystem", False)),
        "log_config": {"Type": "json-file", "Config": {"max-size": "10m"}},
    }
    if limit:
        settings["mem_limit"] = settings["memswap_limit"] = int(limit) * _MIB
    if network_of:
        settings["network_mode"] = f"container:{network_of}"
    else:
        settings["port_bindings"] = dict.fromkeys(ports, ("127.0.0.1",))
    return settings


def tcp_ports(definitions: list[Wire]) -> list[int]:
    """The ports of a task's containers, each once."""
    mappings = [m for d in definitions for m in d.get("portMappings", []) if m.get("protocol") != "udp"]
    return list(dict.fromkeys(int(mapping["containerPort"]) for mapping in mappings))


def health_command(check: Wire) -> list[str]:
    """The command of a ``healthCheck`` as arguments."""
    kind, *words = [str(word) for word in check["command"]]
    if kind == "CMD-SHELL":
        return ["/bin/sh", "-c", *words]
    return words if kind == "CMD" else [kind, *words]
