"""The program's root command; `lazy.COMMANDS` lists the others."""

from __future__ import annotations

from typing import Annotated

import typer

from potluck import __version__
from potluck.cli.lazy import LazyGroup

app = typer.Typer(
    name="potluck",
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="One AI service out of the machines you already own.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"potluck {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Hold the options of the program itself."""
