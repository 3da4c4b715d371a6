"""``potluck nodes``: the machines and their engines; those that were found are in `cli.discovered`."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Annotated
from urllib.parse import quote

import typer

from potluck.cli import discovered, draining, drilling
from potluck.cli.client import Client, decoded
from potluck.cli.failure import USAGE, CliError, ServiceError
from potluck.cli.machines import machine_cells, silence
from potluck.cli.output import one_line, print_json, table, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.config.units import DURATION_HINT, Unfit, parse_duration
from potluck.core.meant import others
from potluck.surfaces.v1.fleet_shapes import DrainInfo, EngineInfo, NodeInfo, NodeList

NODES = "/api/v1/nodes"

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The node's name.", metavar="NODE")]

Wait = Annotated[bool, typer.Option("--wait", help="Wait until the node is empty.")]
Timeout = Annotated[
    str, typer.Option("--timeout", help="Wait no longer: 90s, 10m. Left out, for ever.", metavar="TIME")
]

# A service that has no such route says so in one of these ways.
_NO_ROUTE = (404, 405, 501)


@app.callback()
def nodes() -> None:
    """List, find, drain and resume nodes."""


discovered.add_to(app)


@app.command("ls")
def list_nodes(as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """List the nodes with their engines, and what their agents tell."""
    listed = Client(find(url, key, data)).get(NODES, NodeList)
    if as_json:
        print_json(listed.nodes)
    else:
        print(nodes_screen(listed.nodes, table_width()))


@app.command()
def drain(
    name: Name,
    wait: Wait = False,
    timeout: Timeout = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Give a node no new calls; those that run there end in peace, and its models are loaded elsewhere.

    It stays so, also over restarts of the service and of the node, until 'potluck nodes resume NODE'.
    """
    patience_s = _seconds(timeout)
    client = Client(find(url, key, data))
    drained = decoded(_change(client, name, "drain"), DrainInfo)
    if wait:
        drained = draining.until_empty(
            lambda: _drain_of(client, name),
            name,
            Progress(sys.stderr, sys.stderr.isatty(), terminal_width()),
            timeout_s=patience_s,
            clock=time.monotonic,
            sleep=time.sleep,
        )
    if as_json:
        print_json(drained)
    else:
        print(draining.told(name, drained, table_width()))
    if wait and not drained.empty:
        raise draining.not_empty(name)


@app.command()
def resume(name: Name, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Give a drained node calls again, at once."""
    _change(Client(find(url, key, data)), name, "resume")
    if as_json:
        print_json({"node": name, "drained": False})
    else:
        print(f"{name} takes calls again.")


def nodes_screen(nodes: Sequence[NodeInfo], width: int) -> str:
    """The engines; below them what is drained or in a drill, the machines, if any of them has an agent, and what is not
    from the file."""
    out = [draining.screen(nodes, width), drilling.screen(nodes)]
    parts = [nodes_table(nodes, width), *out, machines_table(nodes, width), sources(nodes)]
    return "\n\n".join(filter(None, parts))


def sources(nodes: Iterable[NodeInfo]) -> str:
    """Where nodes come from that are not configured, and what happened to addresses; empty if all is as configured."""
    words = {"discovery": "was discovered and accepted", "here": "runs on this machine, and is not configured"}
    told = [(node.id, f"{words[node.source]}. {node.why}" if node.source in words else node.why) for node in nodes]
    return "\n".join(one_line(f"{name}: {text}") for name, text in told if text)


def machines_table(nodes: Iterable[NodeInfo], width: int) -> str:
    """A row for each node with an agent; empty if there is none."""
    rows = [
        (node.id, *machine_cells(node.agent.reading), silence(node.agent.state, node.agent.silent_s, node.agent.why))
        for node in nodes
        if node.agent is not None
    ]
    return table(("NODE", "MEMORY LEFT", "CPU", "GPU", "TEMP", "DISK LEFT", "AGENT"), rows, width) if rows else ""


def nodes_table(nodes: Iterable[NodeInfo], width: int) -> str:
    """A row for each engine, what is wrong below it, or a sentence if there is none."""
    rows = [(node.id, *engine_cells(engine)) for node in nodes for engine in node.engines]
    if not rows:
        return "There is no node. Name some in potluck.yaml, or start without --no-local."
    return table(("NODE", "ENGINE", "HEALTH", "BUSY", "MODELS", "LOADED", "WHY"), rows, width)


def engine_cells(engine: EngineInfo) -> tuple[str, str, str, str, str, str]:
    """Engine, health, slots in use, models known, models loaded, and why the health is what it is."""
    wrong = [f"{child.model}: {child.why}" for child in engine.children if child.why]
    return (
        engine.id.partition("/")[2] or engine.id,
        engine.health,
        f"{engine.busy}/{engine.slots}",
        str(len(engine.models)),
        ", ".join(engine.resident) or "-",
        "; ".join(filter(None, [engine.why, *wrong])) or "-",
    )


def _seconds(timeout: str) -> float:
    try:
        return parse_duration(timeout) if timeout else math.inf
    except Unfit as error:
        raise CliError(f"'{timeout}' is not a time to wait.", hint=DURATION_HINT, code=USAGE) from error


def _drain_of(client: Client, name: str) -> DrainInfo | None:
    """How far a node is; None if it is drained no more."""
    return next((node.drain for node in client.get(NODES, NodeList).nodes if node.id == name), None)


def _change(client: Client, name: str, action: str) -> bytes:
    known = [node.id for node in client.get(NODES, NodeList).nodes]
    if name not in known:
        raise CliError(f"There is no node '{name}'.", hint=others(name, known))
    try:
        return client.raw("POST", f"{NODES}/{quote(name, safe='')}/{action}", body={})
    except ServiceError as error:
        if error.status in _NO_ROUTE:
            raise CliError(f"This service cannot {action} nodes yet.", hint="A later release can.") from error
        raise
