"""``sdt``: the group of commands, each imported when it is called, and how errors reach a person."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from sdt_console.cli.options import EXIT_INTERRUPTED, add_global_options, refuse_empty

COMMANDS = {
    "alarms": "sdt_console.cli.alarms:alarms",
    "apply": "sdt_console.cli.apply:apply",
    "build": "sdt_console.cli.build:build",
    "catalog": "sdt_console.cli.catalog:catalog",
    "completion": "sdt_console.cli.completion:completion",
    "cost": "sdt_console.cli.cost:cost",
    "demo": "sdt_console.cli.demo:demo",
    "deploy": "sdt_console.cli.deploy:deploy",
    "detect": "sdt_console.cli.detect:detect",
    "doctor": "sdt_console.cli.doctor:doctor",
    "figures": "sdt_console.cli.figures:figures",
    "health": "sdt_console.cli.health:health",
    "history": "sdt_console.cli.history:history",
    "images": "sdt_console.cli.images:images",
    "init": "sdt_console.cli.init:init",
    "lock": "sdt_console.cli.lock:lock",
    "logs": "sdt_console.cli.logs:logs",
    "metrics": "sdt_console.cli.metrics:metrics",
    "plan": "sdt_console.cli.plan:plan",
    "replay": "sdt_console.cli.replay:replay",
    "resume": "sdt_console.cli.resume:resume",
    "rollback": "sdt_console.cli.rollback:rollback",
    "sandbox": "sdt_console.cli.sandbox:sandbox",
    "secrets": "sdt_console.cli.secrets:secrets",
    "show": "sdt_console.cli.history:show_run",
    "status": "sdt_console.cli.status:status",
}
_EXIT_PIPE = 128 + 13
_EXIT_OUTPUT = 3
_NO_OUTPUT = {errno.ENOSPC, errno.EIO, errno.EBADF}


class Group(click.Group):
    """Commands by name; a command's module is imported when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_empty(self, ctx, args)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            if close:
                told = f"{error.message.rstrip('.')}; did you mean {close[0]}?"
                raise click.UsageError(told, ctx) from None
            raise


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from sdt_console import __version__

        click.echo(f"sdt {__version__}")
        ctx.exit()


def _root() -> click.Group:
    from sdt_console.cli.ci import OPTIONS, own_options, run_ci

    def root(**parameters: Any) -> None:
        ctx = click.get_current_context()
        if ctx.invoked_subcommand is None:
            run_ci(ctx, parameters)
        elif used := own_options(ctx):
            raise click.UsageError(
                f"{used[0]} belongs after the command: sdt {ctx.invoked_subcommand} {used[0]} …"
            )

    group = Group(
        name="sdt",
        callback=root,
        invoke_without_command=True,
        params=[
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_version,
                help="Print the version.",
            ),
            *OPTIONS,
        ],
        help="Operate microservices on AWS ECS Fargate: see what changed, plan, deploy, watch.\n\n"
        "With --ci the whole pipeline runs headless: detect, gate, build, push, deploy, health, and "
        "rollback when it fails.",
        epilog="\b\nExamples:\n"
        "  sdt demo                       the pipeline on a sandbox: no AWS account\n"
        "  sdt detect --base origin/main  which services changed, and why\n"
        "  sdt --ci --env dev             deploy what the last merge changed",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    return add_global_options(group)


def main() -> NoReturn:
    """Run ``sdt``; never returns."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  for as long as the process lives
    status = 0
    try:
        status = run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough; the interpreter must not complain about it on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _EXIT_PIPE
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"error: cannot write the output: {error.strerror}", err=True)
        status = status or _EXIT_OUTPUT
    sys.exit(status)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code.

    :param arguments: the command line without ``sdt``; ``None`` for this process's own.
    """
    from sdt_console.errors import SdtError

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = _root().main(given, standalone_mode=False, prog_name="sdt")
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        usage = error.ctx if isinstance(error, click.UsageError) else None
        cure = f"see `{usage.command_path} --help`" if usage is not None else ""
        return _document(given, error.exit_code, error.format_message(), next=cure)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return _document(given, EXIT_INTERRUPTED, "interrupted")
    except SdtError as error:
        _tell(error)
        return _document(given, error.exit_code, error.what, error.cause, error.evidence, error.next)
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_OUTPUT:
            raise  # of standard output: nothing else of ours lets an OSError through
        status = _defect(error)
        return _document(given, status, f"a defect in sdt ({type(error).__name__})")


def _document(
    arguments: Sequence[str],
    status: int,
    what: str,
    cause: str = "",
    evidence: Sequence[str] = (),
    next: str = "",
) -> int:
    """With ``--json`` an error is one line of JSON on stdout, too; its exit code.

    Read from the arguments, for an error in them comes before they are known. One line: where a command
    has streamed JSON lines before, it is the last of them.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--json" in options:
        import json

        error = {"what": what, "cause": cause, "evidence": list(evidence), "next": next}
        click.echo(json.dumps({"version": 1, "error": error, "exit_code": status}))
    return status


def _tell(error: Any) -> None:
    from sdt_console.cli.output import error_text

    click.echo(error_text(error, colour=sys.stderr.isatty() and "NO_COLOR" not in os.environ), err=True)


def _defect(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="sdt-error-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    click.echo(
        f"error: a defect in sdt ({type(error).__name__})\n  next: report it with {file.name}, "
        "which has the details; read it first for what must not leave your house",
        err=True,
    )
    return 3
