"""What the layouts are written with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` (path → text, indentation removed) below ``folder``."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text).lstrip("\n"), encoding="utf-8")


def pom(
    artifact: str,
    *,
    parent: str = "",
    parent_artifact: str = "",
    group: str = "org.example",
    packaging: str = "jar",
    modules: Iterable[str] = (),
    uses: Iterable[str] = (),
    properties: Mapping[str, str] | None = None,
    extra: str = "",
) -> str:
    """A ``pom.xml`` as people write it; ``parent`` is a relative path, ``uses`` names artifacts."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append('<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>')
    if parent:
        lines.append(
            f"  <parent>\n    <groupId>{group}</groupId>\n    <artifactId>{parent_artifact}</artifactId>"
        )
        lines.append(f"    <version>1.0.0</version>\n    <relativePath>{parent}</relativePath>\n  </parent>")
    else:
        lines.append(f"  <groupId>{group}</groupId>\n  <version>1.0.0</version>")
    lines.append(f"  <artifactId>{artifact}</artifactId>\n  <packaging>{packaging}</packaging>")
    if modules := list(modules):
        lines += ["  <modules>", *(f"    <module>{m}</module>" for m in modules), "  </modules>"]
    if properties:
        lines += [
            "  <properties>",
            *(f"    <{k}>{v}</{k}>" for k, v in properties.items()),
            "  </properties>",
        ]
    if uses := list(uses):
        lines.append("  <dependencies>")
        for used in uses:
            lines.append("    <dependency>\n      <groupId>${project.groupId}</groupId>")
            lines.append(
                f"      <artifactId>{used}</artifactId>\n      <version>${{project.version}}</version>"
            )
            lines.append("    </dependency>")
        lines.append("  </dependencies>")
    return "\n".join([*lines, extra, "</project>", ""])


BOOT = """  <build><plugins><plugin>
    <groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId>
  </plugin></plugins></build>"""
