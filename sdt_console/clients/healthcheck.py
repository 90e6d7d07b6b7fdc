"""``HEALTHCHECK`` in the form that an image's configuration keeps it."""

from __future__ import annotations

import re
from typing import Any

from sdt_console.clients.dockerfile import DockerfileError, Instruction, exec_form

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATIONS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def healthcheck(step: Instruction) -> dict[str, Any]:
    """``{"Test": […], "Interval": nanoseconds, "Timeout": …, "StartPeriod": …, "Retries": n}``.

    :raises DockerfileError: neither ``NONE`` nor ``CMD``, or an option that is not one.
    """
    kind, _, command = step.text.partition(" ")
    command = command.strip()
    if kind.upper() == "NONE" and not command:
        return {"Test": ["NONE"]}
    if kind.upper() != "CMD" or not command:
        raise DockerfileError(step.line, "HEALTHCHECK takes NONE, or CMD and a command")
    words = exec_form(command)
    check: dict[str, Any] = {"Test": ["CMD-SHELL", command] if words is None else ["CMD", *words]}
    for option, value in step.flags.items():
        if option == "retries" and value.isdecimal():
            check["Retries"] = int(value)
        elif option in _DURATIONS:
            check[_DURATIONS[option]] = _duration(step, option, value)
        else:
            raise DockerfileError(step.line, f"HEALTHCHECK --{option}={value} is not understood")
    return {key: value for key, value in check.items() if value}


def _duration(step: Instruction, option: str, text: str) -> int:
    """Go's notation, such as ``1m30s``, in nanoseconds; at least a millisecond, or 0 for the default."""
    parts = _PART.findall(text)
    total = round(sum(float(number) * _NANOSECONDS[unit] for number, unit in parts))
    whole = "".join(number + unit for number, unit in parts) == text
    if text != "0" and not (parts and whole and (total == 0 or total >= _NANOSECONDS["ms"])):
        raise DockerfileError(step.line, f"HEALTHCHECK --{option}={text} is not a duration such as 30s")
    return total
