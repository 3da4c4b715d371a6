"""``potluck status``: what runs now, on one screen."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from potluck.cli.client import Client
from potluck.cli.nodes import nodes_screen
from potluck.cli.output import duration, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.shapes import NodeInfo, NodeList, QueuedInfo, QueueReply, StatusReply

# Of a long line its head tells enough.
_SHOWN = 10

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def status(as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Show engines, models and what runs now."""
    client = Client(find(url, key, data))
    now = client.get("/api/v1/status", StatusReply)
    nodes = client.get("/api/v1/nodes", NodeList).nodes
    calls = client.get("/api/v1/queue", QueueReply).calls if now.waiting else []
    if as_json:
        print_json({"url": client.service.url, "status": now, "nodes": nodes, "queue": calls})
    else:
        print(screen(client.service.url, now, nodes, calls, table_width()))


def screen(url: str, now: StatusReply, nodes: Sequence[NodeInfo], calls: Sequence[QueuedInfo], width: int) -> str:
    """The whole picture in at most ``width`` columns."""
    lines = [
        f"Potluck {now.version} at {url}, up for {duration(now.uptime_s)}",
        f"Engines {now.engines_up} of {now.engines} up   Models {now.models}   "
        f"Slots {now.busy} of {now.slots} busy   Waiting {now.waiting}"
        f"{f'   Drained {len(now.drained)}' if now.drained else ''}",
        "",
    ]
    if calls:
        rows = [
            (str(each.position), each.kind, each.model, duration(each.waited_s), duration(each.eta_s), each.id)
            for each in calls[:_SHOWN]
        ]
        lines += [table(("NEXT", "CLASS", "MODEL", "WAITED", "STARTS IN", "CALL"), rows, width), ""]
    return "\n".join([*lines, nodes_screen(nodes, width)])
