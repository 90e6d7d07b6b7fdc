"""Calls that no SDK would send: refused in the API's own form, and nothing is hurt."""

from __future__ import annotations

import http.client
import json
import random
from typing import Any

import botocore.session
import pytest

from sdt_console.sandbox.ecs.api import OPERATIONS
from tests.sandbox.account import CLUSTER, Account

MODEL = botocore.session.Session().get_service_model("ecs")
JUNK: tuple[Any, ...] = (
    None, "", "x", "arn:aws:ecs:::", "../../etc/passwd", "\x00\x1b]0;a\x07", "ü" * 300, 0, -1, 2**70, 1.5,
    True, [], [None], ["x"], [{}], {}, {"a": 1}, "shop-dev-orders", [["x"]], "x" * 5000,
)  # fmt: skip


def send(account: Account, operation: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer to whatever is sent."""
    connection = http.client.HTTPConnection(account.sandbox.registry, timeout=10)
    key = account.sandbox.environ["AWS_ACCESS_KEY_ID"]
    scope = f"Credential={key}/20260101/eu-west-1/ecs/aws4_request"
    own = {
        "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-amz-json-1.1",
    }
    connection.request("POST", "/", body, own | headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_no_junk_gets_through(account: Account) -> None:
    """Every member of every call with values of the wrong kind, alone and beside good ones."""
    chance = random.Random(0)
    good = {"cluster": CLUSTER, "service": "shop-dev-orders", "taskDefinition": "shop-dev-orders"}
    for operation in sorted(OPERATIONS):
        members = list(MODEL.operation_model(operation).input_shape.members)
        for member in members:
            for junk in chance.sample(JUNK, 6):
                request = {key: value for key, value in good.items() if key in members} | {member: junk}
                status, body = send(account, operation, json.dumps(request).encode())
                assert status in (200, 400), (operation, member, junk, body)
                answer = json.loads(body)
                assert status == 200 or (answer["__type"] and answer["message"]), (operation, member, junk)
    account.sandbox.advance(600)
    service = account.service("users")
    assert (service["status"], service["runningCount"]) == ("ACTIVE", 1)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"{" * 2000])
def test_bodies_that_are_no_request(account: Account, body: bytes) -> None:
    status, answer = send(account, "DescribeServices", body)
    assert status == 400
    assert json.loads(answer)["__type"] in ("SerializationException", "InvalidParameterException")


def test_calls_without_a_signature_or_with_half_of_one(account: Account) -> None:
    for authorization in ("", "AWS4-HMAC-SHA256", "Basic QVdTOng=", "AWS4-HMAC-SHA256 Credential=a/b/c"):
        status, _ = send(account, "ListClusters", b"{}", Authorization=authorization)
        assert status in (200, 400)
    assert account.service("orders")["runningCount"] == 1


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("UpdateService", {"desiredCount": "2"}, "SerializationException"),
        ("UpdateService", {"desiredCount": -1}, "InvalidParameterException"),
        ("UpdateService", {"deploymentConfiguration": {"maximumPercent": "x"}}, "SerializationException"),
        ("UpdateService", {"deploymentConfiguration": {"maximumPercent": 20}}, "InvalidParameterException"),
        ("UpdateService", {"deploymentConfiguration": {"maximumPercent": 100}}, "InvalidParameterException"),
        ("UpdateService", {"loadBalancers": [{"containerPort": 1}]}, "InvalidParameterException"),
        ("UpdateService", {"networkConfiguration": {"awsvpcConfiguration": []}}, "SerializationException"),
        ("DescribeServices", {"services": ["a", 1]}, "SerializationException"),
    ],
)
def test_wrong_kinds_deep_inside_are_refused_before_anything_happens(
    account: Account, operation: str, request_: dict[str, Any], code: str
) -> None:
    before = account.service("orders")
    body = {"cluster": CLUSTER, "service": "shop-dev-orders"} | request_
    status, answer = send(account, operation, json.dumps(body).encode())
    assert (status, json.loads(answer)["__type"]) == (400, code)
    account.sandbox.advance(60)
    assert account.service("orders") | {"ResponseMetadata": None} == before | {"ResponseMetadata": None}


def test_members_that_are_new_to_the_model_are_ignored(account: Account) -> None:
    body = {"cluster": CLUSTER, "services": ["shop-dev-orders"], "fromTheFuture": {"a": [1]}, "include": None}
    status, answer = send(account, "DescribeServices", json.dumps(body).encode())
    assert (status, len(json.loads(answer)["services"])) == (200, 1)
