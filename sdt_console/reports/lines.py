"""What a run says, a line for each thing that happens."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console import events as ev
from sdt_console.model import Outcome
from sdt_console.reports.glyphs import GLYPHS, cause, told
from sdt_console.text import visible

# What is followed as it moves; the layers of a build are not worth a line each.
_FOLLOWED = ("deploy", "health", "rollback")
# Where the stage's own line says it for all services.
_SUMMED_UP = ("build", "push", "health")


@dataclass(frozen=True)
class Line:
    """One line; ``text`` has nothing that a terminal would obey.

    :param elapsed: seconds since the run began.
    :param minor: a picture that shows what is under way says it already.
    """

    elapsed: float
    stage: str
    text: str
    style: str = ""
    minor: bool = False

    @property
    def plain(self) -> str:
        return f"{self._time} {self.stage:<9} {self.text}"

    @property
    def rich(self) -> RenderableType:
        """For a terminal; in one that is too narrow the rest goes below its beginning."""
        grid = Table.grid(padding=(0, 1))
        text = Text(self.text, style=self.style, overflow="fold")
        grid.add_row(Text(self._time, style="dim"), Text(f"{self.stage:<9}"), text)
        return grid

    @property
    def _time(self) -> str:
        return f"{int(self.elapsed) // 60:3d}:{self.elapsed % 60:04.1f} "


class Teller:
    """Makes the lines of one run from its events, in order and from its first."""

    def __init__(self) -> None:
        self._began = 0.0
        self._width = 0
        """Of the longest service name in the plan."""
        self._notes: dict[tuple[str, str], str] = {}

    def line(self, event: ev.Event) -> Line | None:
        """The line of an event; ``None`` if it is not worth one."""
        body = event.body
        match body:
            case ev.RunStarted():
                self._began = event.at
                return self._line(event, "run", _beginning(event.run, body), "bold")
            case ev.RunResumed():
                who = " ".join(filter(None, [body.by and f"by {body.by}", body.host and f"on {body.host}"]))
                return self._line(event, "run", f"{event.run}  resumed {visible(who)}".rstrip(), "bold")
            case ev.Planned(plan=plan):
                names = [*plan.get("builds", ()), *(n for wave in plan.get("waves", ()) for n in wave)]
                self._width = max((len(str(name)) for name in names), default=0)
                return None
            case ev.StepProgressed():
                return self._progress(event, body)
            case ev.StepFinished():
                return self._finished(event, body)
            case ev.StageFinished(stage=stage, outcome=outcome, note=note, failure=failure):
                # the cause stands in the line of the step before it, and in the report after it
                said = told(outcome, failure.what if failure else note)
                return self._line(event, stage, said, f"bold {GLYPHS[outcome][1]}")
            case ev.Noted(text=text, level=level, stage=stage, service=service):
                said = self._named(service, visible(text)) if service else visible(text)
                return self._line(event, stage or "note", said, "yellow" if level == "warning" else "")
            case _:
                return None

    def _progress(self, event: ev.Event, body: ev.StepProgressed) -> Line | None:
        """A service that answers 503 every second says so once."""
        key = (body.stage, body.service)
        if body.stage not in _FOLLOWED or self._notes.get(key) == body.note:
            return None
        self._notes[key] = body.note
        return self._line(event, body.stage, self._named(body.service, visible(body.note)), "dim", minor=True)

    def _finished(self, event: ev.Event, body: ev.StepFinished) -> Line:
        self._notes.pop((body.stage, body.service), None)
        said = told(body.outcome, cause(body.failure) if body.failure else body.note)
        fine = body.outcome in (Outcome.SUCCEEDED, Outcome.SKIPPED) and body.stage in _SUMMED_UP
        style = GLYPHS[body.outcome][1]
        return self._line(event, body.stage, self._named(body.service, said), style, minor=fine)

    def _named(self, service: str, text: str) -> str:
        return f"{visible(service):<{self._width}}  {text}"

    def _line(self, event: ev.Event, stage: str, text: str, style: str, *, minor: bool = False) -> Line:
        return Line(max(0.0, event.at - self._began), visible(stage), text, style, minor)


def _beginning(run: str, body: ev.RunStarted) -> str:
    commits = f"  {visible(body.base[:12]) or 'nothing'} → {visible(body.head[:12])}" if body.head else ""
    about = f"  {visible(body.title)}" if body.title else ""
    return f"{visible(run)}  {visible(body.environment)}{commits}{about}"
