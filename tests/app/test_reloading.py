"""Nodes that were discovered are served beside the file's: at once, at a new address, until they are forgotten."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from potluck.app.installation import Installer
from potluck.app.reloading import Reloader, with_nodes
from potluck.backends.streaming import Streaming
from potluck.config.model import (
    AgentConfig,
    ClassConfig,
    Config,
    DiscoveryConfig,
    EngineConfig,
    GenerationsConfig,
    LimitsConfig,
    NodeConfig,
    QueueConfig,
    RescueConfig,
    ServerConfig,
    UsageConfig,
)
from potluck.config.secret import Secret
from potluck.core.errors import BadRequest
from potluck.core.limits import Limits as Allowed
from potluck.core.limits import Rules
from potluck.core.model import EngineId, EngineKind, Health, NodeId
from potluck.core.scheduling.classes import Kind, Limits
from potluck.gateway.agents import AgentWatch
from potluck.gateway.fleet import Fleet
from potluck.gateway.relay.pools import Pools
from potluck.gateway.tasks import Tasks
from potluck.gateway.watch import Watch
from potluck.storage.datadir import open_datadir
from potluck_fake_engine.testing import running

BOX = NodeId("box")


def node(host: str, port: int, name: NodeId = BOX) -> NodeConfig:
    return NodeConfig(name, host, engines=(EngineConfig(name, EngineKind.OLLAMA, host, port, api_key=Secret("k")),))


def test_a_node_of_the_file_wins() -> None:
    file = Config(nodes={BOX: node("10.0.0.1", 1)})
    other = NodeId("other")
    merged = with_nodes(file, [node("10.0.0.2", 2), node("10.0.0.3", 3, other)])
    assert {name: each.address for name, each in merged.nodes.items()} == {BOX: "10.0.0.1", other: "10.0.0.3"}
    assert with_nodes(file, []) is file


async def test_limits_names_and_where_is_looked_change_at_once(tmp_path: Path) -> None:
    read = Config()
    limits: list[tuple[int, Limits]] = []
    looks: list[DiscoveryConfig] = []
    pools = Pools(time.monotonic)
    async with Tasks() as tasks:
        fleet = Fleet((), {}, clock=time.monotonic, interval_s=3600)
        keys: list[Secret | None] = []

        def discovered(agent_key: Secret | None) -> list[NodeConfig]:
            keys.append(agent_key)
            return []

        reloader = Reloader(
            read,
            lambda: read,
            installer=Installer(read, open_datadir(tmp_path), pools, Streaming(), NodeId("here")),
            fleet=fleet,
            watch=Watch(fleet, time.monotonic, tasks),
            agents=AgentWatch(fleet.machines, tasks, 3600),
            limit=lambda depth, by_class: limits.append((depth, by_class[Kind.BATCH])),
            discovered=discovered,
        )
        reloader.relook = looks.append
        bound: list[Config] = []
        reloader.bound = bound.append
        assert reloader.reload() == {}
        assert (limits, looks) == ([], [])
        read = Config(queue=QueueConfig(depth=7), classes={Kind.BATCH: ClassConfig(running=2)})
        assert reloader.reload() == {"queue": True, "classes": True}
        assert [(depth, batch.most_running) for depth, batch in limits] == [(7, 2)]
        key = Secret("house")
        read = replace(read, discovery=DiscoveryConfig(mdns=True, scan=("10.0.0.0/24",), agent_key=key))
        assert reloader.reload() == {"discovery": True}
        assert (looks, keys[-1]) == ([read.discovery], key)
        read = replace(read, aliases={"gpt": "auto"}, server=ServerConfig(port=1))
        assert reloader.reload() == {"aliases": True, "server": False}
        assert fleet.catalogue.chooses("gpt")
        rules: list[Rules] = []
        reloader.allow = rules.append
        wanted = Rules(default=Allowed(requests_per_day=5))
        read = replace(read, limits=LimitsConfig(rules=wanted))
        assert reloader.reload() == {"limits": True}
        assert rules == [wanted]
        read = replace(read, limits=LimitsConfig(max_body_bytes=5, rules=wanted))
        assert reloader.reload() == {"limits": False}
        assert (len(limits), len(looks), bound) == (1, 1, [])
        read = replace(read, rescue=RescueConfig(attempts=7), generations=GenerationsConfig(alone_s=1))
        assert reloader.reload() == {"rescue": True, "generations": True}
        assert bound == [read]
        kept: list[UsageConfig] = []
        reloader.keep = kept.append
        read = replace(read, usage=UsageConfig(keep_s=86_400.0))
        assert reloader.reload() == {"usage": True}
        assert kept == [read.usage]
        limits.clear()
        reloader.say({"queue.depth": 3})
        assert ([depth for depth, _ in limits], reloader.config.queue.depth) == ([3], 3)
        read = replace(read, queue=QueueConfig(depth=11))
        assert reloader.reload() == {}  # what was changed goes before the file
        with pytest.raises(BadRequest):
            reloader.say({"queue.depth": 0})
        assert reloader.config.queue.depth == 3
        reloader.say({})
        assert reloader.config.queue.depth == 11
    pools.close()


async def test_a_discovered_node_comes_moves_and_goes(tmp_path: Path) -> None:
    found: list[NodeConfig] = []
    pools = Pools(time.monotonic)
    async with (
        running("first", dialect="ollama", host="127.0.0.2") as one,
        running("second", dialect="ollama", host="127.0.0.3", port=one.port),
        Tasks() as tasks,
    ):
        # An hour between looks: what is seen sooner was looked at because something changed.
        fleet = Fleet((), {}, clock=time.monotonic, interval_s=3600)
        watch = Watch(fleet, time.monotonic, tasks)
        installer = Installer(Config(), open_datadir(tmp_path), pools, Streaming(), NodeId("here"))
        reloader = Reloader(
            Config(),
            Config,
            installer=installer,
            fleet=fleet,
            watch=watch,
            agents=AgentWatch(fleet.machines, tasks, 3600),
            limit=lambda depth, limits: None,
            discovered=lambda agent_key: found,
        )
        engine = EngineId(f"box/ollama:{one.port}")

        async def serves(model: str) -> None:
            async with asyncio.timeout(20):
                while [*fleet.engines[engine].models] != [model]:
                    await asyncio.sleep(0.01)
            assert fleet.engines[engine].health is Health.UP

        for host, model in (("127.0.0.2", "first:latest"), ("127.0.0.3", "second:latest")):
            found[:] = [node(host, one.port)]
            reloader.discovered()
            await serves(model)
        assert reloader.reload() == {}, "what was accepted is no change of the file"
        assert (set(reloader.config.nodes), set(reloader.configured)) == ({BOX}, set())
        found[:] = [NodeConfig(BOX, "127.0.0.3", agent=AgentConfig("127.0.0.3", one.port))]
        reloader.discovered()
        assert (fleet.engines, [*fleet.machines.agents()]) == ({}, [BOX])
        found.clear()
        reloader.discovered()
        assert [*fleet.machines.agents()] == []
    pools.close()
