"""``potluck nodes discover|accept|dismiss|forget|export``: machines that were found, for the owner to take or leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import typer
import yaml

from potluck.cli.client import Client
from potluck.cli.output import one_line, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.discovery_shapes import AcceptedInfo, DiscoveryReply, ProposalInfo

DISCOVERY = "/api/v1/discovery"

# The answer waits for the look; the largest networks take minutes.
Proposal = Annotated[str, typer.Argument(help="The id that 'potluck nodes discover' prints.", metavar="ID")]
Name = Annotated[str, typer.Argument(help="The node's name.", metavar="NODE")]
NewName = Annotated[str, typer.Option("--name", help="What to call it, instead of the proposed name.", metavar="NAME")]
Slots = Annotated[int, typer.Option("--slots", help="How many generations each engine runs at once; 0: it tells.")]
Everything = Annotated[bool, typer.Option("--all", help="Also list what is known or dismissed.")]
At = Annotated[str, typer.Option("--at", help="Look at this address alone.", metavar="ADDRESS")]
Fast = Annotated[bool, typer.Option("--no-look", help="Print what was seen last, without looking again.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands of ``app``."""
    for command in (discover, accept, dismiss, forget, export):
        app.command()(command)


def discover(
    everything: Everything = False,
    no_look: Fast = False,
    at: At = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Look for machines now, and list those that are not nodes yet."""
    client = Client(find(url, key, data))
    if no_look and not at:
        reply = client.get(DISCOVERY, DiscoveryReply)
    else:
        reply = client.call("POST", DISCOVERY, DiscoveryReply, body={"address": at} if at else None, patient=True)
    if as_json:
        print_json(reply)
    else:
        print(screen(reply, table_width(), everything=everything))


def accept(
    proposal: Proposal,
    name: NewName = "",
    slots: Slots = 0,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Serve a machine that was found, from now on."""
    body = {"name": name, **({"slots": slots} if slots else {})}
    path = f"{DISCOVERY}/{quote(proposal, safe='')}/accept"
    node = Client(find(url, key, data)).call("POST", path, AcceptedInfo, body=body)
    print(one_line(f"{node.name} at {node.address} is a node now."))


def dismiss(proposal: Proposal, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Propose a machine no more."""
    Client(find(url, key, data)).raw("POST", f"{DISCOVERY}/{quote(proposal, safe='')}/dismiss", body={})
    print(one_line(f"{proposal} will not be proposed again."))


def forget(name: Name, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Serve an accepted node no more."""
    Client(find(url, key, data)).raw("DELETE", f"{DISCOVERY}/nodes/{quote(name, safe='')}")
    print(one_line(f"{name} is forgotten."))


def export(url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Print accepted nodes as they stand in potluck.yaml."""
    print(as_yaml(Client(find(url, key, data)).get(DISCOVERY, DiscoveryReply).nodes), end="")


def screen(reply: DiscoveryReply, width: int, *, everything: bool) -> str:
    """What was found, what each of it is, and what can be done."""
    shown = [each for each in reply.proposals if everything or each.state in ("new", "moved")]
    lines = [proposals_table(shown, width)] if shown else ["Nothing new was found."]
    lines += [one_line(f"{each.id}: {each.why}") for each in shown if each.why]
    if shown:
        lines.append("'potluck nodes accept ID' takes one in, 'potluck nodes dismiss ID' leaves it out.")
    elsewhere = [*(["mDNS"] if reply.mdns else []), *reply.scan]
    lines.append(f"Looked on this machine{''.join(f', {place}' for place in elsewhere)}.")
    if not elsewhere:
        lines.append("To look further, set discovery.mdns or discovery.scan in potluck.yaml.")
    return "\n".join(lines)


def proposals_table(proposals: Sequence[ProposalInfo], width: int) -> str:
    rows = [
        (
            each.id,
            each.state,
            each.address,
            each.node or each.name,
            ", ".join([*(f"{engine.kind}:{engine.port}" for engine in each.engines), *_agent(each)]) or "-",
            str(len({model for engine in each.engines for model in engine.models})),
            each.identity,
        )
        for each in proposals
    ]
    return table(("ID", "STATE", "ADDRESS", "NAME", "ANSWERS", "MODELS", "IDENTITY"), rows, width)


def _agent(each: ProposalInfo) -> list[str]:
    return [] if each.agent_port is None else [f"agent:{each.agent_port}"]


def as_yaml(nodes: Sequence[AcceptedInfo]) -> str:
    """A ``nodes`` section; the agents' key is not shown, but where it goes is."""
    if not nodes:
        return "# No node was accepted.\n"
    section = yaml.safe_dump({"nodes": {node.name: _node(node) for node in nodes}}, sort_keys=False)
    keyed = [node.name for node in nodes if node.identity == "proven"]
    told = f'# {", ".join(keyed)}: the agent wants a key; write agent: {{api_key: "file:PATH"}}.\n' if keyed else ""
    return told + section


def _node(node: AcceptedInfo) -> dict[str, Any]:
    engines = [
        {"kind": each.kind, "port": each.port, **({"slots": each.slots} if each.slots else {})} for each in node.engines
    ]
    agent = {} if node.agent_port is None or node.identity == "weak" else {"agent": {"port": node.agent_port}}
    return {"address": node.address, **agent, "engines": engines}
