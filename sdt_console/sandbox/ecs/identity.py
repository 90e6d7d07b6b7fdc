"""Identifiers and ARNs as Amazon ECS makes them."""

from __future__ import annotations

import random
import string
import uuid
from dataclasses import dataclass, field

_ALPHABET = string.ascii_letters + string.digits + "_-"


@dataclass
class Identity:
    """The names one account has in one region.

    :param random: where identifiers come from; seeded in tests.
    """

    account: str
    region: str
    random: random.Random = field(default_factory=random.Random)

    def arn(self, kind: str, *path: str) -> str:
        return f"arn:aws:ecs:{self.region}:{self.account}:{kind}/{'/'.join(path)}"

    def task_id(self) -> str:
        return f"{self.random.getrandbits(128):032x}"

    def deployment_id(self) -> str:
        return f"ecs-svc/{self.random.randrange(10**18, 10**19)}"

    def service_deployment_id(self) -> str:
        return "".join(self.random.choices(_ALPHABET, k=21))

    def revision_id(self) -> str:
        return str(self.random.randrange(10**18, 10**19))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def hex(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"


def last_part(arn_or_name: str) -> str:
    """The last part of an ARN's path; a bare name is itself."""
    return arn_or_name.rsplit("/", 1)[-1]
