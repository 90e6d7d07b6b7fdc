"""The JSON Schema and the model say the same."""

from __future__ import annotations

import json
import tomllib

import jsonschema
import pytest

from sdt_console.catalog.check import check_text
from tests.catalogs import OURS, ROOT, SMALL
from tests.command import Sdt

PUBLISHED = ROOT / "docs" / "catalog.schema.json"


def test_the_published_schema_is_the_models(sdt: Sdt) -> None:
    printed = sdt("catalog", "schema")
    assert printed.status == 0
    assert json.loads(PUBLISHED.read_text()) == printed.json, "run `make docs`"


def test_it_is_a_schema_and_our_catalogs_follow_it() -> None:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in (OURS.read_text(), SMALL):
        validator.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("port = 8081", "port = 0"),
        ("port = 8081", 'port = "8081"'),
        ("port = 8081", ""),
        ("port = 8081", "port = 8081\nprot = 1"),
        ('state = "pending"', 'state = "later"'),
        ('account = "123456789012"', 'account = "12"'),
        ("version = 1", "version = 2"),
        ("protected = true", 'protected = "yes"'),
    ],
)
def test_what_the_check_refuses_by_shape_the_schema_refuses(old: str, new: str) -> None:
    text = SMALL.replace(old, new, 1)
    assert check_text(text)[0] is None
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    assert not validator.is_valid(tomllib.loads(text))
