"""Metrics of what services stand on: a database beside each cluster, a NAT gateway in each VPC."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .rhythm import noise, rhythm
from .stats import Minute


def database_of(cluster: str) -> str:
    """The database that an environment is taken to have beside its cluster."""
    return cluster.removesuffix("-cluster") + "-db"


def _cpu(key: str, number: int) -> Minute:
    return Minute(12 + 20 * rhythm(number) + 6 * noise(key + "cpu", number), spread=4)


def _storage(key: str, number: int) -> Minute:
    # It fills by a gigabyte a week, and is given twenty more when it is nearly full.
    full = (number / (7 * 1440)) % 8
    return Minute((20 - full) * 1024**3)


def _connections(key: str, number: int) -> Minute:
    return Minute(round(18 + 20 * rhythm(number) + 4 * noise(key + "connections", number)))


def _traffic(share: float) -> Callable[[str, int], Minute]:
    def minute(key: str, number: int) -> Minute:
        return Minute(round(40e6 * share * rhythm(number) * (0.7 + 0.6 * noise(f"{key}{share}", number))))

    return minute


Made = Mapping[str, Callable[[str, int], Minute]]
SHARED: Mapping[str, tuple[str, Made]] = {
    "AWS/RDS": (
        "DBInstanceIdentifier",
        {"CPUUtilization": _cpu, "FreeStorageSpace": _storage, "DatabaseConnections": _connections},
    ),
    "AWS/NATGateway": (
        "NatGatewayId",
        {"BytesInFromDestination": _traffic(1.0), "BytesOutToDestination": _traffic(0.3)},
    ),
}
"""Namespace → its dimension, and metric → what makes a minute of it."""
