"""``potluck status``: what runs now, on one screen."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from potluck.cli.client import Client
from potluck.cli.nodes import nodes_screen
from potluck.cli.output import duration, print_json, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.shapes import NodeInfo, NodeList, StatusReply

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def status(as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Show engines, models and what runs now."""
    client = Client(find(url, key, data))
    now = client.get("/api/v1/status", StatusReply)
    nodes = client.get("/api/v1/nodes", NodeList).nodes
    if as_json:
        print_json({"url": client.service.url, "status": now, "nodes": nodes})
    else:
        print(screen(client.service.url, now, nodes, table_width()))


def screen(url: str, now: StatusReply, nodes: Sequence[NodeInfo], width: int) -> str:
    """The whole picture in at most ``width`` columns."""
    lines = [
        f"Potluck {now.version} at {url}, up for {duration(now.uptime_s)}",
        f"Engines {now.engines_up} of {now.engines} up   Models {now.models}   "
        f"Slots {now.busy} of {now.slots} busy   Waiting {now.waiting}",
        "",
        nodes_screen(nodes, width),
    ]
    return "\n".join(lines)
