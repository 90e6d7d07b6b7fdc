"""Whether a request has the shape that the API's model asks for, before anything is done about it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

from .errors import ApiError, invalid
from .model import Wire

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape

_NAMES = {"structure": "Object", "list": "List", "map": "Map", "string": "String", "boolean": "Boolean",
          "integer": "Integer", "long": "Long", "double": "Double", "timestamp": "Date"}  # fmt: skip
_INTEGERS = {"integer": 2**31, "long": 2**63}


@cache
def _model() -> ServiceModel:
    return botocore.session.Session().get_service_model("ecs")


@cache
def _input(operation: str) -> Shape:
    return _model().operation_model(operation).input_shape


def checked(operation: str, request: Wire) -> Wire:
    """``request`` without members that are null or unknown; the rest is of the right kinds.

    :raises ApiError: ``SerializationException`` for a value of a wrong kind, ``InvalidParameterException``
        for a required member that is missing.
    """
    shape = _input(operation)
    found: Wire = _value(shape, request)
    for member in shape.required_members:
        if found.get(member) in (None, ""):
            raise invalid(f"{member[0].upper()}{member[1:]} can not be blank.")
    return found


def _value(shape: Shape, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        # Unknown members are ignored, as AWS does: clients may be newer than the model here.
        return {
            key: _value(shape.members[key], item)
            for key, item in value.items()
            if key in shape.members and item is not None
        }
    if kind == "list" and isinstance(value, list):
        return [_value(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _value(shape.value, item) for key, item in value.items()}
    if _is(kind, value):
        return value
    raise ApiError("SerializationException", f"{_token(value)} can not be converted to a {_NAMES[kind]}")


def _is(kind: str, value: Any) -> bool:
    if kind in _INTEGERS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and -_INTEGERS[kind] <= value < _INTEGERS[kind]
    if kind in ("double", "timestamp"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool}.get(kind, ()))


def _token(value: Any) -> str:
    names = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", bool: "TRUE_VALUE",
             list: "START_ARRAY", dict: "START_OBJECT"}  # fmt: skip
    return names.get(type(value), "NULL_VALUE")
