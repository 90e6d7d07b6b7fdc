"""Maven and Gradle repositories in the styles that public ones have."""

from __future__ import annotations

from pathlib import Path

from tests.unit.layout_files import BOOT, pom, write


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
