"""The whole service in this process, on a loopback port, with fake engines of every kind behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from potluck.app.running import App, running
from potluck.config.model import Config, EngineConfig, LocalConfig, NodeConfig, PortalConfig, RouteConfig
from potluck.core.model import EngineKind, ModelId, NodeId
from potluck.storage.datadir import open_datadir, read_owner_key
from potluck_fake_engine.testing import FakeEngine
from potluck_fake_engine.testing import running as running_fake
from tests.matrix.http import Client

ALL = "completion+tools+vision+insert+embedding"

KINDS = ("ollama", "llamacpp", "openai")
"""Every kind of engine that others run; each has a node of that name in the usual world."""

PAIRS = {
    name: RouteConfig(name, (ModelId(f"m-{kind}"),), order=(NodeId(f"{kind}-1"), NodeId(f"{kind}-2")))
    for kind, name in ((kind, f"pair-{kind}") for kind in KINDS)
}
"""A route for each kind of engine to its model on two nodes, the first one as long as it is well."""


@dataclass(frozen=True)
class EngineSpec:
    """A fake engine to start on a node: ``models`` as on the fake's command line, ``settings`` of the fake."""

    node: str
    kind: str
    models: tuple[str, ...]
    settings: Mapping[str, Any]
    slots: int | None = None


def engine(node: str, kind: str, *models: str, slots: int | None = None, **settings: Any) -> EngineSpec:
    return EngineSpec(node, kind, models, settings, slots)


@dataclass
class World:
    app: App
    client: Client
    engines: dict[str, FakeEngine]
    data: Path

    def busy(self) -> int:
        """Slots that we count as in use."""
        return sum(engine.busy for engine in self.app.fleet.snapshot())

    async def story(self, request_id: str) -> Any:
        """The record of a call, as its API tells it."""
        reply = await self.client.get(f"/api/v1/requests/{request_id}")
        assert reply.status == 200, reply.body
        return reply.json


@asynccontextmanager
async def world(
    folder: Path,
    *specs: EngineSpec,
    routes: Mapping[str, RouteConfig] | None = None,
    change: Callable[[Config], Config] = lambda config: config,
) -> AsyncGenerator[World]:
    async with AsyncExitStack() as stack:
        fakes = {
            spec.node: await stack.enter_async_context(running_fake(*spec.models, dialect=spec.kind, **spec.settings))
            for spec in specs
        }
        nodes = {NodeId(spec.node): _node(spec, fakes[spec.node]) for spec in specs}
        # Titles are calls of their own: they would meet the faults that are meant for the calls of tests.
        config = Config(
            source=folder / "potluck.yaml",
            nodes=nodes,
            routes=routes or {},
            local=LocalConfig(enabled=False),
            portal=PortalConfig(titles=False),
        )
        config = change(config)
        data = open_datadir(folder / "data")
        app = await stack.enter_async_context(running(config, data, lambda: config))
        server = await asyncio.get_running_loop().create_server(app.relay.connection, "127.0.0.1", 0)
        stack.callback(server.close)
        host, port = server.sockets[0].getsockname()[:2]
        key = read_owner_key(data)
        assert key
        yield World(app, Client(host, port, key), fakes, data.root)
        await settled(lambda: not app.relay.exchanges)


def _node(spec: EngineSpec, fake: FakeEngine) -> NodeConfig:
    node = NodeId(spec.node)
    served = EngineConfig(node, EngineKind(spec.kind), fake.host, fake.port, slots=spec.slots)
    return NodeConfig(node, "127.0.0.1", engines=(served,))


def limited(**limits: Any) -> Callable[[Config], Config]:
    """A change of a config's limits."""
    return lambda config: replace(config, limits=replace(config.limits, **limits))


async def settled(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something is so. The bound is for slow machines: what does not happen, does not for minutes.

    Raises `TimeoutError`.
    """
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.002)


def last_call(fake: FakeEngine) -> bytes:
    """The body of the last request that was no look at the engine."""
    return next(one.body for one in reversed(fake.requests) if one.method == "POST" and one.path != "/api/show")
