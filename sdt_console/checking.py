"""How services stand now: the health stage alone, for any services, nothing changed and nothing recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdt_console.errors import SdtError, UsageError
from sdt_console.events import Body, Event, StepFinished
from sdt_console.model import Failure, Outcome, Plan

if TYPE_CHECKING:
    from sdt_console.engine import Engine


@dataclass(frozen=True)
class ServiceHealth:
    """One service's verdict; ``failure`` is ``None`` for one that is well."""

    name: str
    outcome: Outcome
    note: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class Checked:
    """What the check found, in the order asked for.

    :param note: the load balancer's address, if one was asked through.
    """

    environment: str
    services: tuple[ServiceHealth, ...]
    note: str = ""

    @property
    def exit_code(self) -> int:
        return 4 if any(s.failure for s in self.services) else 0


class _Free:
    """Nothing is changed, so nothing need be held."""

    async def check(self) -> None:
        return


async def check(
    door: Engine, names: Sequence[str], subscribers: Sequence[Callable[[Event], None]] = ()
) -> Checked:
    """Judge ``names``, or every active service, as the health stage of a run does.

    :raises UsageError: an unknown service, a pending one or a data service: those are not judged.
    :raises CloudError: AWS could not be asked.
    """
    from sdt_console.looked_at import account_of
    from sdt_console.pipeline.context import Context, Verdict
    from sdt_console.pipeline.health import health

    judged = [s.name for s in door.catalog.active]
    for name in names:
        if name not in judged:
            raise UsageError(
                f"{name} is not judged",
                "only active services of the catalog are: data services and pending ones are not",
                f"name some of {', '.join(judged[:5])}, …",
            )
    chosen = tuple(dict.fromkeys(names)) or tuple(judged)
    found: dict[str, ServiceHealth] = {}
    seq = 0

    def emit(body: Body) -> None:
        nonlocal seq
        for tell in subscribers:
            tell(Event("", seq, door.clock.now(), body))
        seq += 1
        if isinstance(body, StepFinished):
            found[body.service] = ServiceHealth(body.service, body.outcome, body.note, body.failure)

    plan = Plan(
        environment=door.environment,
        cluster=door.catalog.cluster(door.environment),
        base="",
        head="",
        selections=(),
        modules=(),
        builds=(),
        waves=(chosen,),
        before={},
        images={},
        parallel=len(chosen) or 1,
        rollback="none",
        image_reference="commit",
    )
    outside = door.outside
    ctx = Context(
        run="",
        catalog=door.catalog,
        plan=plan,
        repo=None,
        builder=outside.own_builder(door.run_folder("none")),
        ecs=outside.ecs,
        ecr=outside.ecr,
        balancers=outside.balancers,
        logs=outside.logs,
        http=outside.http,
        clock=door.clock,
        emit=emit,
        lease=_Free(),
        account=account_of(door),
        poll_seconds=door.settings.poll_seconds,
    )
    verdict = Verdict()
    try:
        await health(ctx, verdict)
    except SdtError as error:
        if error.resumable or not any(s.failure for s in found.values()):
            raise  # of the whole check, not of one service: AWS is out of reach
    return Checked(door.environment, tuple(found[n] for n in chosen if n in found), verdict.note)
