"""``potluck queue``: who waits for a slot, where they stand, and for how long yet."""

from __future__ import annotations

import sys
import time

import typer

from potluck.cli import lazy
from potluck.cli.client import Client
from potluck.cli.dashboard import Picture, queue_screen
from potluck.cli.output import print_json, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.cli.status import Every, Watch, look
from potluck.surfaces.v1.request_shapes import QueueReply

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# More than anybody reads; JSON has them all.
_SHOWN = 200


@app.command()
def queue(
    watch: Watch = False,
    every: Every = 2.0,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Show the calls in line.

    Whose they are, where they stand, and when they start by estimate. Calls go by class, and within a class the
    user goes first who had the least machine time. Owners and admins see everybody's, others only their own, each with
    its place among all.
    """
    client = Client(find(url, key, data))
    if as_json:
        print_json(client.get("/api/v1/queue", QueueReply))
    elif watch and sys.stdout.isatty():
        lazy.live().run(lambda width: _screen(look(client), width), every_s=every, sleep=time.sleep)
    else:
        print(_screen(look(client), table_width()))


def _screen(picture: Picture, width: int) -> str:
    return queue_screen(picture, width, _SHOWN, ids=True) or "Nobody waits."
