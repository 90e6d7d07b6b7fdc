"""``sdt completion``: the script that lets a shell complete ``sdt``."""

from __future__ import annotations

import click

from sdt_console.cli.options import command


@command(
    "completion",
    short="Let your shell complete sdt.",
    example="bash:  echo 'eval \"$(sdt completion bash)\"' >> ~/.bashrc\n"
    "zsh:   echo 'eval \"$(sdt completion zsh)\"' >> ~/.zshrc\n"
    "fish:  sdt completion fish > ~/.config/fish/completions/sdt.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL; it completes commands, options, environments and services."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    root = click.get_current_context().find_root().command
    click.echo(made(root, {}, "sdt", "_SDT_COMPLETE").source())
