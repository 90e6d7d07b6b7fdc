"""What is wrong with what runs: images that a task could not be started from again; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sdt_console.model import EcrImage, Finding, RunningImage, Shelf
from sdt_console.text import clipped, plural
from sdt_console.watch.lifecycle import DAY_S, Policy, differences, overdue
from sdt_console.watch.running_images import home, tag_of

_COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Judge:
    """Judges the shelves of one environment.

    :param policy: the catalog's.
    :param now: seconds since the epoch.
    """

    policy: Policy
    now: float

    def problems(self, shelf: Shelf, stock: list[EcrImage] | None, place: str) -> Iterator[Finding]:
        """What keeps the service from being started again, now or soon.

        :param stock: images of the repository that it runs from; ``None`` if they are not known, or if it
            runs from elsewhere.
        :param place: that repository's name.
        """
        if stock is None:
            return
        for running in shelf.running:
            if not running.digest:
                continue
            digests = {image.digest for image in stock} | set(shelf.members)
            if running.digest not in digests:
                yield self._gone(shelf, running, stock, place)
                continue
            if running.follows_tag and (moved := self._moved(running, stock, shelf)):
                yield moved
            if place == shelf.repository and (soon := self._expiring(shelf, running)):
                yield soon

    def _gone(self, shelf: Shelf, running: RunningImage, stock: list[EcrImage], place: str) -> Finding:
        name, tag = shelf.service, tag_of(running.reference)
        now_there = next((image for image in stock if tag and tag in image.tags), None)
        tasks = f"{plural(running.tasks, 'task')} run{'s' if running.tasks == 1 else ''}"
        what = f"{tasks} {short(running.digest)}, which is no longer in {place}"
        if now_there is not None:
            told = f"tag {brief(tag)} was moved to {short(now_there.digest)}, pushed {moment(now_there)}"
            if running.follows_tag:
                cause = f"{told}: a task that starts anew would run that instead"
                return Finding("warning", name, what, cause, self._cure(shelf, stock, tag))
            cause = f"{told}; the digest that was deployed has been deleted or has expired"
        elif tag:
            cause = f"tag {brief(tag)} is gone as well: deleted, or expired by the lifecycle policy"
        else:
            cause = "it was deployed by digest, which has been deleted or has expired"
        cause += "; the service runs on, but no task of it can start again"
        return Finding("error", name, what, cause, self._cure(shelf, stock, tag if now_there else ""))

    def _cure(self, shelf: Shelf, stock: list[EcrImage], tag: str) -> str:
        """:param tag: the one that is deployed, if there still is one of that name."""
        name = shelf.service
        newest = next((t for image in stock if (t := best_tag(image))), "")
        if shelf.kind == "data":
            return "push that image again" + (
                f", or deploy one that is there: {brief(newest)}" * bool(newest)
            )
        if tag:
            cure = f"`sdt deploy {name} --tag {tag} --force`"
            return f"deploy what the tag means now: {cure}; or push the old image"
        if newest:
            return f"deploy one that is there: `sdt deploy {name} --tag {newest}`; or push the old image"
        return f"build it again: `sdt deploy {name} --rebuild`"

    def _moved(self, running: RunningImage, stock: list[EcrImage], shelf: Shelf) -> Finding | None:
        tag = tag_of(running.reference)
        wanted = shelf.members.get(running.digest, running.digest)
        other = next((i for i in stock if tag and tag in i.tags and i.digest != wanted), None)
        if other is None:
            return None
        return Finding(
            "warning",
            shelf.service,
            f"a task that starts anew would run another image than {short(running.digest)}",
            f"tag {brief(tag)} is {short(other.digest)} now, pushed {moment(other)}, "
            "and the container has versionConsistency disabled",
            f"deploy what the tag means now: `sdt deploy {shelf.service} --tag {tag} --force`",
        )

    def _expiring(self, shelf: Shelf, running: RunningImage) -> Finding | None:
        found = shelf.of(running.digest)
        if found is None:
            return None
        image, keep, days = found.image, self.policy.keep_tagged, self.policy.expire_untagged_days
        if not image.tags:
            at = image.pushed_at + days * DAY_S
            when = f"from {_day(at)} on" if at > self.now else "any time now"
            cause = f"untagged images go after {plural(days, 'day')}: this one {when}"
        elif found.position > keep:
            cause = f"{keep} tagged images are kept, and {found.position - 1} newer ones are there"
        else:
            return None
        what = f"{short(running.digest)}, which runs, will expire by the catalog's lifecycle policy"
        tag = best_tag(image) or tag_of(running.reference)
        cure = f"deploy a newer image, or give this one a tag that stays (it was deployed as {brief(tag)})"
        return Finding("warning", shelf.service, what, cause, cure)

    def audit(
        self, shelf: Shelf, stock: list[EcrImage], policy: str | None, *, scanned: bool
    ) -> Iterator[Finding]:
        """What the repository does otherwise than the catalog asks for.

        :param policy: its lifecycle policy, as text; ``None`` if it has none.
        :param scanned: an image of it has been scanned.
        """
        name, differing = shelf.service, differences(policy, self.policy)
        for told in differing:
            yield Finding("warning", name, told, "", "put the lifecycle policy below")
        tagged, untagged = overdue(stock, shelf.members, self.policy, self.now)
        parts = [f"{tagged} tagged"] * bool(tagged) + [f"{untagged} untagged"] * bool(untagged)
        if parts:
            images = "image" if tagged + untagged == 1 else "images"
            what = f"{' and '.join(parts)} {images} more than the catalog's policy keeps"
            cure = "" if differing else "see when ECR last evaluated it: `aws ecr get-lifecycle-policy`"
            yield Finding("warning", name, what, "", cure)
        if stock and not scanned and not shelf.scan_on_push:
            cure = (
                f"aws ecr put-image-scanning-configuration --repository-name {shelf.repository} "
                "--image-scanning-configuration scanOnPush=true"
            )
            yield Finding("warning", name, "no image of it was ever scanned: scan on push is off", "", cure)


def elsewhere(shelf: Shelf) -> str:
    """Where the service's image comes from, if not from its own repository; empty if it does."""
    current = shelf.current
    return home(current.reference) if current and shelf.uri and home(current.reference) != shelf.uri else ""


def best_tag(image: EcrImage) -> str:
    """The tag that says most: a commit, else any but ``latest``."""
    tags = sorted(image.tags, key=lambda t: (not _COMMIT.fullmatch(t), t == "latest", t))
    return tags[0] if tags else ""


def short(digest: str) -> str:
    """``sha256:90833ea9585f``."""
    kind, _, value = digest.partition(":")
    return f"{kind}:{value[:12]}"


def brief(tag: str) -> str:
    """A tag as it is shown: commits cut to 12 digits."""
    return tag[:12] if _COMMIT.fullmatch(tag) else clipped(tag, 40)


def moment(image: EcrImage) -> str:
    return datetime.fromtimestamp(image.pushed_at).astimezone().strftime("%Y-%m-%d %H:%M")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
