"""A role is assumed once for many calls, and again before its session ends: virtual time, a real STS."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from sdt_console.clients.aws import Aws
from sdt_console.clients.aws_errors import translate
from sdt_console.clients.call import Caller
from sdt_console.clients.sdk import assumed, opened
from sdt_console.errors import NotAllowedError
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from tests.catalogs import ours

ROLE = "arn:aws:iam::962496666337:role/oncall"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> object:
    with Sandbox.start(ours(), clock=ManualClock(), speed=1, environments=["dev"]) as box:
        for key, value in box.environ.items():
            monkeypatch.setenv(key, value)
        yield box


@pytest.mark.usefixtures("sandbox")
def test_a_role_is_assumed_again_before_its_session_ends() -> None:
    now = [datetime.now(UTC)]
    source = opened("eu-west-1", None)
    assumptions: list[str] = []
    from botocore.config import Config

    session = assumed(source, ROLE, Config(), lambda: now[0])
    credentials = session.get_credentials()

    def key() -> str:
        assumptions.append(str(credentials.get_frozen_credentials().access_key))
        return assumptions[-1]

    first = key()
    now[0] += timedelta(minutes=30)
    assert key() == first
    now[0] += timedelta(minutes=25)  # five minutes of the hour are left
    assert key() != first
    arn = session.create_client("sts").get_caller_identity()["Arn"]
    assert ":assumed-role/oncall/sdt-console" in arn


@pytest.mark.usefixtures("sandbox")
def test_calls_are_made_by_the_role_and_the_credentials_told_are_those_behind_it() -> None:
    caller = Caller()
    aws = Aws(caller, region="eu-west-1", role=ROLE)

    async def calls() -> str:
        told = await aws.read("sts", "get_caller_identity")
        await aws.read("ecs", "list_clusters")
        aws.renew()
        await aws.read("ecs", "list_clusters")
        return str(told["Arn"])

    assert ":assumed-role/oncall/sdt-console" in asyncio.run(calls())
    assert aws.credentials().method == "env"
    assert caller.counts["sts:AssumeRole"] == 3  # for each client that is made, and after renew
    caller.close()


def test_a_role_that_may_not_be_assumed_is_told_as_such() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")
    found = translate("ecs:DescribeServices", refused)
    assert isinstance(found, NotAllowedError)
    assert found.right == "sts:AssumeRole"
