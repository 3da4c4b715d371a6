"""``potluck agent``: what this machine has left, told to a gateway elsewhere."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from potluck.agent.main import reader
from potluck.agent.options import (
    DEFAULT_HOST,
    DEFAULT_INTERVAL_S,
    DEFAULT_PORT,
    KEY_VARIABLE,
    LONGEST_INTERVAL_S,
    SHORTEST_INTERVAL_S,
    AgentOptions,
)
from potluck.agent.sampler import FIRST_PAUSE_S
from potluck.cli import agenting
from potluck.cli.agentline import folders
from potluck.cli.failure import USAGE, CliError
from potluck.cli.machines import reading_text
from potluck.cli.output import print_json
from potluck.cli.quick import PORTS
from potluck.cli.service import AsJson

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def agent(
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; any but this machine's own needs a key.")
    ] = DEFAULT_HOST,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=PORTS.start,
            max=PORTS.stop - 1,
            help="The port to listen on; 0 takes any free one.",
            metavar="PORT",
        ),
    ] = DEFAULT_PORT,
    interval: Annotated[
        float,
        typer.Option(
            "--interval",
            min=SHORTEST_INTERVAL_S,
            max=LONGEST_INTERVAL_S,
            help="Seconds between two readings.",
            metavar="SECONDS",
        ),
    ] = DEFAULT_INTERVAL_S,
    key_file: Annotated[
        str,
        typer.Option(
            "--key-file",
            help=f"A file with the key that readers must show; or set {KEY_VARIABLE} to the key.",
            metavar="FILE",
        ),
    ] = "",
    disks: Annotated[
        str,
        typer.Option(
            "--disks",
            help="Folders on the disks to tell of, separated by ':'; left out, where engines usually keep models.",
            metavar="DIRS",
        ),
    ] = "",
    announce: Annotated[
        bool, typer.Option("--announce", help="Make it known on the network by multicast DNS; it takes some 6 MB more.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Print one reading and leave.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a gateway what this machine has left.

    Prints one line, 'agent ready http://HOST:PORT', when it answers; SIGTERM or Ctrl-C ends it. A reading is at
    /reading as JSON and at /metrics for Prometheus.
    """
    if once:
        _print_once(folders(disks), as_json=as_json)
        return
    if as_json:
        raise CliError("--json belongs to --once.", hint="A running agent has its JSON at /reading.", code=USAGE)
    sys.exit(agenting.run(AgentOptions(host, port, interval, key_file, folders(disks), announce)))


def _print_once(disks: tuple[str, ...], *, as_json: bool) -> None:
    """Two looks: a load is what happened between them."""
    looking = reader(disks, os.environ)
    looking.read()
    time.sleep(FIRST_PAUSE_S)
    reading = looking.read()
    if as_json:
        print_json(reading)
    else:
        print(reading_text(reading))
