"""``potluck reload``: the running service reads its configuration again, if that is sound."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
import typer

from potluck.cli.check import ConfigFile, failed, line
from potluck.cli.client import Client
from potluck.cli.failure import FAILED, CliError, ServiceError
from potluck.cli.output import note
from potluck.cli.places import DEFAULT_DATA, config_file
from potluck.cli.service import Data, Key, Url, find
from potluck.config.load import check

RELOAD = "/api/v1/reload"

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# A service that has no such route says so in one of these ways.
_NO_ROUTE = (404, 405, 501)


class ReloadReply(msgspec.Struct):
    """``changed`` names the sections that are different now, ``restart`` those that need one."""

    changed: list[str] = []
    restart: list[str] = []


@app.command()
def reload(
    config: ConfigFile = None,
    force: Annotated[bool, typer.Option("--no-check", help="Let the service alone judge the file.")] = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Make the running service read its configuration again.

    The file is checked first; with an error in it nothing is asked of the service, which keeps what it has.
    """
    client = Client(find(url, key, data))
    problems = [] if force else check(config_file(config), os.environ)
    for problem in problems:
        note(line(problem))
    if failed(problems):
        raise typer.Exit(FAILED)
    try:
        reply = client.call("POST", RELOAD, ReloadReply, body={})
    except ServiceError as error:
        if error.status in _NO_ROUTE:
            raise CliError(
                "This service cannot reload its configuration yet.", hint="Restart it: stop 'potluck up', start it."
            ) from error
        raise
    print(f"Reloaded. Changed: {', '.join(reply.changed) or 'nothing'}.")
    if reply.restart:
        note(f"After a restart only: {', '.join(reply.restart)}.")
