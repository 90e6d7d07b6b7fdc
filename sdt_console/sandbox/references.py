"""Image references, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Reference:
    """``host/repository:tag@digest``; empty strings for what is not there.

    :param host: registry with its port; empty for a public image without one (``nginx:1``).
    """

    host: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        name, _, digest = text.partition("@")
        first, slash, rest = name.partition("/")
        # Only a dot, a port or "localhost" makes the first part a host; "library/nginx" has none.
        has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
        host, path = (first, rest) if has_host else ("", name)
        repository, _, tag = path.partition(":")
        return cls(host, repository, tag or ("" if digest else "latest"), digest)

    @property
    def ecr(self) -> tuple[str, str] | None:
        """Account and region of an ECR host; ``None`` for any other."""
        match = _ECR.fullmatch(self.host)
        return (match["account"], match["region"]) if match else None
