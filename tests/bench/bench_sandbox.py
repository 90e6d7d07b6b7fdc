"""The sandbox: its start, a thousand services in it, and conditional writes by many clients.

Up in under 3 s with 15 services; a thousand under 1 GB with DescribeServices (ten at a time) under 50 ms at
the median, also while three hundred roll out; 10,000 rounds of a conditional write with one winner each.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from sdt_console.catalog.model import Catalog
from sdt_console.sandbox import Sandbox
from tests.bench.measure import verdict

SERVICES, ROLLING, CLIENTS = 1_000, 300, 4
ROUNDS = 10_000


def catalog(services: int) -> Catalog:
    return Catalog.model_validate(
        {
            "version": 1,
            "system": "bench",
            "default_environment": "dev",
            "groups": ["all"],
            "aws": {"region": "eu-west-1", "account": "123456789012"},
            "names": {
                "cluster": "bench-{env}",
                "service": "{env}-{service}",
                "repository": "bench/{env}/{service}",
                "load_balancer": "bench-{env}-alb",
            },
            "environments": {"dev": {}},
            "health": {"url": "http://{alb}/api/{service}/actuator/health"},
            "services": [
                {"name": f"s{number}", "priority": 1, "group": "all", "path": f"s{number}", "port": 8080}
                for number in range(services)
            ],
        }
    )


def start() -> float:
    """Seconds to a sandbox of 15 services that are all up, from nothing: a fresh process."""
    script = (
        "from tests.bench.bench_sandbox import catalog\n"
        "from sdt_console.sandbox import Sandbox\n"
        "Sandbox.start(catalog(15)).stop()\n"
    )
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)
    return time.perf_counter() - begin


def describe(ecs: Any) -> float:
    """Median of describing all services, ten at a time, in ms."""
    times = []
    for first in range(0, SERVICES, 10):
        names = [f"dev-s{number}" for number in range(first, first + 10)]
        begin = time.perf_counter()
        answer = ecs.describe_services(cluster="bench-dev", services=names)
        times.append(time.perf_counter() - begin)
        if len(answer["services"]) != 10:
            sys.exit("services are missing")
    return 1000 * statistics.median(times)


def conditional_writes(dynamodb: Any) -> int:
    """How many of the rounds had any other number of winners than one."""
    dynamodb.create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def take(number: int) -> bool:
        try:
            dynamodb.put_item(
                TableName="locks",
                Item={"id": {"S": str(number)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    wrong = 0
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            wrong += sum(pool.map(take, [number] * CLIENTS)) != 1
    return wrong


def main() -> None:
    up = min(start() for _ in range(3))
    with Sandbox.start(catalog(SERVICES)) as sandbox:
        settings = sandbox.environ
        session = boto3.Session(
            settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-1"
        )
        ecs = session.client("ecs", endpoint_url=sandbox.endpoint)
        quiet = describe(ecs)
        for number in range(ROLLING):
            ecs.update_service(cluster="bench-dev", service=f"dev-s{number}", forceNewDeployment=True)
        busy = describe(ecs)
        wrong = conditional_writes(session.client("dynamodb", endpoint_url=sandbox.endpoint))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    verdict(
        {
            "15 services up, s": (up, 3.0),
            "DescribeServices of 1,000, ms": (quiet, 50.0),
            f"the same while {ROLLING} roll out, ms": (busy, 50.0),
            "peak with 1,000 services, MB": (peak, 1024.0),
            f"rounds of {ROUNDS:,} without exactly one winner": (wrong, 0),
        }
    )


if __name__ == "__main__":
    main()
