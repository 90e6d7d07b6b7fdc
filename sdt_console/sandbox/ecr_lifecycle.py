"""ECR's lifecycle policies: which images they expire, and when.

Rules as in ECR's user guide: all of them are evaluated at once, then applied by priority; an image that a
rule identifies by its tags is out of reach for the rules after it; images that an index lists stay.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ecr.exceptions import LifecyclePolicyNotFoundException
from moto.ecr.policy_validation import EcrLifecyclePolicyValidator

from .ecr_images import EcrError, EcrImages, children_of
from .timeline import Timeline

DAY = 86400.0
INTERVAL = 3600.0
"""Between two evaluations, in seconds; ECR promises no more than "within 24 hours"."""


def policy(keep_tagged: int, expire_untagged_days: int) -> str:
    """The policy that a catalog's ``[images]`` asks for, as ``lifecyclePolicyText``."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": expire_untagged_days,
    }
    tagged = {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": keep_tagged,
    }
    rules = [
        (f"Expire untagged images after {expire_untagged_days} days", untagged),
        (f"Keep the last {keep_tagged} tagged images", tagged),
    ]
    return json.dumps(
        {
            "rules": [
                {"rulePriority": n, "description": said, "selection": select, "action": {"type": "expire"}}
                for n, (said, select) in enumerate(rules, 1)
            ]
        }
    )


@dataclass(frozen=True)
class Rule:
    """One rule: what it selects, and how many or how old.

    :param patterns: wildcards of tags, all of which must match; empty for any.
    """

    priority: int
    status: str
    patterns: tuple[str, ...]
    by_age: bool
    number: int

    def selects(self, image: Any) -> bool:
        tags = image.image_tags
        if self.status == "any":
            return True
        if self.status == "untagged":
            return not tags
        return bool(tags) and all(fnmatch.filter(tags, pattern) for pattern in self.patterns)


def rules_of(text: str) -> list[Rule]:
    """The rules of a policy that moto has checked, the first to apply first."""
    found = []
    for rule in json.loads(text)["rules"]:
        select = rule["selection"]
        prefixes = [f"{prefix}*" for prefix in select.get("tagPrefixList", ())]
        found.append(
            Rule(
                priority=int(rule["rulePriority"]),
                status=select["tagStatus"],
                patterns=(*prefixes, *select.get("tagPatternList", ())),
                by_age=select["countType"] == "sinceImagePushed",
                number=int(select["countNumber"]),
            )
        )
    return sorted(found, key=lambda rule: rule.priority)


def expiring(rules: Iterable[Rule], images: Sequence[Any], now: float) -> dict[str, int]:
    """Digest of each image that goes → priority of the rule that says so.

    :param images: moto's, in the order in which they were pushed.
    """
    order = sorted(range(len(images)), key=lambda n: (images[n].image_pushed_at, n), reverse=True)
    newest_first = [images[n] for n in order]
    listed = {digest for image in images for digest in children_of(image)}
    taken: set[str] = set()
    marked: dict[str, int] = {}
    for rule in rules:
        selected = [image for image in newest_first if rule.selects(image)]
        if rule.by_age:
            limit = now - rule.number * DAY
            over = [image for image in selected if image.image_pushed_at <= limit]
        else:
            over = selected[rule.number :]
        for image in over:
            digest = image.image_digest
            if digest not in taken and digest not in marked and digest not in listed:
                marked[digest] = rule.priority
        taken |= {image.image_digest for image in selected}
    return marked


class Lifecycle:
    """Evaluates the policies of all repositories, and answers the calls about them.

    :param now: the sandbox's time, in seconds since the epoch.
    """

    def __init__(self, images: EcrImages, now: Callable[[], float]) -> None:
        self._images = images
        self._now = now

    def begin(self, timeline: Timeline) -> None:
        """Evaluate now and every hour from now on; the lock must be held when timers run."""
        self.evaluate()
        timeline.at(timeline.now + INTERVAL, lambda: self.begin(timeline))

    def evaluate(self) -> None:
        """Expire what the policies say."""
        for name in self._images.names():
            repository = self._images.repository(name)
            if repository.lifecycle_policy:
                gone = expiring(rules_of(repository.lifecycle_policy), repository.images, self._now())
                repository.images[:] = [i for i in repository.images if i.image_digest not in gone]
                repository.lifecycle_evaluated_at = self._now()

    def evaluated(self, backend: Any, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer of moto's about a policy, with the moment at which it was evaluated last; 0 for never."""
        repository = backend._get_repository(answer["repositoryName"], answer["registryId"])
        moment = getattr(repository, "lifecycle_evaluated_at", 0.0)
        return {**answer, "lastEvaluatedAt": datetime.fromtimestamp(moment, UTC)}

    def start_preview(
        self, backend: Any, registry_id: str | None, repository_name: str, text: str | None
    ) -> dict[str, Any]:
        """StartLifecyclePolicyPreview: of the given policy, else of the repository's own."""
        repository = backend._get_repository(repository_name, registry_id)
        text = text or repository.lifecycle_policy
        if not text:
            raise LifecyclePolicyNotFoundException(repository.name, repository.registry_id)
        EcrLifecyclePolicyValidator(text).validate()
        marked = expiring(rules_of(text), repository.images, self._now())
        repository.lifecycle_preview = {
            "lifecyclePolicyText": text,
            "status": "COMPLETE",
            "previewResults": [
                _result(image, marked[image.image_digest])
                for image in repository.images
                if image.image_digest in marked
            ],
            "summary": {"expiringImageTotalCount": len(marked)},
        }
        return {**_about(repository), "lifecyclePolicyText": text, "status": "IN_PROGRESS"}

    def preview(self, backend: Any, registry_id: str | None, repository_name: str) -> dict[str, Any]:
        """GetLifecyclePolicyPreview: what the preview that was started last found."""
        repository = backend._get_repository(repository_name, registry_id)
        found = getattr(repository, "lifecycle_preview", None)
        if found is None:
            raise EcrError(
                "LifecyclePolicyPreviewNotFoundException",
                f"Lifecycle policy preview does not exist for the repository with name '{repository.name}' "
                f"in the registry with id '{repository.registry_id}'",
            )
        return {**_about(repository), **found}


def _about(repository: Any) -> dict[str, str]:
    return {"registryId": repository.registry_id, "repositoryName": repository.name}


def _result(image: Any, priority: int) -> dict[str, Any]:
    return {
        "imageTags": list(image.image_tags),
        "imageDigest": image.image_digest,
        "imagePushedAt": image.image_pushed_at,
        "action": {"type": "EXPIRE"},
        "appliedRulePriority": priority,
    }
