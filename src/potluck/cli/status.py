"""``potluck status``: what runs now, on one screen, once or live."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from potluck.cli import lazy
from potluck.cli.client import Client
from potluck.cli.dashboard import Picture, screen
from potluck.cli.output import print_json, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.fleet_shapes import NodeList, StatusReply
from potluck.surfaces.v1.request_shapes import QueueReply

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show it live on a terminal, until Ctrl-C.")]
Every = Annotated[
    float, typer.Option("--every", help="Look again so many seconds later.", metavar="SECONDS", min=0.2, max=3600.0)
]


@app.command()
def status(
    watch: Watch = False,
    every: Every = 2.0,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Show the machines, what runs on them, and who waits.

    A node's line says how it is, slots in use, memory, graphics and temperature as its agent tells, and the models in
    memory with the tokens a second that were learned of each; a star marks those that are pinned. Into a pipe, or as
    JSON, it is shown once.
    """
    client = Client(find(url, key, data))
    if as_json:
        print_json(look(client).plain())
    elif watch and sys.stdout.isatty():
        lazy.live().run(lambda width: screen(look(client), width), every_s=every, sleep=time.sleep)
    else:
        print(screen(look(client), table_width()))


def look(client: Client) -> Picture:
    """The service now. Three small requests: the queue only if somebody waits."""
    now = client.get("/api/v1/status", StatusReply)
    nodes = client.get("/api/v1/nodes", NodeList).nodes
    line = client.get("/api/v1/queue", QueueReply) if now.waiting else QueueReply(0, [])
    return Picture(client.service.url, now, nodes, line.calls, line.users)
