"""The images of a service, newest first: what is chosen here is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from sdt_console.errors import SdtError
from sdt_console.model import EcrImage
from sdt_console.text import size, visible

if TYPE_CHECKING:
    from screens.app import Console

_SHOWN = 50


@dataclass(frozen=True)
class Picked:
    """:param older: it was pushed before the image that runs."""

    tag: str
    older: bool


class ImageSheet(ModalScreen[Picked | None]):
    """:param service: the catalog's name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "down", show=False, priority=True),
        Binding("up", "up", show=False, priority=True),
    ]

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service
        self._images: list[EcrImage] = []
        self._subjects: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield Static(Text(f"Images of {visible(self._service)}", style="bold"), classes="heading")
            yield Input(placeholder="type to narrow", id="narrow")
            yield OptionList(id="images", markup=False)
            yield Static(Text("reading …", style="dim"), id="said")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.run_worker(self._read(), exit_on_error=False)

    async def _read(self) -> None:
        console = cast("Console", self.app)
        said = self.query_one("#said", Static)
        try:
            self._images = await console.backstage.ask(console.door.planner.images(self._service, _SHOWN))
        except SdtError as error:
            said.update(Text(visible(str(error)), style="red"))
            return
        tags = [_tag(image) for image in self._images]
        self._subjects = await console.backstage.read(lambda: console.door.planner.subjects(tags))
        said.update(Text("enter deploys it · esc" if self._images else "no tagged image", style="dim"))
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value.strip().lower())

    def on_input_submitted(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            options.action_select()

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    def _fill(self, wanted: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        for image in self._images:
            line = self._line(image)
            if wanted in line.plain.lower():
                options.add_option(Option(line, id=_tag(image)))
        if options.option_count:
            options.highlighted = 0

    def _line(self, image: EcrImage) -> Text:
        tag = _tag(image)
        when = datetime.fromtimestamp(image.pushed_at).astimezone().strftime("%Y-%m-%d %H:%M")
        line = Text.assemble(f"{when}  {visible(tag[:12]):<12}  {size(image.size):>8}  ")
        line.append("runs now  " if self._runs(image) else "", style="bold green")
        line.append(visible(self._subjects.get(tag, "")))
        return line

    def _live(self) -> tuple[str, str]:
        snapshot = cast("Console", self.app).feed.snapshot
        sight = snapshot.services.get(self._service) if snapshot is not None else None
        return (sight.tag, sight.digest) if sight is not None else ("", "")

    def _runs(self, image: EcrImage) -> bool:
        tag, digest = self._live()
        return image.digest == digest if digest else tag in image.tags

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        chosen = next(image for image in self._images if _tag(image) == event.option.id)
        now = next((image for image in self._images if self._runs(image)), None)
        older = now is not None and chosen.pushed_at < now.pushed_at
        self.dismiss(Picked(_tag(chosen), older))


def _tag(image: EcrImage) -> str:
    """What an image is named by: its commit rather than ``latest``."""
    return next((tag for tag in image.tags if tag != "latest"), image.tags[0])
