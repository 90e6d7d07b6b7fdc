"""Plans for services by name: another image, a rebuild, a restart, the way back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdt_console.catalog.graph import topological
from sdt_console.catalog.model import Catalog
from sdt_console.catalog.nearest import hint, listing
from sdt_console.errors import UsageError
from sdt_console.model import Plan, Request, Revision, Selection


def check_names(catalog: Catalog, request: Request) -> None:
    """:raises UsageError: an unknown or pending service, or a data service that would be built."""
    for name in request.services:
        if name not in catalog.all_names:
            raise UsageError(
                f"no service {name!r} in the catalog{hint(name, catalog.all_names)}",
                next=f"name one of {listing(catalog.all_names)}",
            )
        part = catalog.by_name.get(name)
        if part is not None and part.state == "pending":
            raise UsageError(
                f"{name} is pending",
                "its infrastructure is there, its code is not",
                "set its state to active in catalog.toml once it can be built",
            )
        restart = request.kind == "deploy" and request.force and not (request.tag or request.rebuild)
        if part is None and request.kind != "rollback" and not restart:
            raise UsageError(
                f"{name} is a data service",
                "it has no source and no image of ours",
                f"restart it with `sdt deploy {name} --force`",
            )


def deploy_plan(
    catalog: Catalog,
    environment: str,
    request: Request,
    live: Mapping[str, Revision],
    images: Mapping[str, str],
    digests: Mapping[str, str],
    head: str = "",
    good: Mapping[str, str] | None = None,
) -> Plan:
    """Deploy images that are in the registry, or with ``request.rebuild`` are built first.

    Data services, which have no image of ours, are restarted.

    :param images: service → image reference.
    :param head: the commit to build; empty where nothing is built.
    :param good: service → ARN of the revision to go back to, where what runs now is not known to be good.
    """
    data = {d.name for d in catalog.data}
    stages = (("build", "push") if request.rebuild else ()) + ("deploy",)
    restarted = {n: live[n].task_definition for n in request.services if n in data and n in live}
    return _plan(
        catalog,
        environment,
        request,
        live,
        images=images,
        head=head,
        digests=digests,
        targets=restarted,
        good=good,
        builds=[n for n in request.services if n not in data] if request.rebuild else (),
        stages=stages + (("health",) if request.health_check else ()),
        reason="asked for",
    )


def build_plan(
    catalog: Catalog, environment: str, request: Request, images: Mapping[str, str], head: str
) -> Plan:
    """Build, and unless told not to push; nothing is deployed."""
    stages = ("build", "push") if request.push else ("build",)
    return _plan(
        catalog, environment, request, {}, images=images, head=head, builds=request.services, stages=stages,
        deploys=False, reason="asked for",
    )  # fmt: skip


def rollback_plan(
    catalog: Catalog,
    environment: str,
    request: Request,
    live: Mapping[str, Revision],
    targets: Mapping[str, str],
    images: Mapping[str, str],
    digests: Mapping[str, str],
) -> Plan:
    """Deploy earlier revisions as they are, last wave first.

    :param targets: service → ARN of the task definition to go back to.
    """
    stages = ("deploy", "health") if request.health_check else ("deploy",)
    return _plan(
        catalog,
        environment,
        request,
        live,
        images=images,
        digests=digests,
        targets=targets,
        stages=stages,
        reason="rolled back",
        backwards=True,
    )


def _plan(
    catalog: Catalog,
    environment: str,
    request: Request,
    live: Mapping[str, Revision],
    *,
    images: Mapping[str, str],
    stages: tuple[str, ...],
    reason: str,
    digests: Mapping[str, str] | None = None,
    targets: Mapping[str, str] | None = None,
    good: Mapping[str, str] | None = None,
    builds: Sequence[str] = (),
    head: str = "",
    deploys: bool = True,
    backwards: bool = False,
) -> Plan:
    policy = catalog.environments[environment]
    after = {s.name: s.build_after for s in catalog.services}
    waves = waves_of(catalog, topological(request.services, after)) if deploys else ()
    return Plan(
        environment=environment,
        cluster=catalog.cluster(environment),
        base="",
        head=head,
        selections=tuple(
            Selection(name, name in request.services, reason if name in request.services else "not asked for")
            for name in catalog.all_names
        ),
        modules=(),
        builds=topological(builds, after),
        waves=waves[::-1] if backwards else waves,
        before={n: live[n].task_definition if n in live else None for n in request.services if deploys},
        images=images,
        parallel=catalog.deploy.parallel,
        rollback=policy.rollback,
        # the tag that was asked for is the one to deploy, even where merges deploy latest
        image_reference="commit" if policy.image_reference == "latest" else policy.image_reference,
        stages=stages,
        targets=targets or {},
        good=good or {},
        digests=digests or {},
        rebuild=request.rebuild,
        force=request.force or bool(set(request.services) & {d.name for d in catalog.data}),
        allow_older=request.allow_older,
    )


def waves_of(catalog: Catalog, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """``names`` by priority, each wave in the order given; data services before all others."""
    by_priority: dict[int, list[str]] = {}
    for name in names:
        part = catalog.by_name.get(name)
        by_priority.setdefault(part.priority if part else 0, []).append(name)
    return tuple(tuple(by_priority[priority]) for priority in sorted(by_priority))
