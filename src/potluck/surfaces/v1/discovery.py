"""``/api/v1/discovery``: machines on the network, proposed to the owner and to nobody else."""

from __future__ import annotations

from potluck.core.audit import Event
from potluck.core.discovery import Grade, Proposal
from potluck.gateway.discovery.kept import AcceptedNode
from potluck.surfaces.v1.discovery_shapes import (
    AcceptedEngine,
    AcceptedInfo,
    AcceptRequest,
    DiscoveryReply,
    LookRequest,
    ProposalInfo,
    SeenEngine,
)
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339


async def read(exchange: Exchange) -> Reply:
    """What is known without looking again."""
    discovery = exchange.services.discovery
    ways = discovery.ways()
    return Reply(
        DiscoveryReply(
            proposals=[_proposal(each) for each in discovery.proposals()],
            nodes=[_accepted(exchange, each) for each in discovery.accepted()],
            mdns=ways.mdns,
            scan=list(ways.networks),
            scanned_at=rfc3339(ways.scanned_s) if ways.scanned_s else None,
        )
    )


async def look(exchange: Exchange, body: LookRequest) -> Reply:
    """A caller who leaves does not end the look everywhere: others may wait for it too."""
    if address := body.address.strip():
        await exchange.services.discovery.look_at(address)
    else:
        await exchange.services.discovery.look()
    return await read(exchange)


async def accept(exchange: Exchange, body: AcceptRequest) -> Reply:
    node = await exchange.services.discovery.accept(exchange.path["proposal"], body.name, body.slots)
    await exchange.tell(Event.NODE_ACCEPTED, node.name, address=node.address)
    return Reply(_accepted(exchange, node))


async def dismiss(exchange: Exchange) -> Reply:
    await exchange.services.discovery.dismiss(exchange.path["proposal"])
    return Reply(None)


async def forget(exchange: Exchange) -> Reply:
    await exchange.services.discovery.forget(exchange.path["node"])
    await exchange.tell(Event.NODE_FORGOTTEN, exchange.path["node"])
    return Reply(None)


def _proposal(each: Proposal) -> ProposalInfo:
    return ProposalInfo(
        id=each.id,
        state=each.state.value,
        address=each.address,
        name=each.name,
        node=each.node,
        identity=each.grade.value,
        machine=each.machine,
        agent_port=each.agent.port if each.agent is not None else None,
        engines=[SeenEngine(engine.kind, engine.port, list(engine.models), engine.version) for engine in each.engines],
        ways=sorted(way.value for way in each.ways),
        why=each.why,
        first_seen_at=rfc3339(each.first_s),
        last_seen_at=rfc3339(each.last_s),
    )


def _accepted(exchange: Exchange, node: AcceptedNode) -> AcceptedInfo:
    discovery = exchange.services.discovery
    grade = Grade.PROVEN if node.proven else Grade.CLAIMED if node.machine else Grade.WEAK
    return AcceptedInfo(
        name=node.name,
        address=node.address,
        engines=[AcceptedEngine(each.kind.value, each.port, each.slots) for each in node.engines],
        agent_port=node.agent_port,
        identity=grade.value,
        served=discovery.source(node.name) == "discovery",
        why=discovery.why(node.name),
        accepted_at=rfc3339(node.accepted_s),
    )
