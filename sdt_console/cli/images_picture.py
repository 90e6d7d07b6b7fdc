"""How repositories and their images look in a terminal, from 80 columns up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sdt_console.model import Finding, Scan, Shelf, ShelfImage, Shelves
from sdt_console.text import plural, size, visible
from sdt_console.watching.images import best_tag, elsewhere, short, tag_of

if TYPE_CHECKING:
    from rich.console import JustifyMethod

_WIDE = 100
_LONG_S = 300 * 86400.0
_MARK = {"error": ("✖", "red"), "warning": ("!", "yellow"), "ok": ("✔", "green")}
_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


def overview(found: Shelves, width: int) -> RenderableType:
    """A line a service, and below them what is wrong."""
    made = _table("", "SERVICE", "TAG", "DIGEST", "PUSHED", "SIZE>", "C/H/M/L")
    for shelf in found.shelves:
        made.add_row(*_line(shelf, found, width))
    gone = sum(p.severity == "error" for s in found.shelves for p in s.problems)
    told = f"{found.environment}: {plural(len(found.shelves), 'service')}"
    told += f", {gone} of them cannot start again" if gone else ""
    return Group(made, *_below(found, found.shelves), Text(visible(told), style="dim"))


def shelf_picture(shelf: Shelf, found: Shelves, limit: int, width: int) -> RenderableType:
    """The images of one repository, newest first, the one that runs marked."""
    if not shelf.uri:
        head = f"{shelf.service}: no repository {shelf.repository}"
        return Group(Text(visible(head)), *_below(found, [shelf]))
    tagged = sum(bool(i.image.tags) for i in shelf.images)
    head = f"{shelf.service}  {shelf.repository}  {tagged} tagged, {len(shelf.images) - tagged} untagged"
    wide = width >= _WIDE
    columns = ["", "TAG", "DIGEST", "PUSHED", "SIZE>", "C/H/M/L", *(["RUNS IN"] if wide else []), "COMMIT"]
    made = _table(*columns)
    # What runs is shown however old it is: it is what a person looks for.
    shown = [item for index, item in enumerate(shelf.images) if index < limit or item.running]
    for item in shown:
        made.add_row(*_image_line(item, found, shelf, width))
    more = len(shelf.images) - len(shown)
    parts: list[RenderableType] = [Text(visible(head), style="bold"), made]
    if more > 0:
        told = f"and {plural(more, 'older image')}: --limit {len(shelf.images)}"
        parts.append(Text(told, style="dim"))
    return Group(*parts, *_below(found, [shelf]))


def _line(shelf: Shelf, found: Shelves, width: int) -> list[Text]:
    current = shelf.current
    worst = shelf.problems[0].severity if shelf.problems else "ok"
    sign, style = _MARK[worst]
    if current is None:
        told = "?" if not found.tasks_known else "pending" if shelf.kind == "pending" else "none runs"
        sign, style = (sign, style) if shelf.problems else ("–", "dim")
        return [Text(sign, style=style), Text(shelf.service), Text(told, style="dim")]
    item = shelf.of(current.digest)
    strange = elsewhere(shelf)
    tag = tag_of(current.reference)
    if strange:
        name = visible(f"{strange.rpartition('/')[2]}:{tag}")
        return [Text(sign, style=style), Text(shelf.service), Text(name, style="dim")]
    return [
        Text(sign, style=style),
        Text(shelf.service),
        Text(visible(_brief(tag)) or "–"),
        Text(_digest(current.digest, width) or "?"),
        Text(_when(item.image.pushed_at, found.at) if item else "not in ECR", style="" if item else style),
        Text(size(item.image.size) if item and item.image.size else ""),
        _findings(item.image.scan) if item else Text(""),
    ]


def _image_line(item: ShelfImage, found: Shelves, shelf: Shelf, width: int) -> list[Text]:
    image, wide = item.image, width >= _WIDE
    here = any(r.environment == found.environment for r in item.running)
    named = best_tag(image)
    others = len(image.tags) - (not wide and bool(image.tags))
    if wide:
        tags = ", ".join(_brief(t) for t in sorted(image.tags, key=lambda t: (t != named, t))) or "untagged"
    else:
        tags = (_brief(named) + (f" +{others}" if others else "")) if named else "untagged"
    where = list(dict.fromkeys(_where(r.environment, r.service, shelf, found) for r in item.running))
    commit = f"{item.commit.subject} — {item.commit.author}" if item.commit else ""
    cells = [
        Text("▸" if here else "▹" if item.running else "", style="green" if here else "cyan"),
        Text(visible(tags), style="" if named else "dim"),
        Text(_digest(image.digest, width)),
        Text(_when(image.pushed_at, found.at)),
        Text(size(image.size) if image.size else "index" if image.is_index else ""),
        _findings(image.scan),
    ]
    if wide:
        cells.append(Text(visible(", ".join(where))))
    elif where and not here:
        commit = f"[{', '.join(where)}] {commit}".rstrip()
    return [*cells, Text(visible(commit), no_wrap=True, overflow="ellipsis")]


def _where(environment: str, service: str, shelf: Shelf, found: Shelves) -> str:
    """The environment alone, unless it is another service that runs the same image there."""
    return environment if shelf.service in service else f"{environment}: {service}"


def _findings(scan: Scan) -> Text:
    """``0/1/3/2``, a dash for an image that was not scanned: that is not "no findings"."""
    if not scan.status:
        return Text("–", style="dim")
    if not scan.done:
        word = {"IN_PROGRESS": "scanning", "PENDING": "scanning", "FAILED": "failed"}
        return Text(visible(word.get(scan.status, scan.status.lower().replace("_", " "))), style="dim")
    counts = [scan.counts.get(name, 0) for name in _SEVERITIES]
    style = "red" if counts[0] else "yellow" if counts[1] else ""
    return Text("/".join(map(str, counts)), style=style)


def _below(found: Shelves, shelves: Sequence[Shelf]) -> Iterator[RenderableType]:
    """Problems, what the audit found, and what could not be looked at."""
    findings = [finding for shelf in shelves for finding in shelf.problems]
    findings += [finding for shelf in shelves for finding in shelf.audit or ()]
    findings += found.notes
    for finding in _together(findings):
        yield Text()
        sign, style = _MARK[finding.severity]
        yield Text.assemble((sign, style), " ", visible(f"{finding.where}: {finding.what}"))
        yield from lines_of(finding)
    if shelves:
        yield Text()


def lines_of(finding: Finding) -> Iterator[Table]:
    """Why, and what to do next, each indented as a block."""
    for label, text in (("why:", finding.cause), ("next:", finding.next)):
        if text:
            block = Table.grid(padding=(0, 1, 0, 0))
            block.add_column(min_width=7, no_wrap=True)
            block.add_column(overflow="fold")
            block.add_row(Text(f"  {label}"), Text(visible(text)))
            yield block


def _together(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Findings that differ only in their service are told once."""
    users: dict[tuple[str, str, str, str], list[str]] = {}
    for f in findings:
        users.setdefault((f.severity, f.what, f.cause, f.next), []).append(f.where)
    for (severity, what, cause, cure), names in users.items():
        rest = len(names) - 3
        where = ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")
        yield Finding("error" if severity == "error" else "warning", where, what, cause, cure)


def _table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        justify: JustifyMethod = "right" if column.endswith(">") else "left"
        given_way = column in ("COMMIT", "RUNS IN")
        made.add_column(column.removesuffix(">"), justify=justify, no_wrap=not given_way)
    return made


def _digest(digest: str, width: int) -> str:
    return short(digest).partition(":")[2][: 12 if width >= _WIDE else 7]


def _brief(tag: str) -> str:
    return tag[:12]


def _when(at: float, now: float) -> str:
    """Local time, sortable; the year instead of the time where that says more."""
    shape = "%m-%d %H:%M" if now - at < _LONG_S else "%Y-%m-%d"
    return datetime.fromtimestamp(at).astimezone().strftime(shape) if at else ""
