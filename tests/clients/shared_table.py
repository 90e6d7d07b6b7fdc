"""A sandbox's DynamoDB with an empty table, for tests of what all share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from sdt_console.catalog.model import Catalog
from sdt_console.clients.aws import Aws
from sdt_console.clients.call import Caller
from sdt_console.clients.dynamodb import create_table
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.sandbox.account import CATALOG


class _Away(Aws):
    def client(self, service: str) -> Any:
        return _nobody_there(service)


@cache
def _nobody_there(service: str) -> Any:
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    return boto3.client(service, endpoint_url="http://127.0.0.1:9", config=once)


@dataclass
class Shared:
    """``table`` is a new one for each test."""

    sandbox: Sandbox
    table: str
    callers: list[Caller] = field(default_factory=list)

    def aws(self, read_only: bool = False) -> Aws:
        """A session of its own, as another machine would have it."""
        caller = Caller(read_only=read_only, threads=1, pause=lambda _: None)
        self.callers.append(caller)
        return Aws(caller, region="eu-west-1")

    def away(self) -> Aws:
        """A session for which AWS is out of reach; it does not wait between its attempts."""
        caller = Caller(threads=1, pause=lambda _: None)
        self.callers.append(caller)
        return _Away(caller, region="eu-west-1")

    def items(self) -> dict[str, Any]:
        found = boto3.client("dynamodb").scan(TableName=self.table)["Items"]
        return {item["LockID"]["S"]: item for item in found}


@contextmanager
def running() -> Iterator[Sandbox]:
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, clock=ManualClock(), speed=1, environments=["dev"]) as sandbox:
        yield sandbox


@contextmanager
def shared(sandbox: Sandbox, number: int, setenv: Callable[[str, str], None]) -> Iterator[Shared]:
    for key, value in sandbox.environ.items():
        setenv(key, value)
    made = Shared(sandbox, f"sdt-{number}")
    create_table(made.aws(), made.table)
    yield made
    for caller in made.callers:
        caller.close()
