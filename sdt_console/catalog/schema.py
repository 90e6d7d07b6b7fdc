"""The catalog's JSON Schema, from the typed model itself."""

from __future__ import annotations

from typing import Any

from sdt_console.catalog.model import Catalog


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``catalog.toml``."""
    made = Catalog.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "sdt-console catalog",
    }
