"""GetMetricData, GetMetricStatistics and ListMetrics over the sandbox's own series.

What clients put themselves (PutMetricData) stays moto's: a call that is about none of the sandbox's
metrics is answered by moto.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from .expressions import ExpressionError, Points, evaluate
from .series import Series
from .stats import statistic

_SEARCH = re.compile(
    r"""SEARCH\(\s*(?P<q>['"])\{(?P<schema>[^}]*)\}(?P<terms>.*?)(?P=q)\s*,\s*['"](?P<stat>[^'"]+)['"]"""
    r"""(?:\s*,\s*(?P<period>\d+))?\s*\)""",
    re.DOTALL,
)
_TERM = re.compile(r'([\w.-]+)\s*=\s*"?([^"\s]+)"?')
QUERIES_A_CALL = 500
POINTS_A_PAGE = 100_800
Wire = dict[str, Any]


class Metrics:
    """Answers the three calls.

    :param now: the sandbox's time: there is nothing after it.
    """

    def __init__(self, series: Series, now: Callable[[], float]) -> None:
        self._series = series
        self._now = now

    def points(
        self, namespace: str, name: str, dimensions: Mapping[str, str], stat: str, period: int, start: float,
        end: float,
    ) -> Points:  # fmt: skip
        """One statistic of one metric, by the start of each period."""
        found: Points = {}
        begin = math.floor(start / period) * period
        while begin < min(end, self._now()):
            until = min(begin + period, self._now())
            minutes = self._series.minutes(namespace, name, dimensions, begin, until)
            value = statistic(stat, self._series.kind(name), minutes)
            if value is not None:
                found[float(begin)] = round(value, 6)
            begin += period
        return found

    def owns(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> bool:
        """Whether this is one of the sandbox's metrics (of all its dimensions, or fewer)."""
        return self._series.owns(namespace, name, dimensions)

    def data(self, queries: Sequence[Wire], start: float, end: float, *, descending: bool) -> list[Wire]:
        """The results of GetMetricData.

        :raises ExpressionError: a query's expression cannot be evaluated.
        """
        series: dict[str, Points] = {}
        labels: dict[str, str] = {}
        extra: list[tuple[str, str, Points]] = []
        period = min([int(q["MetricStat"]["Period"]) for q in queries if "MetricStat" in q] or [60])
        for query in queries:
            if "MetricStat" in query:
                asked = query["MetricStat"]
                metric = asked["Metric"]
                series[query["Id"]] = self.points(
                    metric.get("Namespace", ""), metric["MetricName"], _dimensions(metric), asked["Stat"],
                    int(asked["Period"]), start, end,
                )  # fmt: skip
                labels[query["Id"]] = query.get("Label") or metric["MetricName"]
        times = [float(t) for t in range(math.floor(start / period) * period, math.ceil(end), period)]
        for query in queries:
            expression = query.get("Expression", "")
            search = _SEARCH.search(expression)
            if search is not None:
                extra += [(query["Id"], *found) for found in self._search(search, start, end)]
            elif expression:
                series[query["Id"]] = evaluate(expression, series, times)
                labels[query["Id"]] = query.get("Label") or query["Id"]
        results = [
            _result(query["Id"], labels[query["Id"]], series[query["Id"]], descending)
            for query in queries
            if query["Id"] in series and query.get("ReturnData", True) is not False
        ]
        return results + [_result(name, label, points, descending) for name, label, points in extra]

    def _search(self, search: re.Match[str], start: float, end: float) -> list[tuple[str, Points]]:
        namespace, *keys = [part.strip().strip('"') for part in search["schema"].split(",")]
        terms = dict(_TERM.findall(search["terms"]))
        wanted = terms.pop("MetricName", None)
        period = int(search["period"] or 60)
        found = []
        for space, name, dimensions in self._series.known():
            fits = space == namespace and set(dimensions) == set(keys) and wanted in (None, name)
            if fits and all(dimensions.get(key) == value for key, value in terms.items()):
                points = self.points(space, name, dimensions, search["stat"], period, start, end)
                found.append((" ".join([*dimensions.values(), name]), points))
        return found

    def listed(self, namespace: str | None, name: str | None, wanted: Sequence[Wire]) -> list[Wire]:
        """The sandbox's metrics that ListMetrics asks for."""
        return [
            {
                "Namespace": space,
                "MetricName": known,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            }
            for space, known, dimensions in self._series.known()
            if namespace in (None, space)
            and name in (None, known)
            and all(
                w["Name"] in dimensions and w.get("Value") in (None, dimensions[w["Name"]]) for w in wanted
            )
        ]


def install(metrics: Metrics) -> Callable[[], None]:
    """Put ``metrics`` in front of moto's CloudWatch; returns what undoes it."""
    before = {
        name: getattr(CloudWatchResponse, name)
        for name in ("get_metric_data", "get_metric_statistics", "list_metrics")
    }

    def get_metric_data(self: Any) -> ActionResult:
        parameters = self._get_params()
        queries = parameters.get("MetricDataQueries") or []
        if len(queries) > QUERIES_A_CALL:
            raise ValidationError(
                f"The collection MetricDataQueries must not have a size greater than {QUERIES_A_CALL}."
            )
        foreign = [query for query in queries if "MetricStat" in query and not _owned(metrics, query)]
        own = [query for query in queries if query not in foreign]
        if not any("MetricStat" in query or "SEARCH" in query.get("Expression", "") for query in own):
            result: ActionResult = before["get_metric_data"](self)
            return result
        descending = (parameters.get("ScanBy") or "TimestampDescending") == "TimestampDescending"
        begin, until = parameters["StartTime"], parameters["EndTime"]
        try:
            found = metrics.data(own, begin.timestamp(), until.timestamp(), descending=descending)
        except ExpressionError as error:
            raise ValidationError(str(error)) from None
        if foreign:  # what clients have put themselves
            others = self.cloudwatch_backend.get_metric_data(
                start_time=begin, end_time=until, queries=foreign, scan_by=parameters.get("ScanBy") or ""
            )
            found += [
                {
                    "Id": other["id"],
                    "Label": other["label"],
                    "Timestamps": other["timestamps"],
                    "Values": other["values"],
                    "StatusCode": other["status_code"],
                }
                for other in others
            ]
        return ActionResult(_paged(found, parameters))

    def get_metric_statistics(self: Any) -> ActionResult:
        parameters = self._get_params()
        namespace, name = parameters.get("Namespace", ""), parameters.get("MetricName", "")
        dimensions = _dimensions(parameters)
        if not metrics.owns(namespace, name, dimensions):
            result: ActionResult = before["get_metric_statistics"](self)
            return result
        plain = parameters.get("Statistics") or []
        extended = parameters.get("ExtendedStatistics") or []
        start, end = parameters["StartTime"].timestamp(), parameters["EndTime"].timestamp()
        columns = {
            stat: metrics.points(namespace, name, dimensions, stat, int(parameters["Period"]), start, end)
            for stat in [*plain, *extended]
        }
        datapoints = []
        for moment in sorted({time for points in columns.values() for time in points}):
            point: Wire = {"Timestamp": datetime.fromtimestamp(moment, UTC), "Unit": _unit(name)}
            point |= {stat: columns[stat][moment] for stat in plain if moment in columns[stat]}
            if extended:
                point["ExtendedStatistics"] = {
                    s: columns[s][moment] for s in extended if moment in columns[s]
                }
            datapoints.append(point)
        return ActionResult({"Label": name, "Datapoints": datapoints})

    def list_metrics(self: Any) -> ActionResult:
        parameters = self._get_params()
        own = metrics.listed(
            parameters.get("Namespace"), parameters.get("MetricName"), parameters.get("Dimensions") or []
        )
        # moto's own come on its first page, so that custom metrics are found as well.
        token, others = self.cloudwatch_backend.list_metrics(
            parameters.get("NextToken"),
            parameters.get("Namespace"),
            parameters.get("MetricName"),
            parameters.get("Dimensions") or [],
        )
        first = not parameters.get("NextToken")
        return ActionResult({"Metrics": [*(own if first else []), *others], "NextToken": token})

    replacements = {
        "get_metric_data": get_metric_data,
        "get_metric_statistics": get_metric_statistics,
        "list_metrics": list_metrics,
    }
    for name, function in replacements.items():
        setattr(CloudWatchResponse, name, function)

    def undo() -> None:
        for name, function in before.items():
            setattr(CloudWatchResponse, name, function)

    return undo


def _owned(metrics: Metrics, query: Wire) -> bool:
    metric = query["MetricStat"]["Metric"]
    return metrics.owns(metric.get("Namespace", ""), metric["MetricName"], _dimensions(metric))


def _paged(results: Sequence[Wire], parameters: Mapping[str, Any]) -> Wire:
    """One page of results; a metric that does not fit on it is partial, and goes on on the next."""
    room = min(int(parameters.get("MaxDatapoints") or POINTS_A_PAGE), POINTS_A_PAGE)
    token = str(parameters.get("NextToken") or "0")
    if not token.isdecimal():
        raise ValidationError("The value for parameter NextToken is not valid.")
    begin, shown, passed = int(token), [], 0
    end = begin + room
    for result in results:
        count = len(result["Values"])
        first, last = max(begin - passed, 0), min(end - passed, count)
        passed += count
        if first < last or (count == 0 and begin == 0):
            part = {key: result[key][first:last] for key in ("Timestamps", "Values")}
            whole = "Complete" if last == count else "PartialData"
            shown.append({**result, **part, "StatusCode": whole})
    return {"MetricDataResults": shown} | ({"NextToken": str(end)} if end < passed else {})


def _dimensions(metric: Mapping[str, Any]) -> dict[str, str]:
    return {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}


def _result(name: str, label: str, points: Points, descending: bool) -> Wire:
    order = sorted(points, reverse=descending)
    return {
        "Id": name,
        "Label": label,
        "Timestamps": [datetime.fromtimestamp(time, UTC) for time in order],
        "Values": [points[time] for time in order],
        "StatusCode": "Complete",
    }


def _unit(name: str) -> str:
    if name == "TargetResponseTime":
        return "Seconds"
    if name == "FreeStorageSpace":
        return "Bytes"
    return "Percent" if name.endswith("Utilization") else "Count"
