"""Metric math, as far as dashboards and alarms usually need it.

Supported: the four operations, numbers, parentheses, metric ids, ``SUM``, ``AVG``, ``MIN``, ``MAX`` of
``METRICS()`` or of several series, and ``FILL(m, value)``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

Points = dict[float, float]
"""Time stamp (seconds since the epoch) → value."""
Value = float | Points | list[Points]


class ExpressionError(ValueError):
    """The expression cannot be evaluated."""


_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}


def evaluate(expression: str, series: Mapping[str, Points], times: list[float]) -> Points:
    """The series an expression makes of others.

    :param times: the time stamps of the request's period, for constants and ``FILL``.
    :raises ExpressionError: it is not in the language above, or names an id that is not there.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError):
        raise ExpressionError(f"Error in expression '{expression}'") from None
    value = _value(tree.body, series, times)
    if isinstance(value, list):
        raise ExpressionError("The expression must return one time series")
    return dict.fromkeys(times, value) if isinstance(value, float) else value


def _value(node: ast.expr, series: Mapping[str, Points], times: list[float]) -> Value:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in series:
            raise ExpressionError(f"Undefined variable '{node.id}'")
        return series[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _apply(operator.sub, 0.0, _value(node.operand, series, times))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, series, times), _value(node.right, series, times)
        return _apply(_OPERATIONS[type(node.op)], left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id.upper(), [_value(a, series, times) for a in node.args], series, times)
    raise ExpressionError("Unsupported expression")


def _apply(operation: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, list) or isinstance(right, list):
        raise ExpressionError("Operations work on one time series at a time")
    if isinstance(left, float) and isinstance(right, float):
        return operation(left, right)
    times = left.keys() if isinstance(left, dict) else right.keys() if isinstance(right, dict) else []
    found: Points = {}
    for time in times:
        a = left if isinstance(left, float) else left.get(time)
        b = right if isinstance(right, float) else right.get(time)
        # A point that one side lacks, or that would be divided by zero, is missing in the result.
        if a is not None and b is not None and not (operation is operator.truediv and b == 0):
            found[time] = operation(a, b)
    return found


def _call(name: str, arguments: list[Value], series: Mapping[str, Points], times: list[float]) -> Value:
    if name == "METRICS" and not arguments:
        return list(series.values())
    if name == "FILL" and len(arguments) == 2 and isinstance(arguments[0], dict):
        points, filler = arguments
        if isinstance(points, dict) and isinstance(filler, float):
            return {time: points.get(time, filler) for time in times}
    if name in _FOLDS and arguments:
        several = (
            arguments[0] if isinstance(arguments[0], list) else [a for a in arguments if isinstance(a, dict)]
        )
        fold = _FOLDS[name]
        if len(several) == 1 and not isinstance(arguments[0], list):
            # Of one series it is a single number, as in "m1 / SUM(m1)".
            return float(fold(list(several[0].values()) or [0.0]))
        stamps = sorted({time for points in several for time in points})
        return {time: fold([points[time] for points in several if time in points]) for time in stamps}
    raise ExpressionError(f"Unsupported function '{name}'")
