"""``sdt logs``: the lines of one or many services, merged by time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sdt_console.cli.options import EXIT_INTERRUPTED, Command, given, service_names
from sdt_console.cli.running import running
from sdt_console.errors import UsageError
from sdt_console.text import visible

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.model import LogBatch, LogNotice
    from sdt_console.watching.logs import Wanted

_UNREAD = 3
_DAY_MS = 86_400_000


_EXAMPLE = """\b
Example:
  sdt logs user-service -f
  sdt logs user-service task-service --since 2h --level warn
  sdt logs --all -f --exclude actuator | grep -i timeout
  sdt logs api-gateway --since 03:00 --until 03:20 --json | jq -r .message
  sdt logs archive"""


class _Logs(Command):
    """``sdt logs SERVICE…``; ``archive`` in the first one's place is a command of its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["archive"]:
            from sdt_console.cli.log_archive import archive

            made: click.Context = archive.make_context(f"{info_name} archive", args[1:], parent, **extra)
            return made
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    "logs",
    cls=_Logs,
    short_help="The lines of one or many services, merged by time.",
    epilog=_EXAMPLE,
    context_settings={"max_content_width": 100},
)
@click.argument("services", nargs=-1, shell_complete=service_names, metavar="SERVICE…")
@click.option("--all", "every", is_flag=True, help="All services of the catalog.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until ctrl-C.")
@click.option(
    "--since",
    metavar="TIME",
    default="10m",
    show_default=True,
    help="How long ago (10m, 2h, 1d12h), a time of day, or an ISO date or time.",
)
@click.option("--until", metavar="TIME", default=None, help="Likewise; else now.")
@click.option(
    "--include", metavar="RE", multiple=True, help="Only lines that match; one of several is enough."
)
@click.option("--exclude", metavar="RE", multiple=True, help="No lines that match.")
@click.option("--level", metavar="LEVEL", default="", help="At least this grave: debug, info, warn, error, …")
@click.option(
    "--task", metavar="ID", default="", help="Only of this task; the beginning of its id is enough."
)
@click.option("--utc", is_flag=True, help="Read and show times as UTC, not as local time.")
@click.option(
    "--live/--no-live",
    default=True,
    help="Follow with Live Tail where it can be used (it is billed by the minute), or search only.",
)
@click.option(
    "--settle",
    metavar="SECONDS",
    type=click.FloatRange(0, 60),
    default=None,
    help="Hold lines back for so long, so that late ones are told in their place (else 0.3).",
)
def logs(
    services: tuple[str, ...], every: bool, follow: bool, since: str, until: str | None, **options: Any
) -> int:
    """The lines of SERVICE…, of all their tasks, merged by time: history first, then with -f what comes.

    A stack trace stays together; a JSON line is shown as its message and fields. Control characters are
    shown, not obeyed. With --json one object a line. Ends with 130 on ctrl-C, as `kubectl logs -f` does, and
    with 3 if the log of a service could not be read; the others are shown all the same.
    """
    import asyncio

    from sdt_console.watching.logs import Wanted, moment_of

    if follow and until is not None:
        raise click.UsageError("--until ends what --follow would go on with; leave one of them out")
    if every and services:
        raise click.UsageError("--all names every service; leave the names or --all out")
    if services[:1] == ("archive",):
        raise click.UsageError("options belong after the command: sdt logs archive …")
    with running(None) as door:
        now, utc = door.clock.now(), options["utc"]
        wanted = Wanted(
            services=tuple(door.names("services")) if every else services,
            since=moment_of(since, now, utc=utc),
            until=None if until is None else moment_of(until, now, utc=utc),
            follow=follow,
            include=options["include"],
            exclude=options["exclude"],
            level=options["level"].lower(),
            task=options["task"],
            live=options["live"],
            **({} if options["settle"] is None else {"hold_s": options["settle"]}),
        )
        if not wanted.services:
            raise UsageError("no service is named", next="name some (`sdt logs user-service`), or take --all")
        if wanted.until is not None and wanted.until < wanted.since:
            raise UsageError("--until is before --since", next="exchange them")
        return asyncio.run(_printed(door, wanted, utc=utc, date=now * 1000 - wanted.since > _DAY_MS))


async def _printed(door: Engine, wanted: Wanted, *, utc: bool, date: bool) -> int:
    """Print all batches; the exit code."""
    import asyncio
    import contextlib
    import signal

    from sdt_console.cli.log_text import LogText, document, json_row
    from sdt_console.watching.logs import Logs

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and not given().ci
    text = LogText(wanted.services, colour=colour, utc=utc, date=date)
    write = sys.stdout.write

    def told(batch: LogBatch) -> None:
        for notice in batch.notices:
            _notify(notice, write if given().json else None)
        if batch.lines:
            # One write for many lines, each of them whole: whoever reads the pipe sees no half ones.
            if given().json:
                rows = [json_row(document(line)) for line in batch.lines]
            else:
                rows = [row for line in batch.lines for row in text.rows(line)]
            rows.append("")
            write("\n".join(rows))
        sys.stdout.flush()

    async def work() -> int:
        found = Logs(door)
        tail = await found.tail(wanted)
        for notice in found.notices:
            _notify(notice, write if given().json else None)
        async with contextlib.aclosing(tail.batches()) as batches:
            async for batch in batches:
                told(batch)
        return _UNREAD if any(source.trouble for source in tail.sources) else 0

    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _stopper(task))
    gone = asyncio.Event()
    if wanted.follow:
        _watch_reader(loop, task, gone)
    try:
        return await task
    except asyncio.CancelledError:
        if gone.is_set():
            raise BrokenPipeError from None
        return EXIT_INTERRUPTED


def _stopper(task: Any) -> Callable[[], None]:
    """Ctrl-C ends it in order; a second one, or one that has to wait for the network, at once."""
    import threading

    def stop() -> None:
        if task.cancelling():
            os._exit(EXIT_INTERRUPTED)
        task.cancel()
        if not given().sandbox:
            # A thread may wait half a minute for an answer that nobody wants any more.
            leaving = threading.Timer(1.0, os._exit, (EXIT_INTERRUPTED,))
            leaving.daemon = True
            leaving.start()

    return stop


def _watch_reader(loop: Any, task: Any, gone: Any) -> None:
    """End when whoever reads our output has gone (`| head`), even while there is nothing to write."""
    import select

    if sys.stdout.isatty():
        return
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # no file behind it
        return

    def look() -> None:
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            gone.set()
            task.cancel()
        else:
            loop.call_later(1.0, look)

    loop.call_later(1.0, look)


def _notify(notice: LogNotice, write: Callable[[str], object] | None) -> None:
    """What is to be known of the lines: on stderr, and among the JSON lines where it happened."""
    if write is not None:
        from sdt_console.cli.log_text import json_row

        document = {
            "version": 1,
            "type": "notice",
            "kind": notice.kind,
            "service": notice.service or None,
            "count": notice.count,
            "text": notice.text,
        }
        write(json_row(document) + "\n")
    service = f"{notice.service}: " if notice.service else ""
    click.echo(visible(f"{service}{notice.text}"), err=True)
