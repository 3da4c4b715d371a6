"""The machines under the engines: what their owner says they have, and what their agents say is left.

A silent agent takes no node down: engines are judged by themselves. Its last figures are shown with their age, and
planned with while they are fresh (`core.reading.as_known`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec
from msgspec.structs import replace

from potluck.core.model import NodeId, NodeReading
from potluck.core.reading import Reading, as_known, watts

# As many intervals may a reading be old that is taken for what is now.
_FRESH = 3


class Agent(Protocol):
    """What a machine is asked through."""

    async def reading(self) -> Reading:
        """What is left there now. Raises `NodeError` with words for the owner."""
        ...


class MachineSetup(msgspec.Struct, frozen=True):
    """One configured node. ``memory_bytes`` is what models may fill there, None: not said."""

    node: NodeId
    memory_bytes: int | None = None
    agent: Agent | None = None


class Machine(msgspec.Struct, frozen=True):
    """One machine at one moment.

    ``known`` is what may be planned with. ``reading`` is the agent's last and ``age_s`` how old that is. ``silent_s``
    is for how long nothing was heard of an agent that did not answer; None for one that did. ``why`` says in words
    for the owner what came instead.
    """

    known: NodeReading
    has_agent: bool = False
    reading: Reading | None = None
    age_s: float | None = None
    silent_s: float | None = None
    why: str = ""


class _Kept(msgspec.Struct, frozen=True):
    """What is held of a machine; times are on the owner's clock."""

    setup: MachineSetup
    reading: Reading | None = None
    taken_s: float = 0.0
    silent_since_s: float | None = None
    why: str = ""


class Machines:
    """Owns what is known of each machine. Called from one task; holds no await. ``clock`` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float], interval_s: float) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._kept: dict[NodeId, _Kept] = {}

    def configure(self, setups: Iterable[MachineSetup]) -> None:
        """Take what the owner says now. A machine whose agent stays keeps its last reading."""
        kept: dict[NodeId, _Kept] = {}
        for setup in setups:
            before = self._kept.get(setup.node)
            stays = before is not None and before.setup.agent is setup.agent
            kept[setup.node] = replace(before, setup=setup) if before is not None and stays else _Kept(setup)
        self._kept = kept

    def agents(self) -> Mapping[NodeId, Agent]:
        """Whom to ask."""
        return {node: kept.setup.agent for node, kept in self._kept.items() if kept.setup.agent is not None}

    def heard(self, node: NodeId, agent: Agent, reading: Reading) -> bool:
        """Take a reading in; whether the agent was silent before. One that was taken out meanwhile is not heard."""
        kept = self._kept.get(node)
        if kept is None or kept.setup.agent is not agent:
            return False
        taken_s = self._clock() - reading.age_s
        self._kept[node] = replace(kept, reading=reading, taken_s=taken_s, silent_since_s=None, why="")
        return kept.silent_since_s is not None or kept.reading is None

    def missed(self, node: NodeId, agent: Agent, why: str) -> bool:
        """An agent did not answer; whether that is new."""
        kept = self._kept.get(node)
        if kept is None or kept.setup.agent is not agent:
            return False
        heard_s = self._clock() if kept.reading is None else kept.taken_s
        since_s = heard_s if kept.silent_since_s is None else kept.silent_since_s
        self._kept[node] = replace(kept, silent_since_s=since_s, why=why)
        return kept.silent_since_s is None

    def snapshot(self) -> tuple[Machine, ...]:
        """All of them, in the config's order."""
        now = self._clock()
        return tuple(self._machine(kept, now) for kept in self._kept.values())

    def known(self) -> Mapping[NodeId, NodeReading]:
        """What may be planned with, by node."""
        return {machine.known.node: machine.known for machine in self.snapshot()}

    def known_of(self, node: NodeId) -> NodeReading | None:
        """What may be planned with on one node; None if nobody configured it."""
        kept = self._kept.get(node)
        return self._machine(kept, self._clock()).known if kept is not None else None

    def watts(self, node: NodeId) -> float | None:
        """What a machine drew when it was last heard, which is not long ago; None if that is not known."""
        kept = self._kept.get(node)
        if kept is None or kept.reading is None or self._clock() - kept.taken_s > _FRESH * self._interval_s:
            return None
        return watts(kept.reading)

    def _machine(self, kept: _Kept, now: float) -> Machine:
        setup = kept.setup
        age_s = None if kept.reading is None else now - kept.taken_s
        return Machine(
            known=as_known(setup.node, setup.memory_bytes, kept.reading, age_s=age_s, interval_s=self._interval_s),
            has_agent=setup.agent is not None,
            reading=kept.reading,
            age_s=age_s,
            silent_s=None if kept.silent_since_s is None else now - kept.silent_since_s,
            why=kept.why,
        )
