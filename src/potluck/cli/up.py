"""``potluck up``: the service, in the foreground."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from potluck.cli import lazy
from potluck.cli.check import ConfigFile
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.quick import PORTS
from potluck.cli.upline import LogFormat, LogLevel, UpLine

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def up(
    config: ConfigFile = None,
    data: Annotated[
        Path,
        typer.Option("--data", envvar="POTLUCK_DATA", help="Where keys, talks and models are kept.", metavar="DIR"),
    ] = DEFAULT_DATA,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; 127.0.0.1 if nothing says.", metavar="HOST")
    ] = "",
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=PORTS.start,
            max=PORTS.stop - 1,
            help="8420 if nothing says; 0 takes any free one.",
            metavar="PORT",
        ),
    ] = None,
    local: Annotated[
        bool | None, typer.Option("--local/--no-local", help="Serve an embedded model; without other engines it is on.")
    ] = None,
    log_level: Annotated[LogLevel, typer.Option("--log-level", help="How much to log.")] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="How to log: for people, or for programs.")
    ] = LogFormat.TEXT,
) -> None:
    """Start the service in the foreground.

    Prints one line, 'ready http://HOST:PORT', when it can answer; logs go to stderr. SIGTERM or Ctrl-C drains and ends
    it, a second one does not wait. SIGHUP makes it read its configuration again.
    """
    sys.exit(lazy.serving().run(up_line(config, data, host, port, local, log_level, log_format)))


def up_line(
    config: Path | None,
    data: Path,
    host: str,
    port: int | None,
    local: bool | None,
    log_level: LogLevel,
    log_format: LogFormat,
) -> UpLine:
    """What typer read, in the form that `upline.read` gives."""
    return UpLine(
        config=str(config or ""),
        data="" if data == DEFAULT_DATA else str(data),
        host=host,
        port=port,
        local=local,
        log_level=log_level,
        log_format=log_format,
    )
