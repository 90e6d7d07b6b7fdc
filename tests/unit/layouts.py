"""Small repositories in the styles that public ones have, written into a folder for tests.

Each function writes files only: it makes no Git repository of them, and needs none.
"""

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


def petclinic(folder: Path) -> None:
    """Maven modules and one shared Dockerfile, fed by properties of the poms (spring-petclinic style)."""
    ports = {
        "petclinic-config-server": 8888,
        "petclinic-discovery-server": 8761,
        "petclinic-api-gateway": 8080,
        "petclinic-customers-service": 8081,
        "petclinic-vets-service": 8083,
        "petclinic-visits-service": 8082,
    }
    docker = """
      <profiles><profile><id>buildDocker</id><build><pluginManagement><plugins><plugin>
        <groupId>org.codehaus.mojo</groupId><artifactId>exec-maven-plugin</artifactId>
        <executions><execution><configuration>
          <executable>docker</executable>
          <workingDirectory>${docker.image.dockerfile.dir}</workingDirectory>
          <arguments>
            <argument>build</argument>
            <argument>-f</argument><argument>Dockerfile</argument>
            <argument>--build-arg</argument><argument>ARTIFACT_NAME=${project.build.finalName}</argument>
            <argument>--build-arg</argument><argument>EXPOSED_PORT=${docker.image.exposed.port}</argument>
            <argument>-t</argument><argument>example/${project.artifactId}</argument>
            <argument>${project.build.directory}</argument>
          </arguments>
        </configuration></execution></executions>
      </plugin></plugins></pluginManagement></build></profile></profiles>"""
    root = {"docker.image.exposed.port": "9090", "docker.image.dockerfile.dir": "${basedir}"}
    files = {
        "pom.xml": pom("petclinic-microservices", packaging="pom", modules=["petclinic-common", *ports],
                       properties=root, extra=docker),
        "README.md": "# Petclinic\n",
        "docker/Dockerfile": """
            FROM eclipse-temurin:17 AS builder
            WORKDIR application
            ARG ARTIFACT_NAME
            COPY ${ARTIFACT_NAME}.jar application.jar
            RUN java -Djarmode=layertools -jar application.jar extract

            FROM eclipse-temurin:17
            WORKDIR application
            ARG EXPOSED_PORT
            EXPOSE ${EXPOSED_PORT}
            ENV SPRING_PROFILES_ACTIVE=docker
            COPY --from=builder application/dependencies/ ./
            ENTRYPOINT ["java", "org.springframework.boot.loader.launch.JarLauncher"]
            """,
        "petclinic-common/pom.xml": pom("petclinic-common", parent="../pom.xml",
                                        parent_artifact="petclinic-microservices"),
        "petclinic-common/src/main/java/Money.java": "class Money {}\n",
    }  # fmt: skip
    compose = ["services:"]
    for name, port in ports.items():
        service = name.removeprefix("petclinic-")
        business = service.endswith("-service")
        files[f"{name}/pom.xml"] = pom(
            name,
            parent="../pom.xml",
            parent_artifact="petclinic-microservices",
            uses=["petclinic-common"] if business else [],
            properties={
                "docker.image.exposed.port": str(port),
                "docker.image.dockerfile.dir": "${basedir}/../docker",
            },
            extra=BOOT,
        )
        files[f"{name}/src/main/resources/application.yml"] = (
            f"spring:\n  application:\n    name: {service}\n"
        )
        files[f"{name}/src/main/java/Application.java"] = "class Application {}\n"
        compose += [f"  {service}:", f"    image: example/{name}", "    ports:", f"      - {port}:{port}"]
        if service != "config-server":
            compose += ["    depends_on:", "      config-server:", "        condition: service_healthy"]
        if business:
            compose += ["      discovery-server:", "        condition: service_healthy"]
    compose += ["  tracing-server:", "    image: openzipkin/zipkin", "    ports:", "      - 9411:9411"]
    files["docker-compose.yml"] = "\n".join(compose) + "\n"
    write(folder, files)


def piggymetrics(folder: Path) -> None:
    """A folder with its Dockerfile per service, ports in the config server's shared files, compose."""
    ports = {"gateway": 4000, "auth-service": 5000, "account-service": 6000, "statistics-service": 7000}
    files = {
        "pom.xml": pom("piggymetrics", packaging="pom", modules=["config", "registry", *ports]),
        "mongodb/Dockerfile": "FROM mongo:3\nADD init.sh /init.sh\nEXPOSE 27017\n",
        "mongodb/init.sh": "#!/bin/sh\n",
        "config/src/main/resources/application.yml": """
            spring:
              cloud:
                config:
                  server:
                    native:
                      search-locations: classpath:/shared
              profiles:
                active: native
            server:
              port: 8888
            """,
        "config/src/main/resources/shared/application.yml": "logging:\n  level:\n    root: INFO\n",
        "config/src/main/resources/shared/registry.yml": "server:\n  port: 8761\n",
        "registry/src/main/resources/bootstrap.yml": "spring:\n  application:\n    name: registry\n",
        "docker-compose.dev.yml": """
            version: '2'
            services:
              account-service:
                build: account-service
                ports:
                  - 7777:7777
            """,
    }
    for name in ("config", "registry", *ports):
        files[f"{name}/pom.xml"] = pom(name, parent="../pom.xml", parent_artifact="piggymetrics", extra=BOOT)
        expose = "EXPOSE 8888\n" if name == "config" else ""
        files[f"{name}/Dockerfile"] = (
            f"FROM java:8-jre\nADD ./target/{name}.jar /app/\n"
            f'CMD ["java", "-jar", "/app/{name}.jar"]\n{expose}'
        )
        files[f"{name}/src/main/java/Application.java"] = "class Application {}\n"
    for name, port in ports.items():
        files[f"config/src/main/resources/shared/{name}.yml"] = f"server:\n  port: {port}\n"
    compose = """
        version: '2.1'
        services:
          rabbitmq:
            image: rabbitmq:3-management
            ports:
              - 15672:15672
          config:
            image: example/piggymetrics-config
          registry:
            image: example/piggymetrics-registry
            depends_on:
              config:
                condition: service_healthy
            ports:
              - 8761:8761
          gateway:
            image: example/piggymetrics-gateway
            depends_on: &needs
              config:
                condition: service_healthy
            ports:
              - 80:4000
          auth-service:
            image: example/piggymetrics-auth-service
            depends_on: *needs
          auth-mongodb:
            image: example/piggymetrics-mongodb
          account-service:
            image: example/piggymetrics-account-service
            depends_on:
              - config
              - account-mongodb
          account-mongodb:
            image: example/piggymetrics-mongodb
          statistics-service:
            image: example/piggymetrics-statistics-service
            depends_on: *needs
        """
    files["docker-compose.yml"] = compose
    write(folder, files)


def boutique(folder: Path) -> None:
    """Go, Node, Python, C# and Java services below ``src`` (microservices-demo style)."""
    go = """
        FROM golang:1.22 AS builder
        WORKDIR /src
        COPY go.mod ./
        RUN go mod download
        COPY . .
        RUN go build -o /service .
        FROM scratch
        COPY --from=builder /service /service
        EXPOSE {port}
        ENTRYPOINT ["/service"]
        """
    python = """
        FROM python:3.12-slim AS base
        FROM base AS builder
        COPY requirements.txt .
        RUN pip install -r requirements.txt
        FROM base
        ENV PORT=8080
        COPY . .
        EXPOSE ${PORT}
        ENTRYPOINT ["python", "server.py"]
        """
    node = """
        FROM node:20-alpine
        WORKDIR /usr/src/app
        COPY package*.json ./
        RUN npm install --only=production
        COPY . .
        EXPOSE 7000/tcp
        ENTRYPOINT ["node", "server.js"]
        """
    files = {
        "README.md": "# Boutique\n",
        "src/frontend/Dockerfile": go.format(port=8080),
        "src/frontend/go.mod": "module example.org/boutique/frontend\n\ngo 1.22\n",
        "src/frontend/main.go": "package main\n",
        "src/shippingservice/Dockerfile": go.format(port=50051),
        "src/shippingservice/go.mod": "module example.org/boutique/shippingservice\n",
        "src/shippingservice/main.go": "package main\n",
        "src/currencyservice/Dockerfile": node,
        "src/currencyservice/package.json": '{"name": "currencyservice", "version": "1.0.0"}\n',
        "src/currencyservice/server.js": "",
        "src/emailservice/Dockerfile": python,
        "src/emailservice/requirements.txt": "grpcio\n",
        "src/emailservice/server.py": "",
        "src/loadgenerator/Dockerfile": """
            FROM python:3.12-slim
            COPY requirements.txt .
            COPY . .
            ENTRYPOINT ["locust"]
            """,
        "src/loadgenerator/requirements.txt": "locust\n",
        "src/cartservice/src/Dockerfile": """
            FROM mcr.microsoft.com/dotnet/sdk:8.0 AS builder
            WORKDIR /app
            COPY cartservice.csproj .
            COPY . .
            RUN dotnet publish cartservice.csproj -o /cartservice
            FROM mcr.microsoft.com/dotnet/runtime-deps:8.0
            COPY --from=builder /cartservice .
            EXPOSE 7070
            ENTRYPOINT ["/app/cartservice"]
            """,
        "src/cartservice/src/Dockerfile.debug": "FROM mcr.microsoft.com/dotnet/sdk:8.0\nEXPOSE 9999\n",
        "src/cartservice/src/cartservice.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>\n',
        "src/cartservice/tests/cartservice.tests.csproj": '<Project Sdk="Microsoft.NET.Sdk"></Project>\n',
        "src/adservice/Dockerfile": """
            FROM eclipse-temurin:21 AS builder
            WORKDIR /app
            COPY build.gradle gradlew ./
            COPY . .
            RUN ./gradlew installDist
            FROM eclipse-temurin:21-jre
            COPY --from=builder /app .
            EXPOSE 9555
            ENTRYPOINT ["/app/build/install/hipstershop/bin/AdService"]
            """,
        "src/adservice/build.gradle": "plugins { id 'java' }\n",
        "src/adservice/gradlew": "#!/bin/sh\n",
        "kubernetes-manifests/frontend.yaml": "kind: Deployment\n---\nkind: Service\n",
    }
    write(folder, files)


def gradle(folder: Path) -> None:
    """A Gradle build in the Kotlin language with two libraries and three applications."""
    boot = 'plugins {{\n    id("org.springframework.boot")\n}}\n\ndependencies {{\n{uses}}}\n'
    files = {
        "settings.gradle.kts": """
            rootProject.name = "parcel-tracking"

            include(":libs:events", ":libs:web")
            include("services:parcels")
            include("services:couriers")
            include(
                "gateway",  // the edge
            )
            """,
        "build.gradle.kts": 'plugins {\n    kotlin("jvm") version "2.0.0" apply false\n}\n',
        "gradle.properties": "org.gradle.parallel=true\n",
        "gradle/libs.versions.toml": '[versions]\nboot = "3.4.0"\n',
        "gradlew": "#!/bin/sh\n",
        "libs/events/build.gradle.kts": "plugins {\n    `java-library`\n}\n",
        "libs/events/src/main/kotlin/Event.kt": "class Event\n",
        "libs/web/build.gradle.kts": 'dependencies {\n    api(project(":libs:events"))\n}\n',
        "services/parcels/build.gradle.kts": boot.format(
            uses='    implementation(project(":libs:web"))\n    // implementation(project(":gateway"))\n'
        ),
        "services/couriers/build.gradle.kts": boot.format(
            uses='    implementation(project(path = ":libs:events"))\n'
        ),
        "gateway/build.gradle.kts": boot.format(uses="    implementation(projects.libs.web)\n"),
        "gateway/src/main/resources/application.yml": "server:\n  port: ${PORT:8443}\n",
        "services/parcels/src/main/resources/application.properties": "server.port = 8081\n",
        "services/parcels/src/main/kotlin/Parcels.kt": "fun main() {}\n",
        "services/couriers/src/main/resources/application.yml": """
            spring.profiles.active: local
            ---
            spring.config.activate.on-profile: local
            server.port: 1234
            ---
            server:
              port: 8082
            """,
    }
    for path in ("services/parcels", "services/couriers", "gateway"):
        task = ":" + path.replace("/", ":")
        name = path.rpartition("/")[2]
        files[f"{path}/Dockerfile"] = (
            "FROM gradle:8-jdk21 AS build\nWORKDIR /src\nCOPY . .\n"
            f"RUN ./gradlew {task}:bootJar\n"
            f"FROM eclipse-temurin:21-jre\nCOPY --from=build /src/{path}/build/libs/{name}.jar app.jar\n"
            'ENTRYPOINT ["java", "-jar", "app.jar"]\n'
        )
    write(folder, files)


def workspaces(folder: Path) -> None:
    """Node workspaces with a library, two services of one shared Dockerfile and a compose file."""
    files = {
        "package.json": '{"name": "@acme/shop", "private": true, "workspaces": ["packages/*", "apps/*"]}\n',
        "package-lock.json": "{}\n",
        "packages/logging/package.json": '{"name": "@acme/logging", "version": "1.0.0"}\n',
        "packages/money/package.json": """
            {"name": "@acme/money", "dependencies": {"@acme/logging": "workspace:*"}}
            """,
        "apps/orders/package.json": """
            {"name": "@acme/orders", "dependencies": {"@acme/money": "*", "express": "^5"}}
            """,
        "apps/web/package.json": """
            {"name": "@acme/web", "devDependencies": {"@acme/logging": "file:../../packages/logging"}}
            """,
        "docker/node.Dockerfile": """
            FROM node:22-alpine
            ARG APP
            WORKDIR /repo
            COPY package.json package-lock.json ./
            COPY packages packages
            COPY apps/${APP} apps/${APP}
            RUN npm ci --workspace=apps/${APP}
            CMD ["npm", "start"]
            """,
        "compose.yaml": """
            services:
              orders:
                build:
                  context: .
                  dockerfile: docker/node.Dockerfile
                  args:
                    APP: orders
                expose:
                  - "3001"
                depends_on: [db, cache]
              web:
                build:
                  context: .
                  dockerfile: docker/node.Dockerfile
                  args:
                    - APP=web
                    - NPM_TOKEN=${NPM_TOKEN}
                ports:
                  - target: 3000
                    published: 80
                depends_on:
                  - orders
              db:
                image: postgres:17-alpine
              cache:
                image: "docker.io/library/redis:7@sha256:0123"
                ports: ["127.0.0.1:6379:6379"]
              adminer:
                image: adminer
            """,
    }
    write(folder, files)


def single(folder: Path) -> None:
    """One Python service at the root."""
    write(
        folder,
        {
            "Dockerfile": """
                FROM python:3.12
                COPY pyproject.toml ./
                COPY app ./app
                CMD ["uvicorn", "app.main:app", "--port", "8000"]
                EXPOSE 8000
                """,
            "pyproject.toml": '[project]\nname = "Invoice API"\nversion = "1.0"\n',
            "app/main.py": "",
            "tests/Dockerfile": "FROM python:3.12\nEXPOSE 1\n",
        },
    )
