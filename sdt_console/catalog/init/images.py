"""Well-known images: the data services that are watched and never built, and the ports of others."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DATA: dict[str, int] = {
    "mongo": 27017,
    "mongodb": 27017,
    "rabbitmq": 5672,
    "redis": 6379,
    "valkey": 6379,
    "keydb": 6379,
    "postgres": 5432,
    "postgresql": 5432,
    "postgis": 5432,
    "timescaledb": 5432,
    "pgvector": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "percona": 3306,
    "kafka": 9092,
    "redpanda": 9092,
    "zookeeper": 2181,
    "elasticsearch": 9200,
    "opensearch": 9200,
    "cassandra": 9042,
    "scylla": 9042,
    "memcached": 11211,
    "nats": 4222,
    "minio": 9000,
    "neo4j": 7687,
    "influxdb": 8086,
    "activemq": 61616,
    "artemis": 61616,
    "clickhouse": 8123,
    "couchdb": 5984,
    "etcd": 2379,
    "solr": 8983,
    "mssql": 1433,
    "pulsar": 6650,
}
_SIDE_PORTS = frozenset(
    {15672, 15692, 15674, 15675, 1883, 61613, 25672, 4369, 29092, 9093, 9094, 9101, 9300, 8222, 6222, 9001}
    | {7474, 8161, 9600, 7199, 33060, 8080, 9644, 8081, 8082, 2888, 3888}
)
"""Ports that such images open beside the one they are known for."""
_TOOLS = frozenset(
    {"ui", "express", "commander", "insight", "exporter", "admin", "manager", "init", "setup", "client"}
    | {
        "connect",
        "proxy",
        "backup",
        "sentinel",
        "hq",
        "rest",
        "seed",
        "seeder",
        "migrate",
        "migrations",
        "cli",
    }
    | {"shell", "magic", "dashboard", "dashboards", "console", "operator", "web", "gui", "job", "worker"}
)
_SERVERS: dict[str, int] = {
    "nginx": 80,
    "httpd": 80,
    "caddy": 80,
    "grafana": 3000,
    "prometheus": 9090,
    "zipkin": 9411,
    "kibana": 5601,
    "keycloak": 8080,
    "envoy": 10000,
}


@dataclass(frozen=True)
class DataImage:
    """A data service's image: the port it is known for, and a management port if it has one."""

    kind: str
    port: int
    more: tuple[int, ...] = ()


def basename(image: str) -> str:
    """``registry:5000/team/name:tag@sha256:…`` → ``name``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def data_image(image: str) -> DataImage | None:
    """What kind of data service ``image`` is; ``None`` if it is none."""
    words = [w for w in re.split(r"[-_.]", basename(image)) if w]
    if image.lower().partition("@")[0].rpartition(":")[0].endswith("mssql/server"):
        words = ["mssql"]
    if set(words) & _TOOLS:
        return None
    kind = next((w for w in words if w in _DATA), "")
    if not kind:
        return None
    managed = kind == "rabbitmq" and "management" in image.rpartition("/")[2]
    return DataImage(kind, _DATA[kind], (15672,) if managed else ())


def data_ports(known: DataImage, opened: list[int]) -> tuple[int, tuple[int, ...]]:
    """The main port and the further ones, from what the image is known for and what a compose file opens."""
    main = known.port
    if opened and main not in opened and not set(opened) <= _SIDE_PORTS:
        main = next(port for port in opened if port not in _SIDE_PORTS)
    return main, tuple(dict.fromkeys(p for p in (*opened, *known.more) if p != main))


def server_port(image: str) -> int | None:
    """Port on which a well-known server image listens; ``None`` for other images."""
    return next((_SERVERS[w] for w in re.split(r"[-_.]", basename(image)) if w in _SERVERS), None)
