"""The machines as the scheduler holds them: nodes with one memory each, their engines, and a lane for each model.

Mutable, and owned by one `Scheduler`; nothing here is handed out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

from potluck.core.model import EngineId, Health, Model, ModelId, NodeId, RequestId
from potluck.core.scheduling.asks import Ask, Place
from potluck.core.scheduling.classes import Kind, Standard
from potluck.core.scheduling.lateness import Lateness
from potluck.core.scheduling.rates import Rates
from potluck.core.scheduling.terms import Terms, terms

# For how long back a model's use says that it will be used again.
DEMAND_S = 240.0
# A model that nobody took in this time is cold: even background work may put it out.
COLD_S = 300.0
# What the prefix of another conversation counts for, in its tokens, when its slot would be taken. Enough for two that
# take turns to settle on two equal machines; with more the simulated fleet has fewer calls in time, because slower
# machines are taken for the sake of it.
RETURNS = 0.1
# Weights alone do not run: there is a context to hold. Where the engine tells what a model takes, that counts.
_MEMORY_BY_SIZE = 1.15
_UNKNOWN_MODEL_BYTES = 4_000_000_000


@dataclass(slots=True, eq=False)
class Turn:
    """A call on an engine. ``first_s`` is when its first token came; None before.

    ``warm``: a slot held the beginning of its prompt. ``load_s`` is how long the load took for which it waited, as far
    as one can tell: its engine may know better.
    """

    ask: Ask
    lane: Lane
    started_s: float
    neighbours: int
    terms: Terms
    first_s: float | None = None
    wait_s: float = 0.0
    charged_s: float = 0.0
    share: int = 1
    due_s: float = 0.0
    warm: bool = False
    load_s: float = 0.0

    @property
    def expected_s(self) -> float:
        """From its start to its first token, as it was expected."""
        return self.wait_s + self.terms.first_s(self.ask.prompt_tokens)

    def ends_s(self, now: float) -> float:
        """When it will be done; later than now by a quarter of its decoding at least, as it always may go on."""
        if not self.due_s:
            self.due_s = self.started_s + self.wait_s + self.terms.service_s(self.ask.prompt_tokens)
        least_s = now + 0.25 * self.terms.decode_s
        return self.due_s if self.due_s > least_s else least_s


@dataclass(slots=True, eq=False)
class Lane:
    """A model on an engine. ``harm`` is what one second of delay costs its running calls, in their limits. ``name`` is
    the model's on all engines.

    ``tables`` holds, by kind and by how many run, the terms of a call when nothing else runs on the node.
    ``ready``: resident, on an engine that is up, on a node that nothing is loading on and nobody claims.
    """

    engine: EngineState
    node: Node
    model: ModelId
    name: str
    place: Place
    rates: Rates
    guess: Rates
    slots: int
    memory_bytes: int
    resident: bool = False
    loading: bool = False
    evicted_s: float = float("-inf")
    pinned: bool = False
    offered: bool = True
    ready: bool = False
    active: int = 0
    virtual: int = 0
    harm: float = 0.0
    starts: int = 0
    demand: float = 0.0
    folded_s: float = 0.0
    used_s: float = float("-inf")
    first_limit_s: float = 2.0
    priced: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    tables: list[list[Terms | None]] = field(default_factory=list[list[Terms | None]])
    warm: dict[str, int] = field(default_factory=dict[str, int])
    lateness: Lateness = field(default_factory=Lateness)

    def forget_terms(self) -> None:
        """What was computed no longer holds: rates, slots or the class's answers have changed."""
        self.tables = [[None] * self.slots for _ in Kind]
        self.priced = (self.rates.prefill_tps, self.rates.decode_tps, self.rates.batching, self.engine.learned)

    def alone(self, standard: Standard, running: int) -> Terms:
        """The terms of one more call when ``running`` of this model are all that runs on the node."""
        row = self.tables[standard.kind.place]
        found = row[running] if running < len(row) else None
        if found is None:
            found = self.terms(standard, running, 1)
            if running < len(row):
                row[running] = found
        return found

    def terms(self, standard: Standard, running: int, share: int, *, sent: int = 0) -> Terms:
        return terms(
            self.rates, self.engine.learned, standard, running, share, sent=sent, bulk=self.node.bulk, lane=self.place
        )

    def demand_now(self, now: float) -> float:
        """Calls in the last `DEMAND_S`, older ones counting less and less."""
        passed = now - self.folded_s
        if passed > 1.0 or self.starts:
            self.demand = self.demand * exp(-max(0.0, passed) / DEMAND_S) + self.starts
            self.starts = 0
            self.folded_s = now
        return self.demand

    def prefix(self, conversation: str, prompt_tokens: int) -> tuple[int, float]:
        """The tokens of a prompt that are still to be read here, and those that another conversation is expected to
        lose, because its slot would be taken."""
        held = self.warm.get(conversation)
        if held is not None:
            return max(0, prompt_tokens - held), 0.0
        if len(self.warm) + self.active < self.slots:
            return prompt_tokens, 0.0
        return prompt_tokens, RETURNS * next(iter(self.warm.values()))

    def remember(self, conversation: str, tokens: int) -> None:
        """A slot now holds this conversation."""
        self.warm.pop(conversation, None)
        self.warm[conversation] = tokens

    def take_slot(self, conversation: str) -> bool:
        """A call begins in the slot that holds its conversation, else in the one that was not used for longest.

        Whether one holds it.
        """
        if self.warm.pop(conversation, None) is not None:
            return True
        if len(self.warm) + self.active >= self.slots:
            self.warm.pop(next(iter(self.warm)), None)
        return False

    def describe(self, model: Model, now: float) -> None:
        """Take what the engine says of the model. What we know better stays: running calls, loads under way."""
        self.memory_bytes = memory_of(model)
        self.offered = True
        if self.loading:
            if model.resident:
                self.settle(resident=True)
        elif model.resident:
            # The list may be older than our eviction.
            self.resident = self.resident or now - self.evicted_s > 5.0
        elif not self.active:
            self.settle(resident=False)

    def settle(self, *, resident: bool) -> None:
        """A load or an eviction is over."""
        if self.loading:
            self.node.loading = None
            self.loading = False
        self.resident = resident
        if not resident:
            self.warm.clear()
        self.node.refresh()

    def evict(self, now: float) -> None:
        """We have it put out."""
        self.evicted_s = now
        self.settle(resident=False)


@dataclass(slots=True, eq=False)
class EngineState:
    """``learned`` corrects its rates by how its calls came out; ``virtual`` are slots that waiting calls wait for.
    ``draws``: it makes pictures, and no call comes there. ``failures`` are calls that failed in a row, where
    that are too many; ``trial``: it may show with one call at a time that it is well. ``loading``: it has
    one model, which is not there yet.
    """

    id: EngineId
    node: Node
    slots: int
    health: Health
    lanes: dict[ModelId, Lane] = field(default_factory=dict[ModelId, Lane])
    turns: dict[RequestId, Turn] = field(default_factory=dict[RequestId, Turn])
    learned: float = 1.0
    virtual: int = 0
    keeps: bool = True
    draws: bool = False
    failures: int = 0
    trial: bool = False
    loading: bool = False

    @property
    def shunned(self) -> bool:
        """Its calls keep failing, and no more may be tried there now than one."""
        return self.failures > 0 and not (self.trial and not self.turns)

    @property
    def serves(self) -> bool:
        return self.health is Health.UP or self.health is Health.SUSPECT

    def release_s(self, now: float, nth: int) -> float:
        """Seconds until the ``nth`` slot from now (1 is the next) falls free."""
        ends = [turn.ends_s(now) for turn in self.turns.values()]
        if not ends:
            return 0.0
        if nth == 1:
            return min(ends) - now
        ends.sort()
        rounds, place = divmod(nth - 1, len(ends))
        return ends[place] - now + rounds * max(1.0, ends[-1] - now)


@dataclass(slots=True, eq=False)
class Node:
    """A machine. ``memory_bytes`` is for all its engines together; None: unknown, engines must see to it themselves.

    ``active`` calls of ``models`` models run; ``harm`` is the sum of their lanes'. ``claim`` is a waiting call for
    which the node is being emptied. ``bulk`` is its memory as a part of the largest node's. ``held_bytes`` is what
    models hold of it or are about to.
    """

    id: NodeId
    memory_bytes: int | None = None
    engines: dict[EngineId, EngineState] = field(default_factory=dict[EngineId, EngineState])
    lanes: list[Lane] = field(default_factory=list[Lane])
    active: int = 0
    models: int = 0
    harm: float = 0.0
    loading: Lane | None = None
    loading_until_s: float = 0.0
    claim: RequestId | None = None
    claimed: Lane | None = None
    bulk: float = 1.0
    held_bytes: int = 0

    def recount(self) -> None:
        """Engines or models have come or gone."""
        self.lanes = [lane for engine in self.engines.values() for lane in engine.lanes.values()]

    def has_free_slot(self) -> bool:
        return any(len(engine.turns) < engine.slots for engine in self.engines.values())

    def refresh(self) -> None:
        """Set ``held_bytes`` and the lanes' ``ready`` anew."""
        self.held_bytes = sum([lane.memory_bytes for lane in self.lanes if lane.resident or lane.loading])
        open_ = self.loading is None and self.claim is None
        for engine in self.engines.values():
            up = open_ and engine.health is Health.UP
            for lane in engine.lanes.values():
                lane.ready = up and lane.resident and lane.offered

    def others(self, lane: Lane) -> int:
        """How many other models run now."""
        return self.models - 1 if lane.active else self.models


def memory_of(model: Model) -> int:
    """What a model takes when loaded, in bytes."""
    if model.memory_bytes is not None:
        return model.memory_bytes
    return int(model.size_bytes * _MEMORY_BY_SIZE) if model.size_bytes is not None else _UNKNOWN_MODEL_BYTES
