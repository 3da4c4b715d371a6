"""The fleet and the goals as engines' snapshots make them: who is there, what it can run, what was learned of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from potluck.core.model import Engine, EngineId, Model, ModelId, NodeId
from potluck.core.names import canonical
from potluck.core.scheduling.asks import Place, Target
from potluck.core.scheduling.fleet import EngineState, Lane, Node, memory_of
from potluck.core.scheduling.goals import Goal
from potluck.core.scheduling.rates import Rates, guessed

# Terms are made anew when a rate has moved this much: less changes no choice that matters.
_MOVED = 0.05


@dataclass(slots=True)
class Registry:
    """Owned by a `Scheduler`. ``kept`` are rates from before a restart, by engine and model."""

    kept: dict[tuple[EngineId, ModelId], Rates] = field(default_factory=dict[tuple[EngineId, ModelId], Rates])
    nodes: dict[NodeId, Node] = field(default_factory=dict[NodeId, Node])
    engines: dict[EngineId, EngineState] = field(default_factory=dict[EngineId, EngineState])
    goals: dict[str, Goal] = field(default_factory=dict[str, Goal])
    _on: dict[NodeId, frozenset[str]] = field(default_factory=dict[NodeId, frozenset[str]])

    def declare(self, targets: Iterable[Target]) -> None:
        """Take these targets instead of all before. Those that stay as they were keep their shares' account."""
        before = self.goals
        self._on.clear()
        self.goals = {}
        for target in targets:
            known = before.get(target.name)
            self.goals[target.name] = known if known is not None and known.target == target else self._goal(target)

    def _goal(self, target: Target) -> Goal:
        return Goal.of(target, self.engines)

    def see(self, engine: Engine, now: float) -> Node:
        """Take an engine as it is now."""
        state = self.engines.get(engine.id)
        if state is not None and state.node.id != engine.node:
            self.forget(engine.id)
            state = None
        if state is None:
            state = self._new_engine(engine)
        node = state.node
        if engine.memory_bytes is not None:
            node.memory_bytes = engine.memory_bytes
        slots_before = state.slots
        state.health, state.slots, state.keeps = engine.health, max(1, engine.slots), engine.keeps
        state.failures, state.trial = engine.failures, engine.trial
        state.loading, state.draws = engine.loading, engine.draws
        new = self._describe(state, engine.models, now)
        node.recount()
        if state.slots != slots_before:
            for lane in state.lanes.values():
                lane.slots = state.slots
                lane.forget_terms()
        self._size_up()
        node.refresh()
        if new:
            self._refresh_goals()
        return node

    def _new_engine(self, engine: Engine) -> EngineState:
        node = self.nodes.setdefault(engine.node, Node(engine.node))
        state = EngineState(engine.id, node, max(1, engine.slots), engine.health)
        self.engines[engine.id] = node.engines[engine.id] = state
        return state

    def _describe(self, state: EngineState, models: Mapping[ModelId, Model], now: float) -> bool:
        """Bring the lanes in line with the models; True if there are new ones or one went for good."""
        changed = False
        for model in models.values():
            lane = state.lanes.get(model.id)
            if lane is None:
                lane = state.lanes[model.id] = self._new_lane(state, model, now)
                changed = True
            lane.describe(model, now)
        for gone in [lane for lane in state.lanes.values() if lane.model not in models]:
            gone.offered = False
            if not gone.active:
                gone.settle(resident=False)
                del state.lanes[gone.model]
                changed = True
        return changed

    def _new_lane(self, state: EngineState, model: Model, now: float) -> Lane:
        guess = guessed(model.size_bytes, state.node.memory_bytes)
        lane = Lane(
            state,
            state.node,
            model.id,
            canonical(model.id),
            Place(state.id, model.id),
            self.kept.get((state.id, model.id)) or replace(guess),
            guess,
            state.slots,
            memory_of(model),
            folded_s=now,
        )
        self._guess(lane)
        lane.forget_terms()
        return lane

    def _guess(self, lane: Lane) -> None:
        """What the engine's other models have shown says something of one that was never used."""
        seen = [(other.rates, other.guess) for other in lane.engine.lanes.values() if other.rates.readings]
        if seen and not lane.rates.readings:
            lane.rates.guess(lane.guess, seen)

    def forget(self, engine: EngineId) -> Node | None:
        """The engine is no longer part of the fleet."""
        state = self.engines.pop(engine, None)
        if state is None:
            return None
        node = state.node
        for lane in state.lanes.values():
            self.kept[engine, lane.model] = lane.rates
            lane.offered = False
            if node.loading is lane:
                node.loading = None
        del node.engines[engine]
        node.recount()
        node.refresh()
        if not node.engines:
            del self.nodes[node.id]
        self._size_up()
        self._refresh_goals()
        return node

    def relearn(self, lane: Lane, *, force: bool = False) -> None:
        """Terms and priors follow the rates once these have moved enough to matter."""
        rates = lane.rates
        now = (rates.prefill_tps, rates.decode_tps, rates.batching, lane.engine.learned)
        if not force and all(abs(new - old) <= _MOVED * old for new, old in zip(now, lane.priced, strict=True)):
            return
        lane.forget_terms()
        for other in lane.engine.lanes.values():
            if not other.rates.readings:
                self._guess(other)
                other.forget_terms()
        for goal in self.goals.values():
            if not goal.weightless and any(seat is lane for seat, _ in goal.seats):
                goal.refresh(self.engines)

    def lane(self, engine: EngineId, model: ModelId) -> Lane | None:
        state = self.engines.get(engine)
        return state.lanes.get(model) if state is not None else None

    def goals_on(self, node: Node) -> frozenset[str]:
        """The targets that have a place on the node."""
        found = self._on.get(node.id)
        if found is None:
            found = self._on[node.id] = frozenset(name for name, goal in self.goals.items() if goal.on(node))
        return found

    def forget_terms(self) -> None:
        """Mean answers have changed: nothing that was computed holds."""
        for node in self.nodes.values():
            for lane in node.lanes:
                lane.forget_terms()

    def _size_up(self) -> None:
        """Set the nodes' ``bulk``; terms depend on it."""
        largest = max((node.memory_bytes or 0 for node in self.nodes.values()), default=0)
        for node in self.nodes.values():
            bulk = (node.memory_bytes or 0) / largest if largest else 1.0
            if bulk != node.bulk:
                node.bulk = bulk
                for lane in node.lanes:
                    lane.forget_terms()

    def _refresh_goals(self) -> None:
        self._on.clear()
        for goal in self.goals.values():
            goal.refresh(self.engines)

    def rates(self) -> dict[tuple[EngineId, ModelId], Rates]:
        """All that was learned, to be kept."""
        found = dict(self.kept)
        for engine in self.engines.values():
            for lane in engine.lanes.values():
                if lane.rates.readings:
                    found[engine.id, lane.model] = lane.rates
        return found
