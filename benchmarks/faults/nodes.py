"""The machines behind a subject: fake engines in this process, of which those that are asked first break.

Which node a subject asks first is its own choice, so the fault waits for it: the first ``victims`` nodes that get a
request are broken from then on, until they are healed. The others are well.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from potluck_fake_engine.faults import Fault, FaultBook
from potluck_fake_engine.testing import FakeEngine
from potluck_fake_engine.testing import running as running_fake

# A small model on a good card; a text takes some 0.4 s.
DECODE_PER_S = 150
PREFILL_PER_S = 4000
# Enough for every call of a round, on one node alone.
SLOTS = 8
_UP_DOWN_S = 0.125
_OFF_S = 3600.0


@dataclass(slots=True)
class Outbreak:
    """Who is broken: the first ``most`` nodes that are asked."""

    most: int = 0
    victims: list[int] = field(default_factory=list[int])

    def strikes(self, node: int) -> bool:
        if node not in self.victims and len(self.victims) < self.most:
            self.victims.append(node)
        return node in self.victims


class StruckBook(FaultBook):
    """The faults of one node: they hit only if it is among the victims."""

    def __init__(self, outbreak: Outbreak, node: int) -> None:
        super().__init__()
        self._outbreak, self._node = outbreak, node

    def pick(self, method: str, path: str, model: str, *, inference: bool) -> Fault | None:
        if not inference or not self._outbreak.strikes(self._node):
            return None
        return super().pick(method, path, model, inference=inference)


@dataclass(slots=True)
class Nodes:
    """The nodes that have one model. ``kind`` is the engines' dialect."""

    name: str
    kind: str
    fakes: list[FakeEngine]
    outbreak: Outbreak
    happening: list[asyncio.Task[None]] = field(default_factory=list["asyncio.Task[None]"])

    @property
    def ports(self) -> list[int]:
        return [fake.port for fake in self.fakes]

    def arm(self, kind: str, victims: int, how: dict[str, Any]) -> None:
        self.outbreak.most = victims
        for fake in self.fakes:
            fake.fault(kind, times=None, **how)

    def strike(self, node: int) -> None:
        self.outbreak.victims.append(node)

    def spawn(self, happening: Coroutine[Any, Any, None]) -> None:
        self.happening.append(asyncio.get_running_loop().create_task(happening))

    async def heal(self) -> None:
        """All nodes are well, and have the model in memory."""
        for task in self.happening:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.happening.clear()
        self.outbreak.most = 0
        self.outbreak.victims.clear()
        for fake in self.fakes:
            fake.clear_faults()
            await fake.accept_again()
            fake.change(self.name, load_s=0, loaded=True)
            fake.site.requests.clear()

    def hit(self, marker: str) -> bool:
        """Whether a broken node was asked for the answer that `marker` names."""
        wanted = marker.encode()
        return any(
            wanted in request.body for node in self.outbreak.victims for request in self.fakes[node].site.requests
        )

    def busy(self) -> int:
        return sum(fake.busy() for fake in self.fakes)


@asynccontextmanager
async def running_nodes(name: str, kind: str, number: int) -> AsyncIterator[Nodes]:
    """So many nodes with a model of that name, loaded."""
    outbreak = Outbreak()
    model = f"{name},decode={DECODE_PER_S},prefill={PREFILL_PER_S},context=32768,capabilities=completion,resident=true"
    async with AsyncExitStack() as stack:
        fakes = [await stack.enter_async_context(running_fake(model, dialect=kind, slots=SLOTS)) for _ in range(number)]
        for place, fake in enumerate(fakes):
            fake.site.faults = StruckBook(outbreak, place)
        nodes = Nodes(name, kind, fakes, outbreak)
        try:
            yield nodes
        finally:
            await nodes.heal()


# --- what happens to a node as a whole; the last argument is the seconds of a load ---


async def refused(nodes: Nodes, number: int, load_s: float) -> None:
    victim = number % len(nodes.fakes)
    nodes.strike(victim)
    nodes.fakes[victim].refuse(_OFF_S)


async def flapping(nodes: Nodes, number: int, load_s: float) -> None:
    victim = number % len(nodes.fakes)
    nodes.strike(victim)
    fake = nodes.fakes[victim]

    async def flap() -> None:
        while True:
            fake.refuse(_OFF_S)
            await asyncio.sleep(_UP_DOWN_S)
            await fake.accept_again()
            await asyncio.sleep(_UP_DOWN_S)

    nodes.spawn(flap())


async def one_cold(nodes: Nodes, number: int, load_s: float) -> None:
    _chill(nodes, number % len(nodes.fakes), load_s)


async def all_cold(nodes: Nodes, number: int, load_s: float) -> None:
    for node in range(len(nodes.fakes)):
        _chill(nodes, node, load_s)


def _chill(nodes: Nodes, node: int, load_s: float) -> None:
    """Ollama has dropped the model and loads it when it is asked; llama.cpp was started anew, and loads."""
    nodes.strike(node)
    fake = nodes.fakes[node]
    fake.change(nodes.name, load_s=load_s, resident=False, loaded=False)
    if nodes.kind != "ollama":
        fake.change(nodes.name, loaded=True)
