"""What discovery keeps in the settings: nodes that the owner accepted, dismissals, and what was seen last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import msgspec
import structlog

from potluck.config.model import AgentConfig, EngineConfig, NodeConfig
from potluck.config.secret import Secret
from potluck.core.discovery import Book, Place, Sighting
from potluck.core.errors import Conflict
from potluck.core.model import EngineKind, NodeId
from potluck.storage.ports import SettingsStore

T = TypeVar("T")

log = structlog.get_logger(__name__)

ACCEPTED: Final = "discovery.accepted"
DISMISSED: Final = "discovery.dismissed"
SEEN: Final = "discovery.seen"


class KeptEngine(msgspec.Struct, frozen=True):
    kind: EngineKind
    port: int
    slots: int | None = None


class AcceptedNode(msgspec.Struct, frozen=True):
    """A node that the owner accepted. ``proven``: its agent showed that it has the key of the house.

    ``before`` is the address that it was followed from, at ``followed_s``; times are Unix seconds.
    """

    name: str
    address: str
    engines: tuple[KeptEngine, ...]
    agent_port: int | None = None
    machine: str = ""
    proven: bool = False
    fingerprint: str = ""
    accepted_s: float = 0.0
    before: str = ""
    followed_s: float | None = None


class _Seen(msgspec.Struct, frozen=True):
    scanned_s: float
    sightings: tuple[Sighting, ...]


class Kept:
    """Owns what is kept; a change is written before it holds, one at a time. ``clock`` is Unix seconds."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._turn = asyncio.Lock()
        self.accepted: Mapping[str, AcceptedNode] = {}
        self.dismissed: frozenset[str] = frozenset()
        self.book: Book = {}
        self.scanned_s = 0.0

    async def read(self) -> None:
        """Take what is stored; what cannot be read counts as not there, and is said."""
        nodes = await self._stored(ACCEPTED, tuple[AcceptedNode, ...], ())
        self.accepted = {node.name: node for node in nodes}
        self.dismissed = await self._stored(DISMISSED, frozenset[str], frozenset())
        seen = await self._stored(SEEN, _Seen, _Seen(0.0, ()))
        self.book = {each.place: each for each in seen.sightings}
        self.scanned_s = seen.scanned_s

    async def _stored(self, setting: str, kind: type[T], default: T) -> T:
        value = await self._store.get(setting)
        try:
            return default if value is None else msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            log.warning("what discovery keeps cannot be read", setting=setting, why=str(error))
            return default

    async def accept(self, node: AcceptedNode) -> None:
        """Keep a new node. Raises `Conflict` if another took its name meanwhile."""
        async with self._turn:
            if node.name in self.accepted:
                raise Conflict(f"There is a node '{node.name}' already.", hint="Give it another name.")
            await self._write_nodes({**self.accepted, node.name: node})

    async def move(self, name: str, address: str, now: float, *, proven: bool) -> AcceptedNode | None:
        """Note a node's new address; None if it was forgotten meanwhile."""
        async with self._turn:
            before = self.accepted.get(name)
            if before is None:
                return None
            node = msgspec.structs.replace(
                before, address=address, before=before.address, followed_s=now, proven=proven
            )
            await self._write_nodes({**self.accepted, name: node})
            return node

    async def forget(self, name: str) -> bool:
        """Whether there was one."""
        async with self._turn:
            if name not in self.accepted:
                return False
            await self._write_nodes({key: node for key, node in self.accepted.items() if key != name})
            return True

    async def dismiss(self, key: str, *, yes: bool) -> None:
        async with self._turn:
            dismissed = self.dismissed | {key} if yes else self.dismissed - {key}
            await self._store.set(DISMISSED, [*sorted(dismissed)], self._clock())
            self.dismissed = dismissed

    async def saw(self, book: Book, scanned_s: float) -> None:
        """What is seen holds at once; it is written if more than times changed."""
        async with self._turn:
            news = scanned_s != self.scanned_s or _timeless(book) != _timeless(self.book)
            self.book, self.scanned_s = book, scanned_s
            if news:
                seen = msgspec.to_builtins(_Seen(scanned_s, tuple(book.values())))
                await self._store.set(SEEN, seen, self._clock())

    async def _write_nodes(self, nodes: Mapping[str, AcceptedNode]) -> None:
        await self._store.set(ACCEPTED, [msgspec.to_builtins(node) for node in nodes.values()], self._clock())
        self.accepted = nodes


def _timeless(book: Book) -> Mapping[Place, tuple[object, ...]]:
    return {place: (each.kind, each.models, each.machine, each.proven, each.ways) for place, each in book.items()}


def node_configs(nodes: Iterable[AcceptedNode], agent_key: Secret | None) -> tuple[NodeConfig, ...]:
    """Accepted nodes as the file would say them. The key goes only to agents that have shown to have it."""
    return tuple(
        NodeConfig(
            id=NodeId(node.name),
            address=node.address,
            engines=tuple(
                EngineConfig(NodeId(node.name), each.kind, node.address, each.port, slots=each.slots)
                for each in node.engines
            ),
            agent=_agent(node, agent_key),
        )
        for node in nodes
    )


def _agent(node: AcceptedNode, agent_key: Secret | None) -> AgentConfig | None:
    if node.agent_port is None or not node.machine:
        return None
    return AgentConfig(node.address, node.agent_port, agent_key if node.proven else None)
