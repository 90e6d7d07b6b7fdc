"""CloudWatch Logs, read at length: searches page by page, Live Tail, exports and retention."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.live_tail import LiveTail
from sdt_console.errors import BusyError, CloudError
from sdt_console.model import ExportTask, LogEvent, LogGroup

_PAGE = 10_000  # FilterLogEvents' and GetLogEvents' limit
_STREAMS_A_CALL = 100  # FilterLogEvents' limit of logStreamNames
_BUSY = "LimitExceededException"


class LogEventsClient:
    """The calls of one account and region; source: the CloudWatch Logs API reference."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._quick: Any = None

    async def pages(
        self, group: str, start: int, end: int | None = None, streams: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[LogEvent]]:
        """Events of ``group`` from ``start`` to ``end`` (milliseconds, both included), in the order of time.

        A page may be empty without being the last. Of streams that are named, only those are searched.

        :raises CloudError: there is no such group, or AWS refused.
        """
        await self._read_quickly()
        asked: dict[str, Any] = {"logGroupName": group, "startTime": max(0, start), "limit": _PAGE}
        if end is not None:
            asked["endTime"] = end
        if streams:
            asked["logStreamNames"] = list(streams[:_STREAMS_A_CALL])
        async for page in self._aws.each_page("logs", "filter_log_events", **asked):
            yield [
                LogEvent(
                    raw["timestamp"],
                    raw.get("ingestionTime", raw["timestamp"]),
                    raw["logStreamName"],
                    raw["message"],
                    raw["eventId"],
                )
                for raw in page["events"]
            ]

    async def stream_pages(
        self, group: str, stream: str, start: int, end: int | None = None
    ) -> AsyncIterator[Sequence[LogEvent]]:
        """Events of one stream, by GetLogEvents, which needs another right than a search does.

        Its events have no id of AWS's; theirs is the stream and their place in it from ``start`` on.
        """
        asked: dict[str, Any] = {
            "logGroupName": group,
            "logStreamName": stream,
            "startTime": max(0, start),
            "startFromHead": True,
        }
        if end is not None:
            asked["endTime"] = end
        token, number = "", 0
        while True:
            page = await self._aws.read(
                "logs", "get_log_events", **asked, **({"nextToken": token} if token else {})
            )
            events = [
                LogEvent(
                    raw["timestamp"],
                    raw.get("ingestionTime", raw["timestamp"]),
                    stream,
                    raw["message"],
                    f"{stream}:{start}:{number + at}",
                )
                for at, raw in enumerate(page["events"])
            ]
            number += len(events)
            yield events
            before, token = token, page.get("nextForwardToken", "")
            if not token or token == before:  # the same token again is how GetLogEvents says that this is all
                return

    async def streams(self, group: str, prefix: str = "") -> list[str]:
        """Names of the streams, the one that was written to last first; by name where a prefix is given."""
        asked: dict[str, Any] = (
            {"logStreamNamePrefix": prefix} if prefix else {"orderBy": "LastEventTime", "descending": True}
        )
        found = await self._aws.pages(
            "logs", "describe_log_streams", "logStreams", logGroupName=group, **asked
        )
        return [str(raw["logStreamName"]) for raw in found]

    async def described(self, names: Sequence[str]) -> dict[str, LogGroup]:
        """Those of ``names`` that exist; groups in one folder are asked for together."""
        prefixes = {name.rpartition("/")[0] + "/" if "/" in name[1:] else name for name in names}
        found = await asyncio.gather(
            *(
                self._aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
                for prefix in sorted(prefixes)
            )
        )
        groups = {str(raw["logGroupName"]): _group(raw) for page in found for raw in page}
        return {name: groups[name] for name in names if name in groups}

    async def live(self, arns: Sequence[str]) -> LiveTail:
        """Follow at most ten log groups with StartLiveTail.

        :raises SdtError: it cannot be used here: no right, no such call, too many sessions.
        """
        client = await self._aws.call("sdk:Client", self._aws.streaming_client, "logs")
        answer = await self._aws.call(
            "logs:StartLiveTail", client.start_live_tail, logGroupIdentifiers=list(arns)
        )
        return LiveTail(answer["responseStream"], arns)

    # --- archive -------------------------------------------------------------

    async def exports(self) -> list[ExportTask]:
        """Every export task of the account and region that AWS remembers."""
        found = await self._aws.pages("logs", "describe_export_tasks", "exportTasks")
        return [_export(raw) for raw in found]

    async def export(self, task_id: str) -> ExportTask:
        answer = await self._aws.read("logs", "describe_export_tasks", taskId=task_id)
        if not answer["exportTasks"]:
            raise CloudError(f"there is no export task {task_id}")
        return _export(answer["exportTasks"][0])

    async def start_export(self, group: str, start: int, end: int, bucket: str, prefix: str) -> str:
        """:returns: the task's id.

        :raises BusyError: an export of this account and region is under way: AWS allows one at a time.
        """
        try:
            answer = await self._aws.change(
                "logs",
                "create_export_task",
                taskName=f"sdt-{group.strip('/').replace('/', '-')}"[:512],
                logGroupName=group,
                to=end,
                destination=bucket,
                destinationPrefix=prefix,
                **{"from": start},
            )
        except CloudError as error:
            if _BUSY in error.what:
                raise BusyError("another export is under way", error.cause) from error
            raise
        return str(answer["taskId"])

    async def keep(self, group: str, days: int) -> None:
        """Set how long the events of ``group`` are kept."""
        await self._aws.change("logs", "put_retention_policy", logGroupName=group, retentionInDays=days)

    async def _read_quickly(self) -> None:
        """Have pages of events read as JSON and no more: the SDK's own way takes most of a search's time."""
        client = await self._aws.call("sdk:Client", self._aws.client, "logs")
        if client is not self._quick:  # it is another one when the credentials are
            client.meta.events.register(
                "before-parse.cloudwatch-logs.FilterLogEvents", _plain, unique_id="sdt-plain"
            )
            self._quick = client


def _plain(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:  # names are the SDK's
    if response_dict["status_code"] != 200:
        return
    try:
        found = json.loads(response_dict["body"])
        if isinstance(found["events"], list):
            customized_response_dict.update(found)
            response_dict["body"] = b"{}"
    except (ValueError, KeyError, TypeError):
        return  # whatever that is, the SDK says it better


def _group(raw: Mapping[str, Any]) -> LogGroup:
    arn = str(raw.get("logGroupArn") or raw["arn"]).removesuffix(":*")  # StartLiveTail wants it without
    return LogGroup(
        name=str(raw["logGroupName"]),
        arn=arn,
        retention_days=raw.get("retentionInDays"),
        stored_bytes=int(raw.get("storedBytes", 0)),
        created=int(raw.get("creationTime", 0)),
    )


def _export(raw: Mapping[str, Any]) -> ExportTask:
    status = raw.get("status", {})
    return ExportTask(
        id=str(raw["taskId"]),
        group=str(raw.get("logGroupName", "")),
        status=str(status.get("code", "")),
        start=int(raw.get("from", 0)),
        end=int(raw.get("to", 0)),
        bucket=str(raw.get("destination", "")),
        prefix=str(raw.get("destinationPrefix", "")),
        message=str(status.get("message", "")),
    )
