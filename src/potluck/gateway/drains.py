"""Nodes that their owner wants empty: kept in the settings, and how far each has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from potluck.core.errors import NotFound
from potluck.core.meant import others
from potluck.core.model import Json, NodeId
from potluck.core.scheduling.residency import Move
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet
from potluck.storage.ports import SettingsStore

log = structlog.get_logger(__name__)

SETTING: Final = "drains"


class _Kept(msgspec.Struct):
    node: str
    since_s: float


@dataclass(frozen=True, slots=True)
class Draining:
    """One node on its way to being empty. ``since_s`` is Unix seconds; ``running`` of our calls are on it yet."""

    node: NodeId
    since_s: float
    running: int
    moves: Sequence[Move]

    @property
    def empty(self) -> bool:
        """Nothing of ours runs there, and what could be moved has been."""
        return not self.running and not any(move.under_way for move in self.moves)


class Drains:
    """Owns which nodes are drained. A change is written before it holds. ``clock`` is Unix seconds."""

    def __init__(self, store: SettingsStore, fleet: Fleet, dispatcher: Dispatcher, clock: Callable[[], float]) -> None:
        self._store = store
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._clock = clock
        self._turn = asyncio.Lock()
        self._since_s: Mapping[NodeId, float] = {}

    async def read(self) -> None:
        """Take what is stored, before the fleet is looked at. What cannot be read drains nothing."""
        try:
            kept = msgspec.convert(await self._store.get(SETTING) or [], list[_Kept])
        except msgspec.ValidationError:
            log.warning("the drained nodes cannot be read", setting=SETTING)
            return
        self._since_s = {NodeId(each.node): each.since_s for each in kept}
        for node in self._since_s:
            self._fleet.drain(node)

    async def drain(self, name: str) -> Draining:
        """Let nothing new start on a node. One that is drained stays so. Raises `NotFound`."""
        node = self._known(name)
        async with self._turn:
            if node not in self._since_s:
                await self._write({**self._since_s, node: self._clock()})
                log.info("node is drained", node=node)
                self._fleet.drain(node)
            return self._draining(node)

    async def resume(self, name: str) -> None:
        """Let a node serve again, at once. Raises `NotFound`."""
        node = NodeId(name) if name in self._since_s else self._known(name)
        async with self._turn:
            if node not in self._since_s:
                return
            await self._write({each: since_s for each, since_s in self._since_s.items() if each != node})
            log.info("node is resumed", node=node)
            self._fleet.resume(node)
        for engine in self._fleet.engines_of(node):
            self._fleet.look_now(engine.id)

    def draining(self, name: str) -> Draining | None:
        """How far a node has come; None for one that is not drained."""
        return self._draining(NodeId(name)) if name in self._since_s else None

    def _draining(self, node: NodeId) -> Draining:
        running = sum(engine.busy for engine in self._fleet.snapshot() if engine.node == node)
        return Draining(node, self._since_s[node], running, self._dispatcher.moves(node))

    def _known(self, name: str) -> NodeId:
        nodes = dict.fromkeys(engine.node for engine in self._fleet.engines.values())
        if name in nodes:
            return NodeId(name)
        raise NotFound(f"There is no node '{name}' with an engine.", hint=others(name, nodes))

    async def _write(self, since_s: Mapping[NodeId, float]) -> None:
        kept: list[Json] = [{"node": str(node), "since_s": each} for node, each in since_s.items()]
        await self._store.set(SETTING, kept, self._clock())
        self._since_s = since_s
