"""Costs as CloudWatch metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sdt_console.clients.aws import Aws
from sdt_console.model.cost import CostPoint

_A_CALL = 500  # PutMetricData takes 1,000 metrics, and at most 1 MB


class CostMetricsClient:
    """PutMetricData."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def refuse_if_read_only(self) -> None:
        """:raises ReadOnlyError: nothing may be put, so nothing need be worked out."""
        self._aws.call.refuse_if_read_only("cloudwatch:PutMetricData")

    async def put(self, namespace: str, points: Sequence[CostPoint]) -> None:
        """Put every point; CloudWatch takes floating-point numbers.

        :raises ReadOnlyError: this session may not change anything.
        :raises CloudError: AWS refused.
        """
        for start in range(0, len(points), _A_CALL):
            data = [
                {
                    "MetricName": point.metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in point.dimensions],
                    "Timestamp": datetime.fromtimestamp(point.at, UTC),
                    "Value": float(point.value),
                    "Unit": "None",
                }
                for point in points[start : start + _A_CALL]
            ]
            await self._aws.change("cloudwatch", "put_metric_data", Namespace=namespace, MetricData=data)
