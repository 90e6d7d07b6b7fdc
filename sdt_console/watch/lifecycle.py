"""A repository's lifecycle policy held against the catalog's; pure.

Rules as in ECR's user guide: each image belongs to the first rule that its tags fit, and ECR expires within
24 hours of the moment at which an image qualifies.
"""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from sdt_console.model import EcrImage
from sdt_console.text import plural

DAY_S = 86400.0


@dataclass(frozen=True)
class Policy:
    """What the catalog's ``[images]`` asks for."""

    keep_tagged: int
    expire_untagged_days: int

    def document(self) -> dict[str, Any]:
        """As ``put-lifecycle-policy`` takes it."""
        untagged = {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": self.expire_untagged_days,
        }
        tagged = {
            "tagStatus": "tagged",
            "tagPatternList": ["*"],
            "countType": "imageCountMoreThan",
            "countNumber": self.keep_tagged,
        }
        rules = enumerate((untagged, tagged), 1)
        return {
            "rules": [{"rulePriority": n, "selection": s, "action": {"type": "expire"}} for n, s in rules]
        }


@dataclass(frozen=True)
class _Rule:
    priority: int
    status: str
    patterns: tuple[str, ...]
    count: str
    number: int
    action: str

    @property
    def whole(self) -> bool:
        """It is about every image of its tag status."""
        return self.status != "tagged" or self.patterns == ("*",)

    def told(self) -> str:
        verb = {"expire": "expire", "transition": "are archived"}.get(self.action, self.action)
        if self.count == "imageCountMoreThan":
            return f"{verb} beyond the newest {self.number}"
        since = {"sinceImagePushed": "", "sinceImagePulled": " without a pull"}.get(
            self.count, f" ({self.count})"
        )
        return f"{verb} after {plural(self.number, 'day')}{since}"


def differences(text: str | None, wanted: Policy) -> list[str]:
    """How a policy differs from the one wanted, a sentence each; none if it does the same.

    :param text: the policy as ECR tells it; ``None`` if the repository has none.
    """
    if text is None:
        return ["no lifecycle policy: no image ever expires"]
    try:
        rules = _rules(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["its lifecycle policy cannot be read"]
    found = [
        f"rule {rule.priority}: images tagged {' and '.join(rule.patterns)} {rule.told()}"
        for rule in rules
        if not rule.whole
    ]
    kinds = (
        ("untagged", "sinceImagePushed", wanted.expire_untagged_days),
        ("tagged", "imageCountMoreThan", wanted.keep_tagged),
    )
    for status, count, number in kinds:
        rule = next((r for r in rules if r.whole and r.status in (status, "any")), None)
        right = _Rule(0, status, (), count, number, "expire")
        if rule is None:
            found.append(f"{status} images never expire; wanted: they {right.told()}")
        elif (rule.count, rule.number, rule.action) != (count, number, "expire"):
            found.append(f"{status} images {rule.told()}; wanted: they {right.told()}")
    return found


def overdue(
    images: Sequence[EcrImage], listed: Container[str], wanted: Policy, now: float
) -> tuple[int, int]:
    """How many tagged and untagged images are still there, a day after the policy would have expired them.

    :param images: newest first.
    :param listed: digests that an index lists: they stay as long as the index.
    """
    free = [image for image in images if image.digest not in listed]
    tagged = [image for image in free if image.tags]
    # What an image is beyond since: the push of the last one that was needed to put it there.
    pushed_out = [tagged[i].pushed_at for i in range(len(tagged) - wanted.keep_tagged)]
    age = (wanted.expire_untagged_days + 1) * DAY_S
    old = sum(not image.tags and now - image.pushed_at > age for image in free)
    return sum(now - at > DAY_S for at in pushed_out), old


def _rules(text: str) -> list[_Rule]:
    found = []
    for raw in json.loads(text)["rules"]:
        select = raw["selection"]
        prefixes = (f"{prefix}*" for prefix in select.get("tagPrefixList", ()))
        found.append(
            _Rule(
                int(raw["rulePriority"]),
                str(select["tagStatus"]),
                (*prefixes, *map(str, select.get("tagPatternList", ()))),
                str(select["countType"]),
                int(select["countNumber"]),
                str(raw["action"]["type"]),
            )
        )
    return sorted(found, key=lambda rule: rule.priority)
