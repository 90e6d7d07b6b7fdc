"""Global options: taken before or after the command, kept once for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from sdt_console.engine import Engine
    from sdt_console.settings import Settings

EXIT_INTERRUPTED = 130
_KEY = "sdt_console.options"
_T = TypeVar("_T", bound=click.Command)


class Given:
    """The global options as given anywhere on the command line."""

    def __init__(self) -> None:
        self.catalog: str | None = None
        self.env: str | None = None
        self.profile: str | None = None
        self.region: str | None = None
        self.read_only = False
        self.json = False
        self.ci = False
        self.sandbox = False
        self.yes = False
        self.verbose = 0
        self.scenario: tuple[str, ...] = ()


def given(ctx: click.Context | None = None) -> Given:
    """The global options of this call."""
    found: Given = (ctx or click.get_current_context()).meta.setdefault(_KEY, Given())
    return found


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value == "":
        raise click.BadParameter("is empty; leave it out for the default", ctx, parameter)
    if value not in (None, False, 0, ()) and parameter.name is not None:
        setattr(given(ctx), parameter.name, value)


def refuse_empty(command: click.Command, ctx: click.Context, args: Sequence[str]) -> None:
    """An option or argument that is given as an empty text is never "the default".

    A script that fills it from a variable which is not set would deploy, build or undo what nobody named.

    :raises click.UsageError: one is empty.
    """
    if ctx.resilient_parsing or not any(not arg or arg.endswith("=") for arg in args):
        return
    values, _, _ = command.make_parser(ctx).parse_args(list(args))
    for parameter in command.get_params(ctx):
        value = values.get(parameter.name or "")
        if value == "" or (isinstance(value, (list, tuple)) and "" in value):
            name = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.make_metavar(ctx)
            told = "; leave it out for the default" if isinstance(parameter, click.Option) else ""
            raise click.UsageError(f"{name} is empty{told}", ctx)


def _names(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Shell completion from the catalog; silent where there is none."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        from sdt_console.engine import Engine
        from sdt_console.errors import SdtError
        from sdt_console.settings import Settings

        try:
            names = Engine(Settings(catalog=given(ctx).catalog)).names(kind)
        except SdtError:
            return []
        return [name for name in names if name.startswith(incomplete)]

    return complete


service_names = _names("services")
"""Shell completion of service names."""


def _options() -> list[click.Option]:
    def option(*names: str, **settings: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_keep, **settings)

    return [
        option(
            "--catalog",
            metavar="FILE",
            help="Catalog file (else SDT_CATALOG, else catalog.toml here or above).",
        ),
        option("--env", metavar="ENV", shell_complete=_names("environments"), help="Environment."),
        option("--profile", metavar="NAME", help="AWS profile."),
        option("--region", metavar="REGION", help="AWS region."),
        option("--read-only", is_flag=True, help="Refuse everything that changes something."),
        option("--json", is_flag=True, help="One JSON document on stdout."),
        option("--ci", is_flag=True, help="Headless: no colours, plain log; alone: run the pipeline."),
        option("--sandbox", is_flag=True, help="On an AWS account in a box, started for this call."),
        option(
            "--scenario",
            metavar="NAME[:SERVICE]",
            multiple=True,
            help="Let the sandbox fail on purpose; `sdt sandbox --help` lists the names.",
        ),
        option("--yes", is_flag=True, help="Do not ask."),
        option("-v", "--verbose", count=True, help="Say more."),
    ]


def add_global_options(command: _T) -> _T:
    """Let ``command`` take the global options."""
    command.params.extend(_options())
    return command


class Command(click.Command):
    """A command that takes the global options, shown in its help after its own."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        add_global_options(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_empty(self, ctx, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        general: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and record[1]:  # an argument without words of its own is in the usage line
                (general if parameter.expose_value is False and parameter.name != "help" else own).append(
                    record
                )
        for title, records in (("Options", own), ("Global options", general)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def command(
    name: str, *, short: str, example: str, params: Sequence[click.Parameter] = ()
) -> Callable[[Callable[..., Any]], Command]:
    """A command whose help ends with an example; its docstring is its help, ``short`` its line in lists."""
    shown = "\n".join(f"  {line}" for line in example.splitlines())

    def make(function: Callable[..., Any]) -> Command:
        made: Command = click.command(
            name,
            cls=Command,
            short_help=short,
            epilog=f"\b\nExample:\n{shown}",
            context_settings={"max_content_width": 100},
        )(function)
        made.params[:0] = params
        return made

    return make


def settings(**more: Any) -> Settings:
    """The engine's settings from the global options."""
    import os

    from sdt_console.settings import Settings

    options = given()
    return Settings(
        catalog=options.catalog,
        environment=options.env,
        profile=options.profile,
        region=options.region,
        read_only=options.read_only,
        environ=dict(os.environ),
        **more,
    )


def engine(**more: Any) -> Engine:
    """An engine for this call; closed when the call ends."""
    from sdt_console.engine import Engine

    made = Engine(settings(**more))
    click.get_current_context().call_on_close(made.close)
    return made
