"""CloudWatch Logs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sdt_console.clients.aws import Aws


class LogsClient:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def last_lines(self, group: str, stream: str, count: int) -> tuple[str, ...]:
        """The newest ``count`` messages of one stream, oldest first; untrusted text.

        :raises CloudError: there is no such stream, or AWS refused.
        """
        answer = await self._aws.read(
            "logs",
            "get_log_events",
            logGroupName=group,
            logStreamName=stream,
            limit=count,
            startFromHead=False,
        )
        return tuple(str(event["message"]).rstrip("\n") for event in answer["events"])

    async def groups(self, names: Sequence[str]) -> frozenset[str]:
        """Those of ``names`` that exist; groups in one folder are asked for together.

        :raises CloudError: AWS refused.
        """
        prefixes = {name.rpartition("/")[0] + "/" if "/" in name[1:] else name for name in names}
        found = await asyncio.gather(
            *(
                self._aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
                for prefix in sorted(prefixes)
            )
        )
        return frozenset(str(group["logGroupName"]) for page in found for group in page) & frozenset(names)
