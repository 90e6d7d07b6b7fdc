"""CloudWatch metrics: many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.model import MetricPoints, MetricQuery

QUERIES_A_CALL = 500  # GetMetricData's limit
_WHOLE = "Complete"
_NOTES = {
    "PartialData": "AWS has not given all of it",
    "InternalError": "AWS failed while it read this",
    "Forbidden": "AWS does not allow this metric to be read",
}


class MetricsClient:
    """``GetMetricData``, which AWS charges for by the metric: nothing is asked for twice in one call."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def data(self, queries: Sequence[MetricQuery], start: float, end: float) -> list[MetricPoints]:
        """What was published from ``start`` (included) to ``end`` (excluded), an answer for each query.

        :param start: seconds since the epoch, as ``end``; whole periods are whole only if both are aligned.
        :raises CloudError: AWS refused.
        """
        unique = list(dict.fromkeys(queries))
        parts = [unique[i : i + QUERIES_A_CALL] for i in range(0, len(unique), QUERIES_A_CALL)]
        answers = await asyncio.gather(*(self._batch(part, start, end) for part in parts))
        found = dict(zip(unique, (points for answer in answers for points in answer), strict=True))
        return [found[query] for query in queries]

    async def _batch(self, queries: Sequence[MetricQuery], start: float, end: float) -> list[MetricPoints]:
        points: list[dict[float, float]] = [{} for _ in queries]
        status = [_WHOLE for _ in queries]
        told = [""] * len(queries)
        pages = self._aws.each_page(
            "cloudwatch",
            "get_metric_data",
            MetricDataQueries=[_query(number, query) for number, query in enumerate(queries)],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending",
        )
        async for page in pages:
            for result in page.get("MetricDataResults", []):
                number = int(result["Id"][1:])
                times = (moment.timestamp() for moment in result.get("Timestamps", []))
                points[number].update(zip(times, map(float, result.get("Values", [])), strict=True))
                # Of a metric that goes on over pages all but the last part are partial.
                status[number] = result.get("StatusCode") or _WHOLE
                told[number] = _told(result)
        return [
            MetricPoints(found, told[number] or _NOTES.get(status[number], ""))
            for number, found in enumerate(points)
        ]


def _query(number: int, query: MetricQuery) -> dict[str, Any]:
    metric = {
        "Namespace": query.namespace,
        "MetricName": query.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
    }
    return {
        "Id": f"m{number}",
        "MetricStat": {"Metric": metric, "Period": query.period, "Stat": query.statistic},
    }


def _told(result: dict[str, Any]) -> str:
    """AWS's own words on a metric whose data are not whole."""
    if (result.get("StatusCode") or _WHOLE) == _WHOLE:
        return ""
    return "; ".join(str(m["Value"]) for m in result.get("Messages", []) if m.get("Value"))
