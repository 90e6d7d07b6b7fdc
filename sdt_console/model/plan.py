"""What a run was asked for, and what it will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdt_console.model.change import Selection

PIPELINE = ("gate", "build", "push", "deploy", "health")
"""The stages of a whole run after its plan."""


@dataclass(frozen=True)
class Request:
    """What a run was asked to do; recorded with it, so that one cut off before its plan can begin again.

    :param kind: ``pipeline`` (what changed), ``deploy`` (services by name), ``build``, ``rollback`` or
        ``apply`` (a plan that was made before).
    :param base: as given; empty if it was not.
    :param tag: image tag to deploy; empty for the newest.
    :param revision: revision number or ARN to roll back to; empty for the last known good.
    :param undo: id of the run whose services go back.
    :param skip_gates: gate → why it is not run.
    :param repo: folder of the repository; empty if none was named.
    """

    kind: str = "pipeline"
    base: str = ""
    head: str = ""
    services: tuple[str, ...] = ()
    force_full_build: bool = False
    tag: str = ""
    revision: str = ""
    undo: str = ""
    rebuild: bool = False
    push: bool = True
    health_check: bool = True
    allow_older: bool = False
    force: bool = False
    skip_gates: Mapping[str, str] = field(default_factory=dict)
    repo: str = ""


@dataclass(frozen=True)
class Revision:
    """What runs of one ECS service now.

    :param task_definition: ARN of the task definition of its primary deployment.
    :param image: image reference of the service's own container; empty if it was not read.
    """

    service: str
    task_definition: str
    image: str = ""
    running: int = 0
    desired: int = 0


@dataclass(frozen=True)
class Plan:
    """What a run will do; data, so that it can be shown, saved and applied exactly.

    :param modules: shared modules to build first, in order.
    :param builds: services to build, in order (topological).
    :param waves: services to deploy, wave by wave; a wave starts when the one before it has rolled out.
    :param before: service → ARN of the task definition it ran when the plan was made; ``None`` if ECS
        has no such service. Empty for a plan made offline.
    :param images: service → image reference that will be deployed.
    :param parallel: how many services of one wave roll out at a time.
    :param rollback: ``changed``, ``failed`` or ``none``.
    :param image_reference: ``commit``, ``latest`` or ``digest``.
    :param stages: the stages to walk, in this order.
    :param targets: service → ARN of a task definition that is there already and is deployed as it is: the
        way back. Services without one get a new revision with another image.
    :param digests: service → digest of an image that is in the registry already.
    :param good: service → ARN of the task definition to go back to, where that is not the one in ``before``.
    :param rebuild: build although the commit's image is there.
    :param force: restart what runs the image already.
    :param allow_older: deploy an older commit over a newer one.
    """

    environment: str
    cluster: str
    base: str
    head: str
    selections: tuple[Selection, ...]
    modules: tuple[str, ...]
    builds: tuple[str, ...]
    waves: tuple[tuple[str, ...], ...]
    before: Mapping[str, str | None]
    images: Mapping[str, str]
    parallel: int
    rollback: str
    image_reference: str
    offline: bool = False
    remarks: tuple[str, ...] = ()
    version: int = 1
    stages: tuple[str, ...] = PIPELINE
    targets: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    good: Mapping[str, str] = field(default_factory=dict)
    rebuild: bool = False
    force: bool = False
    allow_older: bool = False

    @property
    def services(self) -> tuple[str, ...]:
        """All services that will be deployed, in wave order."""
        return tuple(name for wave in self.waves for name in wave)
