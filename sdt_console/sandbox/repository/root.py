"""The files at the root of the generated repository: reactor, README, ignore files, docs."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import normpath
from xml.sax.saxutils import escape

from sdt_console.catalog.model import Catalog, Service, Shared
from sdt_console.sandbox.repository.modules import JAVA, Files, identifier

# Nothing that no image needs goes to the builder.
_DOCKERIGNORE = """.git
.github
.gitignore
docs
*.md
**/target
**/src/test
"""

_GITIGNORE = """target/
*.class
*.log
.idea/
.vscode/
.settings/
.classpath
.project
.env
"""

_EDITORCONFIG = """root = true

[*]
charset = utf-8
end_of_line = lf
indent_size = 4
indent_style = space
insert_final_newline = true

[*.{xml,yml}]
indent_size = 2
"""


def reactor(catalog: Catalog, modules: Sequence[Shared | Service], spring_boot: str) -> str:
    """The root ``pom.xml``. It has no parent outside the repository, so Maven reads the reactor offline."""
    listed = "".join(
        f"    <module>{escape(normpath(m.path))}</module>\n" for m in modules if normpath(m.path) != "."
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0"
         xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
         xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 https://maven.apache.org/xsd/maven-4.0.0.xsd">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.{identifier(catalog.system)}</groupId>
  <artifactId>{catalog.system}-backend</artifactId>
  <version>1.0.0-SNAPSHOT</version>
  <packaging>pom</packaging>
  <modules>
{listed}  </modules>
  <properties>
    <maven.compiler.release>{JAVA}</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
    <spring-boot.version>{spring_boot}</spring-boot.version>
    <junit.version>5.10.5</junit.version>
  </properties>
</project>
"""


def readme(catalog: Catalog, services: Sequence[Service]) -> str:
    rows = "".join(f"| {s.name} | `{s.path}` | {s.port} |\n" for s in services)
    libraries = "".join(f"- `{module.path}`\n" for module in catalog.shared)
    return f"""# {catalog.system} backend

Spring Boot services in one Maven reactor.

| service | path | port |
| --- | --- | --- |
{rows}
Shared modules, built first:

{libraries}
## Build

    mvn clean verify
    docker build -f <path>/Dockerfile .
"""


def fixed_files(catalog: Catalog) -> Files:
    """What is there from the first commit on and never changes."""
    branches = "".join(
        f"- `{environment.branch}` is deployed to {name}\n"
        for name, environment in catalog.environments.items()
        if environment.branch
    )
    return {
        ".dockerignore": _DOCKERIGNORE,
        ".editorconfig": _EDITORCONFIG,
        ".gitignore": _GITIGNORE,
        "docs/branches.md": f"# Branches\n\n{branches}",
    }
