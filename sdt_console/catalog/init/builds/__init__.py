"""The projects of a repository, one reader per build system."""

from __future__ import annotations

from dataclasses import replace

from sdt_console.catalog.init.builds import golang, gradle, maven, node, others, python
from sdt_console.catalog.init.builds.project import Project
from sdt_console.catalog.init.scan import Tree

_READERS = (maven.read, gradle.read, golang.read, others.read, python.read, node.read)


def read_projects(tree: Tree) -> dict[str, Project]:
    """Every project by its folder. Where two build systems share one, the first reader's word counts,
    and what either is built with is kept."""
    found: dict[str, Project] = {}
    for read in _READERS:
        for project in read(tree):
            before = found.get(project.path)
            if before is None:
                found[project.path] = project
            else:
                found[project.path] = replace(
                    before,
                    uses=tuple(dict.fromkeys((*before.uses, *project.uses))),
                    build_files=tuple(dict.fromkeys((*before.build_files, *project.build_files))),
                    program=before.program or project.program,
                )
    return found
