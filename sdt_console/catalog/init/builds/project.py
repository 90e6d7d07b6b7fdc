"""What a build file says about the folder it lies in, the same for every build system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Project:
    """A folder that a build system knows.

    :param kind: ``java``, ``node``, ``go``, ``python``, ``dotnet``, ``rust``, ``ruby`` or ``php``.
    :param name: as the build file calls it; may be empty.
    :param uses: folders of the repository that it is built with, directly.
    :param program: whether it is something that runs: ``None`` if its build file does not tell.
    :param aggregate: it only bundles others, or is their parent.
    :param port: container port that the build file sets, and where.
    :param build_files: files outside of its folder whose change reaches it.
    :param libraries: names of libraries that tell what it is for.
    :param dockerfile: Dockerfile that the build file names, from the repository root.
    :param context: build context that the build file names, from the repository root.
    :param build_args: build arguments that the build file passes.
    """

    path: str
    kind: str
    name: str = ""
    version: str = ""
    uses: tuple[str, ...] = ()
    program: bool | None = None
    aggregate: bool = False
    port: tuple[int, str] | None = None
    build_files: tuple[str, ...] = ()
    libraries: frozenset[str] = frozenset()
    dockerfile: str = ""
    context: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)


TELLING = (
    "spring-cloud-config-server",
    "spring-cloud-starter-netflix-eureka-server",
    "spring-cloud-starter-eureka-server",
    "spring-cloud-starter-gateway",
    "spring-cloud-gateway-server",
    "spring-cloud-starter-netflix-zuul",
    "spring-cloud-starter-zuul",
    "spring-boot-admin-starter-server",
)
"""Libraries that a service has only for its role."""


def telling(text: str) -> frozenset[str]:
    """The ones of :data:`TELLING` that ``text`` names."""
    return frozenset(name for name in TELLING if name in text)
