"""``sdt demo``: the main job on the sandbox: a deploy that works, and one that does not."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from sdt_console.cli.options import command, given
from sdt_console.cli.running import BUILDER, DOCKER_HELP, NOT_IN_SANDBOX, boxed, conducted
from sdt_console.model import Outcome, Request

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model import RunState

SCENARIO = "crash-loop"


@command("demo", short="The whole pipeline on a sandbox.", example="sdt demo", params=[BUILDER])
@click.option("--docker", is_flag=True, help=DOCKER_HELP)
def demo(builder: str, docker: bool) -> int:
    """The whole pipeline on an AWS account in a box: a real Git change is built, pushed, deployed, checked.

    Then a service that crashes at its start is deployed, caught, and rolled back with its cause. With
    --scenario only the first run, which then fails in that way. Needs no AWS account and no Docker; half a
    minute. `sdt history` and `sdt replay` show both runs afterwards.
    """
    given().sandbox = True
    if sys.stdin.isatty() and sys.stdout.isatty() and not (given().ci or given().json):
        from sdt_console.cli.console import open_console

        return open_console(builder=builder, docker=docker)
    with boxed(None, builder=builder, docker=docker) as (door, box):
        skipped = dict.fromkeys(door.gates_beyond("reactor"), NOT_IN_SANDBOX)
        first = conducted(door, partial(door.run, skip_gates=skipped))
        if box is None or given().scenario or first.outcome is not Outcome.SUCCEEDED:
            _tell(door, first)
            return _status(first)
        if not given().json:
            _tell(door, first)
        name = _another(door, first)
        box.sandbox.scenarios.on(f"{SCENARIO}:{name}")
        click.echo(f"\nnow {name}, which crashes at its start from here on:", err=True)
        second = conducted(door, partial(door.conduct, Request("deploy", services=(name,), rebuild=True)))
        _tell(door, first, second)
    return 0 if second.outcome is Outcome.ROLLED_BACK else _status(second)


def _another(door: Engine, first: RunState) -> str:
    """A service that the first run left alone."""
    deployed = {service.name for service in first.services}
    return next((n for n in reversed(door.names("active")) if n not in deployed), door.names("active")[-1])


def _tell(door: Engine, first: RunState, second: RunState | None = None) -> None:
    """The report of the newest run; as JSON the first run's document with the second's in it."""
    from sdt_console.cli.output import show, write_json

    if given().json:
        more = {} if second is None else {"then": door.run_document(second)}
        write_json(door.run_document(first) | more)
        return
    show(door.summary(second or first))
    if second is not None:
        click.echo(f"\nsdt history\nsdt show {second.run}\nsdt replay {second.run}", err=True)


def _status(state: RunState) -> int:
    return state.exit_code if state.exit_code is not None else 3
