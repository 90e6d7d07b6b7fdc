"""The account of an environment, as preflight and the doctor look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdt_console.pipeline.checks.account import Account

if TYPE_CHECKING:
    from sdt_console.engine import Engine


def account_of(door: Engine) -> Account:
    """The account of ``door``'s environment, with the clients that look at it."""
    outside = door.outside
    return Account(
        catalog=door.catalog,
        environment=door.environment,
        clock=door.clock,
        ecs=outside.ecs,
        ecr=outside.ecr,
        identity=outside.identity,
        secrets=outside.secrets,
        logs=outside.logs,
        balancers=outside.balancers,
    )
