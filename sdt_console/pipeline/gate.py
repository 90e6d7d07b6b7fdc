"""Gates: what must hold before anything is built. Each is named in the catalog, skippable only by name."""

from __future__ import annotations

from pathlib import Path

from sdt_console.catalog.reactor import compare
from sdt_console.errors import GateError
from sdt_console.events import Noted
from sdt_console.pipeline.context import Context, Verdict, in_thread
from sdt_console.text import plural


async def gate(ctx: Context, source: Path, verdict: Verdict) -> None:
    """Run the environment's gates on the exported source of the run's head.

    :raises GateError: a gate failed, or is one that this version cannot run.
    """
    passed: list[str] = []
    unknown: list[str] = []
    for name in ctx.catalog.environments[ctx.plan.environment].gates:
        if name in ctx.skip_gates:
            ctx.emit(Noted(f"gate {name} skipped: {ctx.skip_gates[name]}", "warning", "gate"))
        elif name == "reactor":
            await _reactor(ctx, source)
            passed.append(name)
        else:
            unknown.append(name)
    if unknown:
        flags = " ".join(f"--skip-gate {name}" for name in unknown)
        raise GateError(
            f"{plural(len(unknown), 'gate')} cannot be run here: {', '.join(unknown)}",
            f"environment {ctx.plan.environment} asks for them, and this version runs only 'reactor'",
            f"run them in the workflow before this step, and pass {flags}",
        )
    verdict.note = f"passed: {', '.join(passed)}" if passed else "no gate was run"


async def _reactor(ctx: Context, source: Path) -> None:
    """Every module to be built is in the Maven reactor, so that Maven will find it."""
    problems = await in_thread(compare, ctx.catalog, source)
    building = {f"services.{name}." for name in ctx.plan.builds}
    building |= {f"shared.{name}." for name in ctx.plan.modules}
    wrong = [
        str(problem)
        for problem in problems
        if problem.severity == "error" and any(problem.path.startswith(prefix) for prefix in building)
    ]
    if wrong:
        raise GateError(
            "catalog and Maven reactor disagree",
            wrong[0],
            "correct catalog.toml or the root pom.xml; `sdt catalog check --repo DIR` shows all",
            evidence=tuple(wrong[1:]),
        )
