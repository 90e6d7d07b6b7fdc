"""Whether a plan that was read, from a file or a journal, can be walked with this catalog."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from sdt_console.catalog.model import Catalog
from sdt_console.catalog.nearest import hint
from sdt_console.errors import UsageError
from sdt_console.model import PIPELINE, Plan
from sdt_console.pipeline.task_definition import image_parts

_AGAIN = "make it again with `sdt plan -o FILE`"
_PARALLEL = range(1, 51)
_POLICIES = ("changed", "failed", "none")
_REFERENCES = ("commit", "latest", "digest")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REVISION = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d{12}:task-definition/([\w-]{1,255}):[1-9]\d*", re.ASCII)


def checked(plan: Plan, catalog: Catalog, source: str, again: str = _AGAIN) -> Plan:
    """``plan``, if it can be walked with this catalog: all that a stage goes by is looked at.

    A file can be edited by hand, and the catalog can have changed since a plan was recorded.

    :param source: where it was read, for the error.
    :param again: what to do instead.
    :raises UsageError: it was made offline, for another catalog, or does not hang together.
    """
    if plan.offline:
        raise UsageError(
            f"{source} was made offline", "it does not know what runs now, so a move could not be seen", again
        )
    for told in _misfits(plan, catalog):
        raise UsageError(f"{source} does not fit the catalog", told, again)
    for told in chain(_policies(plan), _stages(plan), _lists(plan), _images(plan, catalog)):
        raise UsageError(f"{source} does not hang together", told, again)
    return plan


def _misfits(plan: Plan, catalog: Catalog) -> Iterator[str]:
    """What the plan names and the catalog does not."""
    if plan.environment not in catalog.environments:
        yield f"there is no environment {plan.environment!r}{hint(plan.environment, catalog.environments)}"
        return
    if plan.cluster != catalog.cluster(plan.environment):
        yield f"it is for cluster {plan.cluster}, the catalog says {catalog.cluster(plan.environment)}"
    told = (*plan.before, *plan.images, *plan.targets, *plan.digests, *plan.good)
    yield from _unknown("service", (*plan.services, *told), catalog.all_names)
    yield from _unknown("service with a source", plan.builds, catalog.by_name)
    yield from _unknown("shared module", plan.modules, [shared.name for shared in catalog.shared])
    for name in plan.services:
        if name in catalog.by_name and catalog.by_name[name].state == "pending":
            yield f"{name} is pending"
    family = {name: catalog.family(plan.environment, name) for name in catalog.all_names}
    for name, arn in (*plan.targets.items(), *plan.good.items()):
        # a data service that is restarted stays on what it runs, whatever its family is
        if _family(arn) != family.get(name) and not (arn == plan.before.get(name) and _family(arn)):
            yield f"{name}: {arn!r} is no revision of {family.get(name)}"


def _unknown(what: str, names: Sequence[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"there is no {what} {name!r}{hint(name, known)}"


def _family(arn: str) -> str:
    """The family of a task definition's ARN; empty if it is none."""
    found = _REVISION.fullmatch(arn)
    return found[1] if found else ""


def _policies(plan: Plan) -> Iterator[str]:
    if plan.parallel not in _PARALLEL:
        yield f"parallel is {plan.parallel}, not 1 to {_PARALLEL[-1]}"
    for what, given, known in (
        ("rollback", plan.rollback, _POLICIES),
        ("image_reference", plan.image_reference, _REFERENCES),
    ):
        if given not in known:
            yield f"{what} is {given!r}, not one of {', '.join(known)}"
    for what, commit in (("base", plan.base), ("head", plan.head)):
        if commit and not _COMMIT.fullmatch(commit):
            yield f"{what} is {commit!r}, which is no commit"
    if plan.builds and not plan.head:
        yield "there is something to build, and no head to build it from"


def _stages(plan: Plan) -> Iterator[str]:
    """Stages in their order, each with what it needs from the ones before it."""
    for name in plan.stages:
        if name not in PIPELINE:
            yield f"there is no stage {name!r}{hint(name, PIPELINE)}"
    if plan.stages != tuple(name for name in PIPELINE if name in plan.stages):
        yield f"the stages are not in the order {', '.join(PIPELINE)}"
    for stage, needed in (("push", "build"), ("health", "deploy")):
        if stage in plan.stages and needed not in plan.stages:
            yield f"there is a stage {stage}, and none to {needed}"
    if plan.builds and "build" not in plan.stages:
        yield f"there is no stage build for {plan.builds[0]}"
    if plan.services and "deploy" not in plan.stages:
        yield f"there is no stage deploy for {plan.services[0]}"


def _lists(plan: Plan) -> Iterator[str]:
    """Nothing twice, and something said of everything."""
    for what, names in (
        ("waves", plan.services),
        ("builds", plan.builds),
        ("modules", plan.modules),
    ):
        name, times = next(iter(Counter(names).most_common(1)), ("", 0))
        if times > 1:
            yield f"{name} is in {what} twice"
    settled = {*plan.targets, *plan.builds, *plan.digests}
    for name in plan.services:
        if name not in plan.before or (name not in plan.targets and name not in plan.images):
            yield f"nothing is said of {name}"
        elif name in plan.targets and name in plan.builds:
            yield f"{name} is built, and then deployed without what was built"
        elif name in plan.builds and "push" not in plan.stages:
            yield f"{name} is built and deployed, and not pushed"
        elif plan.image_reference == "digest" and name not in settled:
            yield f"{name} is deployed by digest, and its digest is not known"
    for name in plan.builds:
        if name not in plan.images:
            yield f"nothing is said of {name}"


def _images(plan: Plan, catalog: Catalog) -> Iterator[str]:
    """Our images are in the repository that the catalog names for the service; the registry may differ."""
    for name in dict.fromkeys((*plan.builds, *plan.services)):
        if name in plan.targets:
            continue  # what that revision runs is read from the revision
        if name not in catalog.by_name:
            yield f"{name} is a data service, and no revision of it is named"
            continue
        repository = catalog.repository(plan.environment, name)
        path, tag, digest = image_parts(plan.images[name])
        if path.partition("/")[2] != repository:
            yield f"{name}: the image {plan.images[name]!r} is not in {repository}"
        elif digest or not plan.images[name].endswith(f":{tag}") or not _TAG.fullmatch(tag):
            yield f"{name}: the image {plan.images[name]!r} has no tag, or more than one"
    for name, digest in plan.digests.items():
        if not _DIGEST.fullmatch(digest):
            yield f"{name}: {digest!r} is no digest"
