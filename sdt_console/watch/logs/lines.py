"""From events to lines: read, picked, and put into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sdt_console.model import LogLine
from sdt_console.watch.logs.sieve import Sieve
from sdt_console.watch.logs.source import Source
from sdt_console.watch.logs.understand import understand
from sdt_console.watch.logs.window import Group, continues


def lines(groups: Iterable[Group], sources: Sequence[Source], sieve: Sieve) -> Iterator[LogLine]:
    """The lines that ``sieve`` lets through."""
    for group in groups:
        head = group.head
        message = head.message.rstrip("\r\n")
        if group.tail:
            message = "\n".join([message, *(event.message.rstrip("\r\n") for event in group.tail)])
        if sieve.expressions and not sieve.matches(message):
            continue
        first, *rows = message.split("\n") if "\n" in message else (message,)
        read = understand(first)
        if sieve.floor and not sieve.grave(read.level):
            continue
        source = sources[group.source]
        yield LogLine(
            at=head.at,
            service=source.service,
            group=source.group,
            stream=head.stream,
            text=read.text,
            rest=(*read.rest, *rows) if rows or read.rest else (),
            message=message,
            level=read.level,
            id=head.id,
            ingested=head.ingested,
            fields=read.fields,
            events=1 + len(group.tail),
            continued=not read.level and continues(first),
        )
