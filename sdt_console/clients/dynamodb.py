"""A DynamoDB table whose only key is the string ``LockID``: as Terraform's lock table, which serves too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import error_code
from sdt_console.errors import CloudError

KEY = "LockID"
TRANSACTION_LIMIT = 100  # actions in one TransactWriteItems
_READ_LIMIT = 100  # keys in one BatchGetItem
_TRIES = 8
_T = TypeVar("_T")

Item = Mapping[str, Any]
"""As the API has it: attribute → ``{"S": …}``, ``{"N": …}``, ``{"SS": […]}`` or ``{"B": …}``."""


class ConflictError(CloudError):
    """A conditional write found something else than it was told to expect; nothing was written."""


class Table:
    """Reads (all of them consistent) and conditional writes of one table; every method blocks."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.name = name
        self._aws = aws

    def get(self, key: str) -> Item | None:
        """The item under ``key``; ``None`` if there is none."""
        answer = self._call("GetItem", False, Key={KEY: {"S": key}}, ConsistentRead=True)
        found: Item | None = answer.get("Item")
        return found

    def get_many(self, keys: Iterable[str]) -> dict[str, Item]:
        """The items of those of ``keys`` that exist."""
        found: dict[str, Item] = {}
        for part in batches(list(dict.fromkeys(keys)), _READ_LIMIT):
            wanted: Mapping[str, Any] = {
                self.name: {"Keys": [{KEY: {"S": key}} for key in part], "ConsistentRead": True}
            }
            for _ in range(_TRIES):
                answer = self._call("BatchGetItem", False, False, RequestItems=wanted)
                found |= {item[KEY]["S"]: item for item in answer["Responses"].get(self.name, [])}
                wanted = answer.get("UnprocessedKeys") or {}
                if not wanted:
                    break
            else:
                raise CloudError(f"{self.name} does not keep up", "BatchGetItem leaves keys out", "try again")
        return found

    def put_new(self, key: str, attributes: Item) -> None:
        """:raises ConflictError: there is an item under ``key``."""
        item = {KEY: {"S": key}, **attributes}
        self._call("PutItem", True, Item=item, ConditionExpression=f"attribute_not_exists({KEY})")

    def put_all_new(self, items: Mapping[str, Item]) -> None:
        """Put all items or none; at most ``TRANSACTION_LIMIT``, and 4 MB together.

        :raises ConflictError: there is an item under one of the keys.
        """
        condition = f"attribute_not_exists({KEY})"
        actions = [
            {
                "Put": {
                    "TableName": self.name,
                    "Item": {KEY: {"S": key}, **attributes},
                    "ConditionExpression": condition,
                }
            }
            for key, attributes in items.items()
        ]
        self._call("TransactWriteItems", True, False, TransactItems=actions)

    def update(self, key: str, **parameters: Any) -> None:
        """:raises ConflictError: the condition among ``parameters`` does not hold."""
        self._call("UpdateItem", True, Key={KEY: {"S": key}}, **parameters)

    def add_to_set(self, key: str, attribute: str, *values: str) -> None:
        """Put ``values`` into a set, which is made if need be."""
        self.update(
            key,
            UpdateExpression="ADD #set :values",
            ExpressionAttributeNames={"#set": attribute},
            ExpressionAttributeValues={":values": {"SS": list(values)}},
        )

    def update_all(self, updates: Mapping[str, Mapping[str, Any]]) -> None:
        """Update all items or none; at most ``TRANSACTION_LIMIT``.

        :raises ConflictError: a condition does not hold, or another transaction is at one of the items.
        """
        actions = [
            {"Update": {"TableName": self.name, "Key": {KEY: {"S": key}}, **parameters}}
            for key, parameters in updates.items()
        ]
        self._call("TransactWriteItems", True, False, TransactItems=actions)

    def problem(self) -> str | None:
        """Why leases and runs cannot be kept here; ``None`` if they can.

        :raises CloudError: it cannot be looked at.
        """
        try:
            table = self._call("DescribeTable", False)["Table"]
        except CloudError as error:
            if _code(error) == "ResourceNotFoundException":
                return f"there is no DynamoDB table {self.name}{self._where()}"
            raise
        key = [(part["AttributeName"], part["KeyType"]) for part in table["KeySchema"]]
        types = {part["AttributeName"]: part["AttributeType"] for part in table["AttributeDefinitions"]}
        if key != [(KEY, "HASH")] or types[KEY] != "S":
            told = ", ".join(f"{name} ({types[name]}, {kind})" for name, kind in key)
            return f"the key of {self.name} is {told}; it must be the string {KEY} alone"
        if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
            return f"{self.name} is {table['TableStatus']}"
        return None

    def create(self) -> bool:
        """Make the table, paid by request, and wait until it can be used.

        :returns: whether it was made; ``False`` if it was there.
        :raises CloudError: AWS refused, or what is there cannot serve.
        """
        try:
            self._call(
                "CreateTable",
                True,
                KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            made = True
        except CloudError as error:
            if _code(error) != "ResourceInUseException":
                raise
            made = False
        self._wait()
        if problem := self.problem():
            raise CloudError(f"{self.name} cannot keep runs and leases", problem, "name another table")
        return made

    def _wait(self) -> None:
        def wait() -> None:
            client = self._aws.client("dynamodb")
            client.get_waiter("table_exists").wait(
                TableName=self.name, WaiterConfig={"Delay": 2, "MaxAttempts": 60}
            )

        self._aws.call.blocking("dynamodb:DescribeTable", wait, changes=False)

    def _where(self) -> str:
        return f" in {self._aws.region}" if self._aws.region else ""

    def _call(self, operation: str, changes: bool, named: bool = True, /, **parameters: Any) -> Any:
        """:param named: whether the call takes the table's name by itself."""

        def call() -> Any:
            client = self._aws.client("dynamodb")
            method = getattr(client, _METHODS[operation])
            return method(**({"TableName": self.name} if named else {}), **parameters)

        try:
            return self._aws.call.blocking(f"dynamodb:{operation}", call, changes=changes)
        except CloudError as error:
            code = _code(error)
            if code == "ConditionalCheckFailedException" or (
                code == "TransactionCanceledException" and _passing(error)
            ):
                raise ConflictError(error.what, error.cause) from error
            if code == "ResourceNotFoundException" and operation != "DescribeTable":
                raise CloudError(
                    f"no DynamoDB table {self.name}{self._where()}",
                    "[store] in the catalog names it, for leases and runs that all share",
                    "make it with `sdt doctor --create-table`, or correct table or region there",
                ) from error
            raise


_METHODS = {
    "BatchGetItem": "batch_get_item",
    "CreateTable": "create_table",
    "DescribeTable": "describe_table",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
# Why a transaction may be cancelled that can be tried again after a look at the items (API reference,
# TransactWriteItems, "Cancellation reasons").
_CONFLICTS = {"None", "ConditionalCheckFailed", "TransactionConflict"}


def batches(values: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def table_problem(aws: Aws, name: str) -> str | None:
    """See :meth:`Table.problem`."""
    return Table(aws, name).problem()


def create_table(aws: Aws, name: str) -> bool:
    """See :meth:`Table.create`."""
    return Table(aws, name).create()


def _code(error: CloudError) -> str:
    return error_code(error.__cause__) if error.__cause__ is not None else ""


def _passing(error: CloudError) -> bool:
    reasons = getattr(error.__cause__, "response", {}).get("CancellationReasons", [])
    return {reason.get("Code", "None") for reason in reasons} <= _CONFLICTS
