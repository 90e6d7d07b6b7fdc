"""CloudWatch Logs."""

from __future__ import annotations

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
