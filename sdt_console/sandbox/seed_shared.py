"""What the services of an environment share besides network and registry, as the catalog names it.

For each environment: a Cloud Map namespace with a service for every ECS service, a lock table such as
Terraform uses, a bucket for archived logs, and a topic that every alarm of the environment tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sdt_console.catalog.model import Catalog

from .environment import backend
from .metrics.shared import database_of
from .seed_parts import short_name

LOCK_KEY = "LockID"
"""The key by which Terraform finds a lock."""


def namespace(catalog: Catalog, env: str) -> str:
    """Name of the environment's Cloud Map namespace, a private DNS zone: ``dev.sdt.local``."""
    return f"{_plain(env)}.{_plain(catalog.system)}.local"


def lock_table(catalog: Catalog, env: str) -> str:
    return f"{catalog.system}-{env}-terraform-locks"


def log_bucket(catalog: Catalog, env: str) -> str:
    """Name of the bucket for archived logs; with the account, for such names are unique in the world."""
    return f"{short_name(f'{_plain(catalog.system)}-{_plain(env)}', 45)}-logs-{catalog.account(env)}"


def alarm_topic(catalog: Catalog, env: str) -> str:
    return f"{catalog.system}-{env}-alarms"


def _plain(name: str) -> str:
    """A name with nothing that DNS or S3 would refuse."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


class SharedSeed:
    """Seeds one environment after the other."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._topics: dict[str, str] = {}

    def _backend(self, service: str, env: str) -> Any:
        return backend(service, self._catalog.account(env), self._catalog.region(env))

    def environment(self, env: str) -> None:
        """Lock table, bucket and topic."""
        catalog, tags = self._catalog, {"Environment": env}
        _create_table(self._backend("dynamodb", env), lock_table(catalog, env), tags)
        store = backend("s3", catalog.account(env), "aws")
        store.create_bucket(log_bucket(catalog, env), catalog.region(env))
        topic = self._backend("sns", env).create_topic(alarm_topic(catalog, env), tags=tags)
        self._topics[env] = topic.arn

    def store(self) -> None:
        """The table of ``[store]`` for shared runs and leases, if the catalog names one that is not there."""
        named, aws = self._catalog.store, self._catalog.aws
        tables = backend("dynamodb", aws.account, named.region or aws.region)
        if named.table and named.table not in tables.tables:
            _create_table(tables, named.table, {})

    def registries(self, env: str, names: Sequence[str], vpc: str) -> dict[str, str]:
        """The Cloud Map namespace, with a service for each of ``names``.

        :returns: service → ARN for its ``serviceRegistries``.
        """
        cloud_map = self._backend("servicediscovery", env)
        zone = namespace(self._catalog, env)
        # moto allows one namespace for a VPC, and never tells which that is; AWS has no such rule.
        cloud_map.create_private_dns_namespace(zone, "", "", f"{vpc}/{env}", [], {})
        home = next(space for space in cloud_map.list_namespaces() if space.name == zone)
        found = {}
        for name in names:
            records = [{"Type": "A", "TTL": 10}]
            dns = {"NamespaceId": home.id, "RoutingPolicy": "MULTIVALUE", "DnsRecords": records}
            made = cloud_map.create_service(
                name, home.id, "", "", dns, None, {"FailureThreshold": 1}, [], "DNS_HTTP"
            )
            found[name] = str(made.arn)
        return found

    def wire_alarms(self) -> None:
        """Let every alarm of an environment tell its topic, once the alarms are there."""
        for env, topic in self._topics.items():
            cluster, balancer = self._catalog.cluster(env), self._catalog.load_balancer(env)
            mine = {cluster, database_of(cluster)}
            for alarm in self._backend("cloudwatch", env).alarms.values():
                values = {dimension.value for dimension in alarm.dimensions}
                if values & mine or any(balancer and v.startswith(f"app/{balancer}/") for v in values):
                    alarm.alarm_actions = [topic]


def _create_table(dynamodb: Any, name: str, tags: Mapping[str, str]) -> None:
    dynamodb.create_table(
        name,
        schema=[{"AttributeName": LOCK_KEY, "KeyType": "HASH"}],
        throughput=None,
        attr=[{"AttributeName": LOCK_KEY, "AttributeType": "S"}],
        global_indexes=None,
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
