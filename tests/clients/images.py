"""Looking into images: what files, with which owners and modes, and how a container starts."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from pathlib import Path
from typing import Any

from sdt_console.clients.oci import parse_manifest
from sdt_console.clients.oci_layout import OciLayout
from sdt_console.model import BuildOrder, BuiltImage

LABEL, LABEL_VALUE = "sdt-test", uuid.uuid4().hex[:12]
"""On every image, so that those of this process can be found in an Engine and removed."""

Files = dict[str, tuple[Any, ...]]

REPO = "sdt/dev/user-service"
"""The repository that the registry client's tests push to."""


def order(root: Path, text: str, files: dict[str, str] | None = None, **settings: Any) -> BuildOrder:
    """A context in ``root``: names may end in a mode (``:755``), contents beginning with ``->`` are links."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in ({"Dockerfile": text} | (files or {})).items():
        path, _, mode = name.partition(":")
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("->"):
            target.symlink_to(content[2:])
        elif path.endswith("/"):
            target.mkdir(exist_ok=True)
        else:
            target.write_text(content)
            target.chmod(int(mode or "644", 8))
    settings["labels"] = {LABEL: LABEL_VALUE} | settings.get("labels", {})
    given: dict[str, Any] = {
        "service": "user-service",
        "context": root,
        "dockerfile": "Dockerfile",
        "build_args": {},
        "references": (),
    }
    return BuildOrder(**(given | settings))


def files_of_tar(packed: bytes) -> Files:
    """Path → kind, mode, owner, and content or target; folders and links with it."""
    found: Files = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            kind = "folder" if member.isdir() else "link" if member.issym() else "file"
            file = tar.extractfile(member) if kind == "file" else None
            content = member.linkname if kind == "link" else file.read().decode("latin-1") if file else ""
            mode, owner = oct(member.mode & 0o7777), (member.uid, member.gid)
            found[member.name.strip("/")] = (kind, mode, owner, content)
    return found


def config_of(image: BuiltImage) -> dict[str, Any]:
    """The whole image configuration."""
    layout = OciLayout(Path(image.store))
    config: dict[str, Any] = json.loads(layout.path(image.image_id).read_bytes())
    return config


def files_of(image: BuiltImage) -> Files:
    """All layers on top of each other."""
    layout = OciLayout(Path(image.store))
    found: Files = {}
    for layer in parse_manifest(layout.manifest()).layers:
        found |= files_of_tar(layout.path(layer.digest).read_bytes())
    return found
