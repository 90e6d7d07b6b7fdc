"""Leases in DynamoDB: the same rules, over HTTP, against a table like Terraform's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import boto3
import pytest

from sdt_console.clients.dynamodb import Table, create_table, table_problem
from sdt_console.clients.dynamodb_leases import DynamoLeases
from sdt_console.errors import CloudError, LeaseHeldError, ReadOnlyError, UsageError
from sdt_console.runs.lease import Leases
from sdt_console.sandbox import Sandbox
from tests.clients.shared_table import Shared, running, shared
from tests.leases import ADA, BOB, NOW, A, B, LeaseRules, assert_fenced, contend

_numbers = count()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as made:
        yield made


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    with shared(sandbox, next(_numbers), monkeypatch.setenv) as made:
        yield made


class TestDynamo(LeaseRules):
    @pytest.fixture
    def leases(self, store: Shared) -> Leases:
        return DynamoLeases(store.aws(), store.table)


def test_what_is_in_the_table_can_be_read_by_anyone(store: Shared) -> None:
    DynamoLeases(store.aws(), store.table).acquire([A], ADA, NOW, 60)
    item = store.items()["sdt/lease/dev/config"]
    assert item["Fencing"] == {"N": "1"}
    assert float(item["Expires"]["N"]) == NOW + 60
    assert '"owner":"ada"' in item["Hold"]["S"]


def test_terraforms_own_lock_table_serves_and_its_locks_are_left_alone(store: Shared) -> None:
    client = boto3.client("dynamodb")
    store.table = "shop-dev-terraform-locks"
    lock = {"LockID": {"S": "state/dev"}, "Info": {"S": "{}"}}
    client.put_item(TableName=store.table, Item=lock)
    assert table_problem(store.aws(), store.table) is None
    leases = DynamoLeases(store.aws(), store.table)
    leases.release(leases.acquire([A], ADA, NOW, 60).holds)
    assert leases.holds() == ()
    assert store.items()["state/dev"] == lock


def test_clocks_may_differ_by_some_seconds(store: Shared) -> None:
    leases = DynamoLeases(store.aws(), store.table)
    leases.acquire([A], ADA, NOW, 60)
    with pytest.raises(LeaseHeldError):
        leases.acquire([A], BOB, NOW + 64.9, 60)
    leases.acquire([A], BOB, NOW + 65, 60)


def test_more_services_than_one_transaction_takes_are_all_or_nothing(store: Shared) -> None:
    keys = [f"dev/s{n:03d}" for n in range(102)]
    leases = DynamoLeases(store.aws(), store.table)
    leases.acquire([keys[-1]], BOB, NOW, 60)
    with pytest.raises(LeaseHeldError):
        leases.acquire(keys, ADA, NOW, 60)
    assert [hold.key for hold in leases.holds()] == [keys[-1]]
    grant = leases.acquire(keys, ADA, NOW + 100, 60)
    assert [hold.key for hold in grant.holds] == keys
    assert len(leases.renew(grant.holds, NOW + 120, 60)) == 102
    assert {hold.heartbeat for hold in leases.holds()} == {NOW + 120}


def test_a_lost_answer_is_no_lost_lease(store: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write goes through, its answer does not come back, and the SDK sends it again."""
    aws = store.aws()
    leases = DynamoLeases(aws, store.table, pause=lambda _: None)
    leases.acquire([A], BOB, NOW - 100, 60)
    client = aws.client("dynamodb")
    for method in ("transact_write_items", "update_item"):
        send = getattr(client, method)

        def twice(_send: object = send, **parameters: object) -> object:
            assert callable(_send)
            _send(**parameters)
            return _send(**{k: v for k, v in parameters.items() if k != "ClientRequestToken"})

        monkeypatch.setattr(client, method, twice)
    grant = leases.acquire([A, B], ADA, NOW, 60)
    assert [hold.fencing for hold in grant.holds] == [2, 1]
    assert [hold.owner for hold in grant.taken_over] == ["bob"]
    assert leases.renew(grant.holds, NOW + 20, 60) == leases.holds()
    assert leases.break_(B, "eve", "stuck", NOW + 21).by == "eve"
    leases.release(grant.holds)
    assert leases.holds() == ()


def _meanwhile(leases: DynamoLeases, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen between the look and the first write after it."""
    write, todo = leases._table.update_all, [happens]

    def late(updates: Mapping[str, Mapping[str, Any]]) -> None:
        while todo:
            todo.pop()()
        write(updates)

    monkeypatch.setattr(leases._table, "update_all", late)


@pytest.mark.parametrize("before", [0, 1])
def test_who_was_quicker_between_look_and_write_has_it(
    store: Shared, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    leases, other = (DynamoLeases(store.aws(), store.table) for _ in range(2))
    for _ in range(before):
        other.release(other.acquire([A], BOB, NOW, 60).holds)
    _meanwhile(leases, monkeypatch, lambda: other.acquire([A], BOB, NOW, 60))
    with pytest.raises(LeaseHeldError):
        leases.acquire([B, A], ADA, NOW, 60)
    assert [(hold.key, hold.owner) for hold in leases.holds()] == [(A, "bob")]


def test_a_number_given_out_between_look_and_write_is_not_given_out_again(
    store: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, other = (DynamoLeases(store.aws(), store.table) for _ in range(2))
    other.release(other.acquire([A], BOB, NOW, 60).holds)
    _meanwhile(leases, monkeypatch, lambda: other.release(other.acquire([A], BOB, NOW, 60).holds))
    assert leases.acquire([A], ADA, NOW, 60).holds[0].fencing == 3


def test_an_expired_one_that_is_renewed_between_look_and_write_is_not_taken(
    store: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, other = (DynamoLeases(store.aws(), store.table) for _ in range(2))
    late = other.acquire([A], BOB, NOW - 100, 60).holds
    _meanwhile(leases, monkeypatch, lambda: other.renew(late, NOW, 60))
    with pytest.raises(LeaseHeldError):
        leases.acquire([A], ADA, NOW, 60)


def test_an_api_that_is_flaky_loses_no_lease(store: Shared) -> None:
    """Answers that are lost, and errors of AWS's own: the sandbox's scenario."""
    store.sandbox.scenarios.on("flaky-api")
    try:
        leases = DynamoLeases(store.aws(), store.table, pause=lambda _: None)
        for n in range(1, 16):
            holds = leases.acquire([A, B], ADA, NOW + n, 60).holds
            assert [hold.fencing for hold in holds] == [n, n]
            leases.release(leases.renew(holds, NOW + n + 20, 60))
        assert leases.holds() == ()
    finally:
        store.sandbox.scenarios.off("flaky-api")


@pytest.mark.parametrize("seed", [1, 2])
def test_many_contenders_never_hold_a_service_twice(store: Shared, seed: int) -> None:
    given = contend(lambda: DynamoLeases(store.aws(), store.table), contenders=4, rounds=6, seed=seed)
    assert given
    assert_fenced(given)


def test_a_session_that_may_not_change_anything_looks_and_does_not_touch(store: Shared) -> None:
    held = DynamoLeases(store.aws(), store.table).acquire([A], ADA, NOW, 60).holds
    leases = DynamoLeases(store.aws(read_only=True), store.table)
    assert leases.holds() == held
    for change in (
        lambda: leases.acquire([B], BOB, NOW, 60),
        lambda: leases.break_(A, "eve", "why", NOW),
        lambda: leases.release(held),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert leases.holds() == held


def test_a_table_is_made_once_and_then_found(store: Shared) -> None:
    aws = store.aws()
    assert "no DynamoDB table sdt-new in eu-west-1" in (table_problem(aws, "sdt-new") or "")
    assert create_table(aws, "sdt-new") is True
    assert table_problem(aws, "sdt-new") is None
    assert create_table(aws, "sdt-new") is False
    made = boto3.client("dynamodb").describe_table(TableName="sdt-new")["Table"]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_table_with_another_key_is_refused(store: Shared) -> None:
    boto3.client("dynamodb").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )
    problem = "the key of other is id (N, HASH); it must be the string LockID alone"
    assert table_problem(store.aws(), "other") == problem
    with pytest.raises(CloudError) as caught:
        create_table(store.aws(), "other")
    assert caught.value.cause == problem


def test_a_table_that_is_not_there_says_how_to_make_it(store: Shared) -> None:
    leases = DynamoLeases(store.aws(), "nowhere")
    for read in (leases.holds, lambda: leases.acquire([A], ADA, NOW, 60)):
        with pytest.raises(CloudError) as caught:
            read()
        assert caught.value.exit_code == 3
        assert caught.value.what == "no DynamoDB table nowhere in eu-west-1"
        assert "sdt doctor --create-table" in caught.value.next


def test_a_store_out_of_reach_is_no_held_lease(store: Shared) -> None:
    with pytest.raises(CloudError, match="did not reach AWS"):
        DynamoLeases(store.away(), store.table).acquire([A], ADA, NOW, 60)


def test_only_keys_that_are_there_are_read(store: Shared) -> None:
    table = Table(store.aws(), store.table)
    table.put_new("a", {})
    assert list(table.get_many(["a", "b", "a"])) == ["a"]
    with pytest.raises(UsageError):
        DynamoLeases(store.aws(), store.table).break_("dev/never", "eve", "why", NOW)
