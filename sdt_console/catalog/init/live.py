"""What a live ECS cluster shows, and the name patterns that follow from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sdt_console.catalog.init.parts import ENVIRONMENTS

_ALIKE = (
    ("dev", "development", "develop", "int", "sandbox"),
    ("staging", "stage", "stg", "test", "testing", "qa", "uat", "preprod", "demo"),
    ("production", "prod", "prd", "live"),
)
_WORDS = frozenset(word for words in _ALIKE for word in words)
_ECR = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$")


@dataclass(frozen=True)
class LiveService:
    """A service as it runs.

    :param name: the ECS service's name.
    :param cluster: ARN of its cluster, which tells account and region.
    :param port: container port; ``None`` if its task definition maps none.
    :param cpu: CPU units of a task.
    :param memory: MiB of a task.
    :param image: image repository with its registry host, without tag and digest.
    :param load_balanced: it is a load balancer's target.
    :param load_balancer: name of that load balancer, if it is known.
    :param family: family of its task definition.
    :param log_group: from the ``awslogs`` options of its container.
    """

    name: str
    cluster: str
    port: int | None = None
    cpu: int | None = None
    memory: int | None = None
    image: str = ""
    load_balanced: bool = False
    load_balancer: str = ""
    family: str = ""
    log_group: str = ""

    @property
    def account(self) -> str:
        return self._part(4)

    @property
    def region(self) -> str:
        return self._part(3)

    @property
    def cluster_name(self) -> str:
        return self.cluster.rpartition("/")[2]

    def _part(self, index: int) -> str:
        parts = self.cluster.split(":")
        return parts[index] if len(parts) > 5 else ""


@dataclass(frozen=True)
class Affixes:
    """What stands before and after the plain name in every service's name of a cluster."""

    before: str
    after: str
    environment: str

    def strip(self, name: str) -> str:
        """``name`` without them; as it is if it has other ones."""
        inner = name.removeprefix(self.before)
        if self.after and inner.endswith(self.after):
            inner = inner[: -len(self.after)]
        fits = name.startswith(self.before) and name.endswith(self.after) and inner
        return inner if fits else name

    def pattern(self, text: str, service: str) -> str:
        """``text`` with ``{service}`` and ``{env}`` in the place of what they stand for here."""
        if set(text) & set("{}"):
            return ""
        marked = _word(service).sub("\0", text, count=1)
        if self.environment:
            marked = _word(self.environment).sub("{env}", marked, count=1)
        return marked.replace("\0", "{service}")


def affixes(live: Sequence[LiveService], known: Sequence[str]) -> Affixes:
    """What the names in a cluster have around the names that are ``known`` from elsewhere, or around
    whatever tells them apart."""
    cluster = live[0].cluster_name
    names = [service.name for service in live]
    environment = _environment(cluster, names)
    votes: Counter[tuple[str, str]] = Counter()
    for name in names:
        for wanted in known:
            for found in _word(wanted).finditer(name):
                votes[name[: found.start()], name[found.end() :]] += 1
    if votes:
        # the longer affixes are the surer ones: `service` is found in `user-service` too
        best = max(votes, key=lambda pair: (votes[pair], -len(pair[0]) - len(pair[1])))
        return Affixes(*best, environment)
    ends = next(
        (f"{dash}{environment}" for dash in "-_" if environment and _all_end(names, dash + environment)), ""
    )
    return Affixes(_common(names, environment), ends, environment)


def environments(word: str) -> tuple[str, ...]:
    """The usual environments, with ``word`` in the place of the one it is another name of."""
    return tuple(word if word in alike else usual for usual, alike in zip(ENVIRONMENTS, _ALIKE, strict=True))


def registry_and_path(image: str) -> tuple[str, str]:
    """Registry host and repository; both empty if ``image`` is not of an ECR registry."""
    host, _, path = image.partition("/")
    return (host, path) if path and _ECR.match(host) else ("", "")


def _environment(cluster: str, names: Sequence[str]) -> str:
    words = [word for word in re.split(r"[-_]", cluster) if word in _WORDS]
    if len(words) > 1:
        counts = {word: sum(bool(_word(word).search(name)) for name in names) for word in words}
        words.sort(key=lambda word: counts[word])
    return words[-1] if words else ""


def _all_end(names: Sequence[str], end: str) -> bool:
    return all(name.endswith(end) and name != end for name in names)


def _common(names: Sequence[str], environment: str) -> str:
    """What all names begin with, whole words only; up to the environment if that is among them."""
    split = [re.findall(r"[^-_]+[-_]?", name) for name in names]
    shortest = min(len(words) for words in split)
    count = 0
    while count < shortest - 1 and len({words[count] for words in split}) == 1:
        count += 1
    words = [word.rstrip("-_") for word in split[0][:count]]
    if environment in words:
        count = words.index(environment) + 1
    elif len(names) == 1:
        count = 0
    return "".join(split[0][:count])


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])")
