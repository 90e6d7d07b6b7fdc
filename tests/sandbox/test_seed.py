"""What stands in every environment at the start, besides services: as the catalog names it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.sandbox.seed_shared import log_bucket
from tests.sandbox.account import CATALOG, Account

ACCOUNT = "962496666337"


@pytest.fixture(scope="module")
def both() -> Iterator[Account]:
    """Both environments, the time standing still; nothing in it is changed."""
    catalog = Catalog.model_validate(CATALOG | {"store": {"table": "shop-runs", "region": "eu-central-1"}})
    with Sandbox.start(catalog, clock=ManualClock(), speed=1) as sandbox:
        yield Account(sandbox, catalog)


def test_every_environment_has_a_namespace_with_a_service_for_each_ecs_service(both: Account) -> None:
    cloud_map = both.client("servicediscovery", inject_host_prefix=False)
    spaces = {space["Name"]: space for space in cloud_map.list_namespaces()["Namespaces"]}
    assert set(spaces) == {"dev.shop.local", "staging.shop.local"}
    assert {space["Type"] for space in spaces.values()} == {"DNS_PRIVATE"}
    services = {s["Arn"]: s for s in cloud_map.list_services()["Services"]}
    for env in ("dev", "staging"):
        found = both.client("ecs").describe_services(
            cluster=f"shop-{env}-cluster", services=[f"shop-{env}-{name}" for name in both.catalog.all_names]
        )["services"]
        assert len(found) == 5
        for service in found:
            registered = services[service["serviceRegistries"][0]["registryArn"]]
            assert service["serviceName"] == f"shop-{env}-{registered['Name']}"
            full = cloud_map.get_service(Id=registered["Id"])["Service"]
            assert full["NamespaceId"] == spaces[f"{env}.shop.local"]["Id"]
            assert full["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 10}]


def test_every_environment_has_a_lock_table_that_terraform_could_use(both: Account) -> None:
    dynamodb = both.client("dynamodb")
    assert dynamodb.list_tables()["TableNames"] == [
        "shop-dev-terraform-locks",
        "shop-staging-terraform-locks",
    ]
    table = dynamodb.describe_table(TableName="shop-dev-terraform-locks")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "LockID", "KeyType": "HASH"}]
    assert (table["TableStatus"], table["ItemCount"]) == ("ACTIVE", 0)
    item = {"LockID": {"S": "shop/dev"}, "Info": {"S": "{}"}}
    request: dict[str, Any] = {
        "TableName": "shop-dev-terraform-locks",
        "Item": item,
        "ConditionExpression": "attribute_not_exists(LockID)",
    }
    dynamodb.put_item(**request)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(**request)
    dynamodb.delete_item(TableName="shop-dev-terraform-locks", Key={"LockID": item["LockID"]})


def test_the_table_for_shared_runs_is_there_if_the_catalog_names_one(both: Account) -> None:
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=both.sandbox.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=both.sandbox.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=both.sandbox.environ["AWS_SECRET_ACCESS_KEY"],
    )
    table = dynamodb.describe_table(TableName="shop-runs")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "LockID", "KeyType": "HASH"}]


def test_every_environment_has_a_bucket_for_archived_logs(both: Account) -> None:
    s3 = both.client("s3")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert sorted(names) == [f"shop-dev-logs-{ACCOUNT}", f"shop-staging-logs-{ACCOUNT}"]
    assert s3.get_bucket_location(Bucket=names[0])["LocationConstraint"] == "eu-west-1"
    assert s3.list_objects_v2(Bucket=names[0])["KeyCount"] == 0


def test_every_alarm_tells_the_topic_of_its_environment(both: Account) -> None:
    topics = [topic["TopicArn"] for topic in both.client("sns").list_topics()["Topics"]]
    prefix = f"arn:aws:sns:eu-west-1:{ACCOUNT}:shop"
    assert sorted(topics) == [f"{prefix}-dev-alarms", f"{prefix}-staging-alarms"]
    alarms = both.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) > 20
    for alarm in alarms:
        env = "staging" if "staging" in json.dumps(alarm["Dimensions"]) else "dev"
        assert alarm["AlarmActions"] == [f"{prefix}-{env}-alarms"], alarm["AlarmName"]


def test_a_long_name_of_the_system_is_shortened_where_it_must_be() -> None:
    names = {
        log_bucket(Catalog.model_validate(CATALOG | {"system": "Shop_" + "of-everything" * 7 + end}), "dev")
        for end in ("", "s")
    }
    assert len(names) == 2
    for name in names:
        assert re.fullmatch(rf"[a-z0-9][a-z0-9-]{{,44}}-logs-{ACCOUNT}", name)
        assert len(name) <= 63
