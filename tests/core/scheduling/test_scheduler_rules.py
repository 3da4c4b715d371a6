"""What holds whatever happens in whatever order: the scheduler, and a fleet that checks all it is told to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from potluck.core.model import Engine, EngineId, Health, ModelId, NodeId, RequestId
from potluck.core.scheduling.asks import Ask, Policy
from potluck.core.scheduling.choosing import choose
from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind
from potluck.core.scheduling.decisions import Decision, Evict, Load, Preload, Refuse, Start, Wait
from potluck.core.scheduling.rates import Timing
from potluck.core.scheduling.residency import MoveState

from .fleets import ask, engine, model, scheduler

# Two engines share one node's memory, as Ollama and ComfyUI on a Jetson do; b holds half of its models; c is small.
FLEET = (
    engine(
        "a/text", [model("m", 4), model("n", 6, resident=False), model("big", 11, resident=False)], node="a", slots=2
    ),
    engine("a/image", [model("image", 7, resident=False)], node="a", slots=1),
    engine("b/text", [model("m", 4), model("n", 6, resident=False)], node="b", slots=1, memory_gb=8),
    engine("c/text", [model("m", 4, resident=False)], node="c", slots=1, memory_gb=4),
)
MODELS = ("m", "n", "big", "image")


@dataclass
class Checked:
    """The world as decisions make it. Every decision is checked when it is performed."""

    engines: dict[EngineId, Engine] = field(default_factory=lambda: {one.id: one for one in FLEET})
    asks: dict[RequestId, Ask] = field(default_factory=dict)
    waiting: set[RequestId] = field(default_factory=set)
    running: dict[RequestId, Start] = field(default_factory=dict)
    loading: dict[tuple[EngineId, ModelId], RequestId | None] = field(default_factory=dict)
    most_running: dict[Kind, int] = field(default_factory=dict)
    now: float = 0.0

    def perform(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Start():
                    self._start(decision)
                case Wait():
                    assert decision.request in self.waiting
                case Refuse():
                    self.waiting.discard(decision.request)
                    assert decision.request not in self.running
                case Load() | Preload():
                    assert not self._resident(decision.engine, decision.model)
                    node = self.engines[decision.engine].node
                    assert not any(self.engines[other].node == node for other, _ in self.loading), "two loads at a time"
                    self.loading[decision.engine, decision.model] = None
                case Evict():
                    users = [start for start in self.running.values() if start.place.model == decision.model]
                    assert all(start.engine != decision.engine for start in users), "a model in use is evicted"
                    assert (decision.engine, decision.model) not in self.loading
                    self._set_resident(decision.engine, decision.model, resident=False)
            self._check_memory()

    def _start(self, start: Start) -> None:
        wish, one = self.asks[start.request], self.engines[start.engine]
        assert start.request not in self.running
        assert one.health in (Health.UP, Health.SUSPECT)
        assert start.engine not in wish.tried
        assert wish.deadline_s is None or wish.deadline_s > self.now, "started after its deadline"
        alike = sum(1 for other in self.running if self.asks[other].kind is wish.kind)
        assert alike < self.most_running.get(wish.kind, 100), "more of a class run than may"
        busy = sum(1 for other in self.running.values() if other.engine == start.engine)
        assert busy < one.slots, "an engine's slots are exceeded"
        if start.loads:
            assert self.loading[start.engine, start.model] is None
            self.loading[start.engine, start.model] = start.request
        else:
            assert self._resident(start.engine, start.model)
        self.waiting.discard(start.request)
        self.running[start.request] = start

    def _resident(self, one: EngineId, name: ModelId) -> bool:
        return self.engines[one].models[name].resident

    def _set_resident(self, one: EngineId, name: ModelId, *, resident: bool) -> None:
        models = dict(self.engines[one].models)
        models[name] = replace(models[name], resident=resident)
        self.engines[one] = replace(self.engines[one], models=models)

    def loaded(self, one: EngineId, name: ModelId) -> None:
        del self.loading[one, name]
        self._set_resident(one, name, resident=True)

    def load_lost(self, one: EngineId, name: ModelId) -> None:
        self.loading.pop((one, name), None)

    def _check_memory(self) -> None:
        held: dict[NodeId, int] = {}
        for one in self.engines.values():
            for name, known in one.models.items():
                if known.resident or (one.id, name) in self.loading:
                    held[one.node] = held.get(one.node, 0) + (known.memory_bytes or 0)
        for one in self.engines.values():
            assert held.get(one.node, 0) <= (one.memory_bytes or 0), "a node's memory is over-committed"


class SchedulerRules(RuleBasedStateMachine):
    policy = Policy.LEARNED
    depth = 12

    def __init__(self) -> None:
        super().__init__()
        self.world = Checked()
        self.scheduler = scheduler(*FLEET, policy=self.policy, depth=self.depth, **{"a/text": 80, "b/text": 20})
        self.number = 0

    # --- calls ---

    @rule(
        name=st.sampled_from(MODELS),
        user=st.sampled_from(["anna", "bert", "carl"]),
        kind=st.sampled_from(list(Kind)),
        tokens=st.integers(0, 4000),
        patience=st.none() | st.floats(0.5, 60.0),
        talk=st.sampled_from(["", "", "x", "y"]),
        tried=st.sampled_from([(), (), (), ("a/text",), ("b/text",)]),
    )
    def arrive(
        self, name: str, user: str, kind: Kind, tokens: int, patience: float | None, talk: str, tried: tuple[str, ...]
    ) -> None:
        self.number += 1
        deadline_s = None if patience is None else self.world.now + patience
        wish = ask(
            f"r{self.number}",
            name,
            user=user,
            kind=kind,
            tokens=tokens,
            conversation=talk,
            tried=tried,
            sent=7 if tried else 0,
            deadline_s=deadline_s,
        )
        self.world.asks[wish.request] = wish
        self.world.waiting.add(wish.request)
        self.world.perform(self.scheduler.arrive(wish, self.world.now))

    def _running(self, data: st.DataObject) -> RequestId:
        """One that runs, and whose model is there."""
        return data.draw(st.sampled_from(sorted(self.world.running)))

    def _waits_for_load(self, request: RequestId) -> bool:
        start = self.world.running[request]
        return (start.engine, start.model) in self.world.loading

    @precondition(lambda self: self.world.running)
    @rule(data=st.data(), timed=st.booleans())
    def finish(self, data: st.DataObject, timed: bool) -> None:
        request = self._running(data)
        if self._waits_for_load(request):
            start = self.world.running[request]
            self.world.loaded(start.engine, start.model)
            self.world.perform(self.scheduler.first(request, self.world.now))
        del self.world.running[request]
        timing = Timing(200, 0.5, 50, 2.0) if timed else None
        self.world.perform(self.scheduler.finish(request, self.world.now, timing))

    @precondition(lambda self: self.world.running)
    @rule(data=st.data())
    def first(self, data: st.DataObject) -> None:
        request = self._running(data)
        start = self.world.running[request]
        if self._waits_for_load(request):
            self.world.loaded(start.engine, start.model)
        self.world.perform(self.scheduler.first(request, self.world.now))

    @precondition(lambda self: self.world.running)
    @rule(data=st.data(), fails=st.booleans())
    def end_early(self, data: st.DataObject, fails: bool) -> None:
        request = self._running(data)
        start = self.world.running.pop(request)
        if self.world.loading.get((start.engine, start.model)) == request:
            self.world.load_lost(start.engine, start.model)
        act = self.scheduler.fail if fails else self.scheduler.leave
        self.world.perform(act(request, self.world.now))

    @precondition(lambda self: self.world.waiting)
    @rule(data=st.data())
    def leave_the_queue(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(sorted(self.world.waiting)))
        before = self.scheduler.waiting
        self.world.waiting.discard(request)
        decisions = self.scheduler.leave(request, self.world.now)
        gone = sum(1 for decision in decisions if isinstance(decision, Start | Refuse))
        assert self.scheduler.waiting == before - 1 - gone
        self.world.perform(decisions)

    # --- the fleet ---

    @precondition(lambda self: self.world.loading)
    @rule(data=st.data(), works=st.booleans())
    def load_ends(self, data: st.DataObject, works: bool) -> None:
        one, name = data.draw(st.sampled_from(sorted(self.world.loading)))
        if works:
            self.world.loaded(one, name)
            self.world.perform(self.scheduler.loaded(one, name, self.world.now, 3.0))
            return
        request = self.world.loading[one, name]
        self.world.load_lost(one, name)
        self.world.perform(self.scheduler.load_failed(one, name, self.world.now))
        if request is not None and request in self.world.running:
            del self.world.running[request]
            self.world.perform(self.scheduler.fail(request, self.world.now))

    @rule(data=st.data(), health=st.sampled_from([Health.UP, Health.UP, Health.DOWN, Health.SUSPECT, Health.DRAINING]))
    def health(self, data: st.DataObject, health: Health) -> None:
        one = data.draw(st.sampled_from(sorted(self.world.engines)))
        self.world.engines[one] = replace(self.world.engines[one], health=health)
        self.world.perform(self.scheduler.engine(self.world.engines[one], self.world.now))

    @rule()
    def rehouse(self) -> None:
        decisions = self.scheduler.rehouse(self.world.now)
        loads = [decision for decision in decisions if isinstance(decision, Preload)]
        assert len({load.model for load in loads}) == len(loads)
        for load in loads:
            assert load.lost is not None
            lost = self.world.engines[load.lost].health
            assert self.world.engines[load.engine].health is Health.UP
            assert lost is Health.DRAINING or (lost is Health.DOWN and not self.world.waiting)
            assert not any(load.model in one.models and one.models[load.model].resident for one in self._serving())
        drains = any(one.health is Health.DRAINING for one in self.world.engines.values())
        assert drains or not any(isinstance(decision, Evict) for decision in decisions)
        self.world.perform(decisions)

    @rule(name=st.sampled_from(MODELS), data=st.data())
    def restore(self, name: str, data: st.DataObject) -> None:
        having = [one for one in self.world.engines.values() if ModelId(name) in one.models]
        one = data.draw(st.sampled_from(having))
        decisions = self.scheduler.restore(one.id, ModelId(name), self.world.now)
        assert not decisions or one.health is Health.UP
        self.world.perform(decisions)

    def _serving(self) -> list[Engine]:
        return [one for one in self.world.engines.values() if one.health in (Health.UP, Health.SUSPECT)]

    @rule(data=st.data(), slots=st.integers(1, 3))
    def slots(self, data: st.DataObject, slots: int) -> None:
        one = data.draw(st.sampled_from(sorted(self.world.engines)))
        self.world.engines[one] = replace(self.world.engines[one], slots=slots)
        self.world.perform(self.scheduler.engine(self.world.engines[one], self.world.now))

    @rule(
        kind=st.sampled_from(list(Kind)), running=st.none() | st.integers(1, 3), waiting=st.none() | st.integers(1, 4)
    )
    def limit(self, kind: Kind, running: int | None, waiting: int | None) -> None:
        self.world.most_running = {} if running is None else {kind: running}
        limits = {kind: replace(DEFAULT_LIMITS[kind], most_running=running, most_waiting=waiting)}
        self.world.perform(self.scheduler.limit(self.depth, limits, self.world.now))

    @rule(passed=st.floats(0.01, 40.0))
    def time_passes(self, passed: float) -> None:
        self.world.now += passed
        self.world.perform(self.scheduler.tick(self.world.now))

    # --- always ---

    @invariant()
    def the_queue_is_bounded_and_holds_whom_it_should(self) -> None:
        assert self.scheduler.waiting == len(self.world.waiting) <= self.depth
        assert set(self.scheduler._queue.by_request) == self.world.waiting

    @invariant()
    def nobody_waits_past_a_deadline(self) -> None:
        self.world.perform(self.scheduler.tick(self.world.now))
        for request in self.world.waiting:
            deadline_s = self.world.asks[request].deadline_s
            assert deadline_s is None or deadline_s > self.world.now

    @invariant()
    def no_slot_idles_while_the_rule_says_run(self) -> None:
        self.world.perform(self.scheduler.tick(self.world.now))
        for waiting in self.scheduler._queue.heads(self.world.now, 1):
            assert not choose(waiting, waiting.goal.seats, self.world.now).now

    @invariant()
    def everybody_who_waits_knows_where(self) -> None:
        found = self.scheduler.standings(self.world.now)
        assert set(found) == self.world.waiting
        assert sorted(one.position for one in found.values()) == list(range(1, len(found) + 1))
        assert all(one.eta_s >= 0 for one in found.values())

    @invariant()
    def the_counts_are_those_of_the_world(self) -> None:
        for one in self.scheduler._fleet.engines.values():
            assert set(one.turns) == {start.request for start in self.world.running.values() if start.engine == one.id}
            assert one.virtual == 0
        for standard in self.scheduler._standards:
            for count, requests in ((standard.running, self.world.running), (standard.waiting, self.world.waiting)):
                assert count == sum(self.world.asks[each].kind is standard.kind for each in requests)
        for node in self.scheduler._fleet.nodes.values():
            assert node.active == sum(lane.active for lane in node.lanes) >= 0
            assert node.models == sum(1 for lane in node.lanes if lane.active)
            assert abs(node.harm - sum(lane.harm for lane in node.lanes)) < 1e-6
            held = sum(lane.memory_bytes for lane in node.lanes if lane.resident or lane.loading)
            assert node.held_bytes == held
            assert node.claim is None or node.claim in self.world.waiting

    @invariant()
    def every_model_of_a_lost_machine_is_accounted_for(self) -> None:
        for move in self.scheduler.moves(self.world.now):
            assert self.world.engines[move.engine].health in (Health.DOWN, Health.DRAINING)
            assert move.why
            if move.state is MoveState.ELSEWHERE:
                assert move.to in {one.id for one in self._serving()}
            assert move.to != move.engine

    def teardown(self) -> None:
        """Nobody starves: with all engines up and calls that end, everybody is served or told."""
        for one in sorted(self.world.engines):
            self.world.engines[one] = replace(self.world.engines[one], health=Health.UP)
            self.world.perform(self.scheduler.engine(self.world.engines[one], self.world.now))
        for _ in range(200):
            if not self.world.waiting:
                return
            self.world.now += 5.0  # a thousand seconds: background work puts out cold models only
            for (name, loaded), _request in list(self.world.loading.items()):
                self.world.loaded(name, loaded)
                self.world.perform(self.scheduler.loaded(name, loaded, self.world.now))
            for request in list(self.world.running):
                if request in self.world.running and not self._waits_for_load(request):
                    del self.world.running[request]
                    self.world.perform(self.scheduler.finish(request, self.world.now))
            self.world.perform(self.scheduler.tick(self.world.now))
        raise AssertionError(f"still waiting: {self.world.waiting}")


class WeightedRules(SchedulerRules):
    policy = Policy.WEIGHTED


class OrderRules(SchedulerRules):
    policy = Policy.ORDER


TestSchedulerRules = SchedulerRules.TestCase
TestSchedulerRules.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWeightedRules = WeightedRules.TestCase
TestWeightedRules.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestOrderRules = OrderRules.TestCase
TestOrderRules.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
