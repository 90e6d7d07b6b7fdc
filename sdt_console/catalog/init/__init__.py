"""``sdt init``: a catalog for a repository, a live cluster, or both, that no one has described yet."""

from sdt_console.catalog.init.cluster import EMPTY, merge_cluster
from sdt_console.catalog.init.entry import draft, save, write
from sdt_console.catalog.init.live import LiveService
from sdt_console.catalog.init.parts import Aws, Draft, DraftData, DraftService, DraftShared
from sdt_console.catalog.init.toml_text import render

__all__ = [
    "EMPTY",
    "Aws",
    "Draft",
    "DraftData",
    "DraftService",
    "DraftShared",
    "LiveService",
    "draft",
    "merge_cluster",
    "render",
    "save",
    "write",
]
