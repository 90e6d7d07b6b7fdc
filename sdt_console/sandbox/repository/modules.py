"""The files of one Maven module of the generated repository: a service or a shared module.

Everything is derived from the catalog; a module's text depends on nothing but its arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from posixpath import normpath, relpath
from xml.sax.saxutils import escape

from sdt_console.catalog.model import Catalog, Service, Shared

JAVA = "21"
Files = dict[str, str]


@dataclass(frozen=True)
class Stage:
    """How far a module has come in the history.

    :param features: endpoints (of a service) or helpers (of a shared module), oldest first.
    :param web: the controller has moved to its own package.
    """

    features: tuple[str, ...] = ()
    web: bool = False


def identifier(name: str) -> str:
    """``name`` as one part of a Java package."""
    text = re.sub(r"[^a-z0-9]", "", name.lower())
    return text if text[:1].isalpha() else f"m{text}"


def class_name(name: str) -> str:
    text = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))
    return text if text[:1].isalpha() else f"M{text}"


def noun(name: str) -> str:
    """What a service is about: ``task`` for ``task-service``."""
    return re.sub(r"[-_](service|server|svc|app|api)$", "", name)


def nouns(name: str) -> str:
    """The plural of :func:`noun`."""
    word = noun(name)
    if word.endswith("s"):
        return word
    return word + ("es" if word.endswith(("ch", "sh", "x")) else "s")


def join(*parts: str) -> str:
    """A path from the repository root, without ``./``."""
    return normpath("/".join(part for part in parts if part))


def package(catalog: Catalog, name: str) -> str:
    return f"com.{identifier(catalog.system)}.{identifier(name)}"


def pom(catalog: Catalog, module: Service | Shared, starters: tuple[str, ...] = ()) -> str:
    """The module's ``pom.xml``: in-reactor dependencies are the catalog's ``uses``."""
    group = f"com.{identifier(catalog.system)}"
    dependencies = [(group, name, "${project.version}", "") for name in module.uses]
    spring = "org.springframework.boot"
    dependencies += [(spring, f"spring-boot-starter-{s}", "${spring-boot.version}", "") for s in starters]
    dependencies.append(("org.junit.jupiter", "junit-jupiter", "${junit.version}", "test"))
    entries = "".join(_dependency(*dependency) for dependency in dependencies)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0"
         xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
         xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 https://maven.apache.org/xsd/maven-4.0.0.xsd">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>{group}</groupId>
    <artifactId>{catalog.system}-backend</artifactId>
    <version>1.0.0-SNAPSHOT</version>
    <relativePath>{escape(relpath("pom.xml", normpath(module.path)))}</relativePath>
  </parent>
  <artifactId>{module.name}</artifactId>
  <dependencies>
{entries}  </dependencies>
</project>
"""


def _dependency(group: str, artifact: str, version: str, scope: str) -> str:
    scoped = f"      <scope>{scope}</scope>\n" if scope else ""
    return f"""    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
{scoped}    </dependency>
"""


def shared_files(catalog: Catalog, module: Shared, stage: Stage) -> Files:
    """A shared module: one helper class and its test."""
    name, pkg = class_name(module.name), package(catalog, module.name)
    folder = pkg.replace(".", "/")
    helpers = "".join(
        f"""
    public static String {feature}(String value) {{
        return NAME + ".{feature}:" + value.strip();
    }}
"""
        for feature in stage.features
    )
    checks = "".join(
        f"""
    @Test
    void {feature}NamesTheModule() {{
        assertTrue({name}.{feature}(" x ").startsWith({name}.NAME));
    }}
"""
        for feature in stage.features
    )
    return {
        join(module.path, "pom.xml"): pom(catalog, module),
        join(module.path, "src/main/java", folder, f"{name}.java"): f"""package {pkg};

/** What the services share of {module.name}. */
public final class {name} {{
    public static final String NAME = "{module.name}";

    private {name}() {{
    }}
{helpers}}}
""",
        join(module.path, "src/test/java", folder, f"{name}Test.java"): f"""package {pkg};

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class {name}Test {{
{checks.lstrip(chr(10))}}}
""",
    }


def service_files(catalog: Catalog, service: Service, stage: Stage) -> Files:
    """A Spring Boot service: application, controller, settings, test, and what its image answers."""
    name, pkg = class_name(service.name), package(catalog, service.name)
    home = join(service.path, "src/main/java", pkg.replace(".", "/"))
    controller_pkg = f"{pkg}.web" if stage.web else pkg
    controller = join(home, "web" if stage.web else "", f"{name}Controller.java")
    test = controller.replace("src/main/java", "src/test/java").replace(".java", "Test.java")
    uses = [(class_name(used), package(catalog, used)) for used in service.uses]
    imports = "".join(sorted(f"import {p}.{c};\n" for c, p in uses))
    names = ", ".join([f'"{service.name}"', *(f"{c}.NAME" for c, _ in uses)])
    endpoints = "".join(
        f"""
    @GetMapping("/{feature}")
    public List<String> {feature}() {{
        return List.of("{service.name}", "{feature}");
    }}
"""
        for feature in stage.features
    )
    checks = "".join(
        f"""
    @Test
    void {feature}Answers() {{
        assertEquals("{feature}", new {name}Controller().{feature}().get(1));
    }}
"""
        for feature in stage.features
    )
    return {
        join(service.path, "pom.xml"): pom(catalog, service, ("web", "actuator")),
        join(home, f"{name}Application.java"): f"""package {pkg};

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class {name}Application {{
    public static void main(String[] args) {{
        SpringApplication.run({name}Application.class, args);
    }}
}}
""",
        controller: f"""package {controller_pkg};

{imports}import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/{service.name}")
public class {name}Controller {{

    @GetMapping("/about")
    public List<String> about() {{
        return List.of({names});
    }}
{endpoints}}}
""",
        join(service.path, "src/main/resources/application.yml"): f"""server:
  port: {service.port}
  shutdown: graceful
spring:
  application:
    name: {service.name}
management:
  endpoints:
    web:
      exposure:
        include: health,info
  endpoint:
    health:
      probes:
        enabled: true
""",
        test: f"""package {controller_pkg};

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class {name}ControllerTest {{

    @Test
    void aboutNamesTheService() {{
        assertEquals("{service.name}", new {name}Controller().about().get(0));
    }}
{checks}}}
""",
    }
