"""Every problem of a catalog at once: its shape by the typed model, the rest by the rules."""

from __future__ import annotations

import re
import tomllib
import types
import typing
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from sdt_console.catalog.locate import Key, Lines
from sdt_console.catalog.model import Catalog
from sdt_console.catalog.nearest import hint, listing
from sdt_console.catalog.problem import Problem
from sdt_console.catalog.raw import Raw
from sdt_console.catalog.rules import RULES

_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_NAMED = {"services", "shared", "data"}


def check_text(text: str) -> tuple[Catalog | None, list[Problem]]:
    """Read a catalog and find everything that is wrong with it.

    :param text: the whole file.
    :returns: the catalog, or ``None`` if there is an error among the problems; the problems in the order
        of the file, errors and remarks together.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(error)]
    except ValueError as error:  # a number with more digits than Python reads
        return None, [Problem("catalog", None, f"not valid TOML: {error}")]
    except RecursionError:
        return None, [Problem("catalog", None, "not valid TOML: nested too deeply")]
    catalog: Catalog | None = None
    found: list[tuple[Key, Problem]] = []
    try:
        catalog = Catalog.model_validate(data)
    except ValidationError as error:
        found += [_from_pydantic(detail, data) for detail in error.errors()]
    raw = Raw(data)
    seen = {key for key, _ in found}
    for rule in RULES:
        found += [(key, problem) for key, problem in rule(raw) if key not in seen]
    lines = Lines(text if found else "")
    problems = [replace(p, path=path_of(key, data), line=lines.find(key)) for key, p in found]
    problems.sort(key=lambda p: p.line or 0)
    if any(p.severity == "error" for p in problems):
        catalog = None
    return catalog, problems


def path_of(key: Key, data: Any) -> str:
    """``("services", 3, "needs", 0)`` → ``services.task-service.needs[0]``."""
    text = ""
    here: Any = data
    for depth, part in enumerate(key):
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, dict) else None
            named = depth == 1 and key[0] in _NAMED and isinstance(name, str) and name.isprintable()
            text += f".{name}" if named else f"[{part}]"
        else:
            plain = re.fullmatch(r"[\w-]+", part)
            text += ("." if text else "") + (
                part if plain else '"' + part.encode("unicode_escape").decode() + '"'
            )
    return text or "catalog"


def _syntax(error: tomllib.TOMLDecodeError) -> Problem:
    message = str(error)
    at = _AT.search(message)
    where = ""
    line = None
    if at and at[1]:
        line = int(at[1])
        where = f" (line {at[1]}, column {at[2]})"
    elif at:
        where = " (at the end of the file)"
    cause = _AT.sub("", message)
    return Problem("catalog", None, f"not valid TOML: {cause}{where}", line=line)


def _from_pydantic(detail: Any, data: Any) -> tuple[Key, Problem]:
    key: Key = tuple(part for part in detail["loc"] if part != "[key]")
    kind, context = detail["type"], detail.get("ctx", {})
    value = detail["input"]
    if kind == "extra_forbidden":
        allowed = _keys_at(key[:-1])
        return key, Problem(
            "", _short(value), f"unknown key{hint(key[-1], allowed)} (allowed here: {listing(allowed)})"
        )
    if kind == "missing":
        return key, Problem("", None, "is required")
    if kind == "literal_error":
        allowed = [part.strip("'") for part in re.split(r", | or ", context["expected"])]
        return key, Problem("", value, f"must be {listing(allowed)}{hint(value, allowed)}")
    if kind in ("int_type", "int_parsing", "int_from_float"):
        return key, Problem("", value, "must be a whole number")
    if kind in ("float_type", "float_parsing"):
        return key, Problem("", value, "must be a number")
    if kind in ("bool_type", "bool_parsing"):
        return key, Problem("", value, "must be true or false")
    if kind == "string_type":
        return key, Problem("", value, "must be a string")
    if kind == "string_pattern_mismatch":
        return key, Problem("", value, _pattern_sentence(key, context["pattern"]))
    if kind in ("tuple_type", "list_type"):
        return key, Problem("", _short(value), "must be an array")
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return key, Problem("", _short(value), "must be a table")
    message = detail["msg"].replace("Input should", "must").replace("must have", "must have")
    return key, Problem("", _short(value), message[0].lower() + message[1:])


def _pattern_sentence(key: Key, pattern: str) -> str:
    if key[-1] == "account":
        return "must be a 12-digit account id, in quotes"
    if key[-1] == "region":
        return "must be an AWS region such as eu-west-1"
    if key[-1] in ("name", "system"):
        return "must be letters, digits, '-' and '_', beginning with a letter or digit"
    return f"must match {pattern}"


def _short(value: Any) -> Any:
    return None if isinstance(value, dict | list) else value


def _keys_at(key: Key) -> list[str]:
    """The keys that the model allows in the table at ``key``."""
    here: Any = Catalog
    for part in key:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = _plain(field.annotation) if field else None
        else:  # an array's or a table's items
            arguments = [a for a in typing.get_args(here) if a is not Ellipsis]
            here = _plain(arguments[-1]) if arguments else None
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _plain(annotation: Any) -> Any:
    """``X`` of ``X | None`` and of ``Annotated[X, …]``."""
    while True:
        origin = typing.get_origin(annotation)
        if origin in (typing.Union, types.UnionType):
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        elif origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        else:
            return annotation
