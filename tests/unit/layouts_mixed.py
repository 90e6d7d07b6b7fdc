"""Repositories of several languages, in the styles that public ones have."""

from __future__ import annotations

from pathlib import Path

from tests.unit.layout_files import write


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
                image: "registry.example:5000/library/redis:7@sha256:0123"
                ports: ["127.0.0.1:6379:6379"]
              adminer:
                image: adminer
            """,
    }
    write(folder, files)
