"""The nodes that are served, as discovery compares them with what it sees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from potluck.config.model import EngineConfig, NodeConfig
from potluck.core.addresses import read_address
from potluck.core.discovery import KnownNode
from potluck.core.model import NodeId
from potluck.gateway.discovery.kept import AcceptedNode
from potluck.gateway.machines import Machine

# A resolver that takes longer is not there; the names are looked up again with the next look.
_RESOLVE_S: Final = 2.0


async def resolved(nodes: Iterable[NodeConfig]) -> Mapping[str, tuple[str, ...]]:
    """The addresses behind the host names that the file has."""
    hosts = {host for node in nodes for host in _hosts(node) if read_address(host) is None}
    loop = asyncio.get_running_loop()

    async def resolve(host: str) -> tuple[str, ...]:
        with contextlib.suppress(OSError, TimeoutError, UnicodeError):
            async with asyncio.timeout(_RESOLVE_S):
                return tuple(dict.fromkeys(str(each[4][0]) for each in await loop.getaddrinfo(host, None)))
        return ()

    return dict(zip(hosts, await asyncio.gather(*map(resolve, hosts)), strict=True))


def known_nodes(
    nodes: Iterable[NodeConfig],
    accepted: Mapping[str, AcceptedNode],
    machines: Sequence[Machine],
    names: Mapping[str, tuple[str, ...]],
    own: Callable[[str], bool],
    loopback: str,
) -> tuple[KnownNode, ...]:
    """``nodes`` are all that are served; ``accepted`` those of them that were discovered; ``names`` resolved hosts.

    This machine, which is asked at ``loopback``, may be named by any of its ``own`` addresses.
    """
    told = {each.known.node: each.reading.identity.machine for each in machines if each.reading is not None}

    def behind(host: str) -> tuple[str, ...]:
        addresses = names.get(host, (host,))
        return (*addresses, loopback) if any(map(own, addresses)) else addresses

    return tuple(_known(node, accepted.get(node.id), told.get(node.id, ""), behind) for node in nodes)


def _known(
    node: NodeConfig, accepted: AcceptedNode | None, machine: str, behind: Callable[[str], tuple[str, ...]]
) -> KnownNode:
    # Potluck listens to what an accepted node's agent said when it was accepted, not to what it says now.
    return KnownNode(
        name=node.id,
        addresses=frozenset(address for host in _hosts(node) for address in behind(host)),
        places=frozenset((address, engine.port) for engine in node.engines for address in behind(engine.host)),
        machine=accepted.machine if accepted is not None else machine,
        fingerprint=accepted.fingerprint if accepted is not None else "",
        accepted=accepted is not None,
    )


def _hosts(node: NodeConfig) -> set[str]:
    return {host for host in (node.address, *(engine.host for engine in node.engines)) if host}


def here(engines: Sequence[EngineConfig]) -> tuple[NodeConfig, ...]:
    """This machine's engines that are served without anybody's having said so, as a node."""
    nodes = dict.fromkeys(engine.node for engine in engines)
    return tuple(
        NodeConfig(NodeId(node), engines[0].host, engines=tuple(each for each in engines if each.node == node))
        for node in nodes
    )
