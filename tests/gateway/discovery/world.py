"""Discovery on this machine's loopback, whose addresses stand for the machines of a house."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from potluck.backends.port import Address, EngineHttp
from potluck.config.model import NodeConfig
from potluck.config.secret import Secret
from potluck.core.discovery import Proposal
from potluck.core.model import Json, NodeId
from potluck.gateway.discovery.discovery import Discovery, Surroundings, Where
from potluck.gateway.discovery.kept import Kept, node_configs
from potluck.gateway.discovery.mdns import Announced
from potluck.gateway.discovery.probing import LONGEST_BYTES, Prober
from potluck.gateway.relay.asking import PooledEngine
from potluck.gateway.relay.pools import Pools
from potluck.gateway.tasks import Tasks

KEY = "0123456789abcdef0123456789abcdef"
NETWORK = "127.0.0.0/29"
NOWHERE = "127.0.0.200"
"""In place of this machine's own address, where other programs may run."""


class MemorySettings:
    def __init__(self) -> None:
        self.values: dict[str, Json] = {}
        self.writes = 0

    async def get(self, name: str) -> Json:
        return self.values.get(name)

    async def set(self, name: str, value: Json, now: float) -> None:
        self.writes += 1
        self.values[name] = value

    async def all(self) -> Mapping[str, Json]:
        return self.values


@dataclass
class FakeBrowser:
    """Announces what a test says."""

    services: list[Announced] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[FakeBrowser]:
        if self.refuses:
            self.refuses -= 1
            raise OSError("Network is unreachable")
        yield self

    async def announced(self) -> list[Announced]:
        return self.services


@dataclass
class House:
    """``nodes`` are the file's; ``changes`` counts how often what is served was said to differ."""

    ports: tuple[tuple[str, int], ...]
    tasks: Tasks
    pools: Pools
    store: MemorySettings
    nodes: dict[NodeId, NodeConfig] = field(default_factory=dict)
    browser: FakeBrowser | None = None
    networks: tuple[str, ...] = (NETWORK,)
    key: str = KEY
    changes: int = 0
    discovery: Any = None

    async def open(self) -> Discovery:
        """As at a start: what is stored is read again."""
        kept = Kept(self.store, time.time)
        await kept.read()
        numbers = itertools.count(1)

        def http(address: Address) -> EngineHttp:
            return PooledEngine(self.pools, address, None, longest_bytes=LONGEST_BYTES)  # type: ignore[arg-type]

        def changed() -> None:
            self.changes += 1

        def serving() -> Sequence[NodeConfig]:
            accepted = node_configs(kept.accepted.values(), Secret(self.key))
            return (*self.nodes.values(), *(node for node in accepted if node.id not in self.nodes))

        self.discovery = Discovery(
            where=Where(self.networks, self.ports, lambda address: address.is_loopback, here=NOWHERE),
            kept=kept,
            prober=Prober(http, self.key, lambda: f"{next(numbers):032x}"),
            browser=self.browser,
            around=Surroundings(
                nodes=serving,
                configured=lambda: self.nodes.keys(),
                taken=lambda: {node.id for node in serving()},
                machines=tuple,
                changed=changed,
            ),
            tasks=self.tasks,
            clock=time.time,
        )
        return self.discovery

    async def look(self) -> list[Proposal]:
        await self.discovery.look()
        return list(self.discovery.proposals())


@asynccontextmanager
async def house(*ports: tuple[str, int], **more: Any) -> AsyncGenerator[House]:
    pools = Pools(time.monotonic)
    async with Tasks() as tasks:
        made = House(ports, tasks, pools, MemorySettings(), **more)
        await made.open()
        yield made
    pools.close()


def address(number: int) -> str:
    return str(ipaddress.ip_address("127.0.0.0") + number)
