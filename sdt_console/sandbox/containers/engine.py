"""The Docker Engine, as far as tasks need it: pull, create, start, listen, signal, remove. It all blocks."""

from __future__ import annotations

import contextlib
import os
import platform
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from sdt_console.clients.docker_engine import root_cause

LABEL = "sdt-sandbox"
"""On every container: :func:`own_label` of the sandbox that made it."""
BASE = "sdt-sandbox-base"
"""Repository of the base images that sandboxes make for themselves."""
LONGEST_LINE = 256 * 1024
"""Bytes; awslogs cuts a longer line, too."""
_SECONDS = 60
_BROKEN_OFF = (OSError, ValueError, struct.error, urllib3.exceptions.HTTPError)
"""What a stream ends with when the Engine goes away in the middle."""
_T = TypeVar("_T")


class EngineError(Exception):
    """What the Engine, or the way to it, says."""


@dataclass(frozen=True)
class Exit:
    """How a container ended; ``code`` is ``None`` if nobody knows."""

    code: int | None
    out_of_memory: bool = False


class Engine:
    """One connection to the Engine that ``DOCKER_HOST`` names, for any number of threads."""

    def __init__(self) -> None:
        import docker

        self._api: Any = docker.from_env(timeout=_SECONDS).api

    def close(self) -> None:
        self._api.close()

    def _call(self, work: Callable[[], _T]) -> _T:
        import docker
        import requests

        try:
            return work()
        except docker.errors.APIError as error:
            raise EngineError(f"Error response from daemon: {error.explanation or error}") from error
        except (*_BROKEN_OFF, docker.errors.DockerException, requests.RequestException) as error:
            raise EngineError(root_cause(error)) from error

    def pull(self, reference: str, password: str) -> None:
        """Pull ``host/repository@digest``."""
        login = {"username": "AWS", "password": password}

        def work() -> None:
            events = self._api.pull(reference, auth_config=login, stream=True, decode=True)
            for event in events:
                if "error" in event:
                    raise EngineError(f"Error response from daemon: {event['error']}")

        self._call(work)

    def create(self, settings: Mapping[str, Any], host: Mapping[str, Any]) -> str:
        """Create a container; its id.

        :param settings: of ``create_container``.
        :param host: of ``create_host_config``.
        """
        made = self._call(
            lambda: self._api.create_container(**settings, host_config=self._api.create_host_config(**host))
        )
        return str(made["Id"])

    def start(self, container: str) -> None:
        self._call(lambda: self._api.start(container))

    def ports(self, container: str) -> dict[int, int]:
        """Container port → port on loopback."""
        found = self._call(lambda: self._api.inspect_container(container))
        published = found["NetworkSettings"]["Ports"] or {}
        return {
            int(port.partition("/")[0]): int(places[0]["HostPort"])
            for port, places in published.items()
            if places and port.endswith("/tcp")
        }

    def lines(self, container: str) -> Iterator[list[str]]:
        """What the container writes, line by line, as it comes; ends when the container does."""
        rest = b""
        chunks = self._call(lambda: self._api.logs(container, stream=True, follow=True))
        with contextlib.closing(chunks):
            while (chunk := self._call(lambda: next(chunks, None))) is not None:
                *whole, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    whole, rest = [*whole, rest], b""
                if whole:
                    yield [_text(line) for line in whole]
        if rest:
            yield [_text(rest)]

    def wait(self, container: str) -> Exit:
        """Wait until it has exited, and tell how."""
        self._call(lambda: self._api.wait(container, timeout=None))
        state = self._call(lambda: self._api.inspect_container(container))["State"]
        return Exit(int(state["ExitCode"]), bool(state["OOMKilled"]))

    def stop_signal(self, container: str) -> str:
        """What the image wants to be asked to stop with."""
        found = self._call(lambda: self._api.inspect_container(container))
        return str(found["Config"].get("StopSignal") or "SIGTERM")

    def signal(self, container: str, name: str) -> None:
        self._call(lambda: self._api.kill(container, signal=name))

    def stop(self, container: str, seconds: int = 2) -> None:
        """Ask it to stop; kill it after ``seconds``."""
        self._call(lambda: self._api.stop(container, timeout=seconds))

    def execute(self, container: str, command: list[str]) -> int:
        """Run a command in a container; its exit code."""
        made = self._call(lambda: self._api.exec_create(container, command))
        self._call(lambda: self._api.exec_start(made["Id"]))
        code = self._call(lambda: self._api.exec_inspect(made["Id"]))["ExitCode"]
        return 1 if code is None else int(code)

    def remove(self, container: str) -> None:
        with contextlib.suppress(EngineError):  # gone already
            self._call(lambda: self._api.remove_container(container, force=True, v=True))

    def remove_image(self, reference: str) -> None:
        """Take the name away, and the image with it if it has no other."""
        with contextlib.suppress(EngineError):  # gone already, or in use elsewhere
            self._call(lambda: self._api.remove_image(reference))

    def containers(self) -> list[tuple[str, str, str]]:
        """Id, label and image reference of every container that a sandbox has made."""
        found = self._call(lambda: self._api.containers(all=True, filters={"label": LABEL}))
        return [(c["Id"], c["Labels"][LABEL], c["Image"]) for c in found]

    def import_image(self, tar: bytes, name: str) -> None:
        """Make an image of one layer, ``repository:tag``, with our label on it."""
        repository, _, tag = name.partition(":")
        label = f"LABEL {LABEL}={own_label()}"
        self._call(lambda: self._api.import_image_from_data(tar, repository, tag, changes=[label]))

    def _images(self, repository: str) -> list[tuple[str, str]]:
        """Name and label of every image of ours in a repository."""
        found = self._call(lambda: self._api.images(repository, filters={"label": LABEL}))
        return [(name, image["Labels"][LABEL]) for image in found for name in image["RepoTags"] or ()]

    def sweep(self) -> None:
        """Remove what sandboxes of this machine left that were killed."""
        for name, label in self._images(BASE):
            if _is_dead(label):
                self.remove_image(name)
        for container, label, image in self.containers():
            if _is_dead(label):
                self.remove(container)
                self.remove_image(image)


def own_label() -> str:
    """``HOST/PID/STARTED`` of this process."""
    return f"{platform.node()}/{os.getpid()}/{_started(os.getpid())}"


def _is_dead(label: str) -> bool:
    """Whether the sandbox was a process of this machine that is no more."""
    host, _, rest = label.rpartition("/")[0].rpartition("/")
    if host != platform.node() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return label.rpartition("/")[2] != _started(int(rest))  # another process has its number now


def _started(pid: int) -> str:
    """When a process was started, in ticks since the boot; empty where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
