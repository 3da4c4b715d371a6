"""Seats: whatever comes, waits, leaves and ends, no slot is overfilled and nobody waits for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from potluck.backends.port import Address, Report
from potluck.core.catalogue import RouteRule
from potluck.core.errors import (
    ModelNotFound,
    NodeError,
    NodeUnreachable,
    NoEngineReady,
    PotluckError,
    QueueFull,
    Unsupported,
)
from potluck.core.health import Seen
from potluck.core.model import Capability, EngineId, EngineKind, Health, Model, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.classes import Kind, limits_within
from potluck.core.scheduling.rates import Timing
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.seats import Seat, Wish
from potluck.gateway.targets import Room, nothing_to_choose

COMPLETION = frozenset({Capability.COMPLETION})


class Caller:
    """A `dispatch.Seeker` that remembers what it was told, exactly once."""

    def __init__(
        self,
        name: str,
        model: str = "m",
        key: str = "k",
        tried: frozenset[EngineId] = frozenset(),
        *,
        kind: Kind = Kind.CHAT,
        needs: frozenset[Capability] = COMPLETION,
    ) -> None:
        self.wish = Wish(RequestId(name), UserId(key), model, needs, tried, kind=kind)
        self.chosen = 0
        self.conversation = ""
        self.seat: Seat | None = None
        self.error: PotluckError | None = None

    def room(self) -> Room:
        raise AssertionError("its prompt is short")

    def seated(self, seat: Seat) -> None:
        assert self.seat is None
        assert self.error is None
        self.seat = seat

    def choose(self) -> None:
        self.chosen += 1

    def refused(self, error: PotluckError) -> None:
        assert self.seat is None
        assert self.error is None
        self.error = error


class Backend:
    """An engine that must be told to load: ready when a test says so."""

    def __init__(self) -> None:
        self.ready: set[str] = set()
        self.prepared: list[tuple[str, frozenset[Capability]]] = []
        self.go = asyncio.Event()
        self.error: NodeError | None = None

    def address(self, model: Model, needs: frozenset[Capability] = frozenset()) -> Address | None:
        return Address("x", 1) if model.id in self.ready else None

    async def prepare(self, model: Model, needs: frozenset[Capability] = frozenset()) -> None:
        self.prepared.append((model.id, needs))
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.ready.add(model.id)


class Keeper:
    """Puts models out, when a test says so."""

    def __init__(self) -> None:
        self.put_out: list[str] = []
        self.go = asyncio.Event()
        self.error: PotluckError | None = None

    async def unload(self, name: str, http: object) -> None:
        self.put_out.append(name)
        await self.go.wait()
        if self.error is not None:
            raise self.error


class Hall:
    """Engines ``e0``, ``e1``, … on nodes ``n0``, ``n1``, … each with so many slots."""

    def __init__(
        self,
        *slots: int,
        depth: int = 3,
        routes: Mapping[str, RouteRule] | None = None,
        models: tuple[Model, ...] = (Model(ModelId("m"), resident=True),),
        memory_bytes: int | None = None,
    ) -> None:
        self.now = 0.0
        self.backend, self.keeper = Backend(), Keeper()
        self.tasks: set[asyncio.Future[None]] = set()
        installations = [
            Installation(
                EngineId(f"e{i}"),
                NodeId(f"n{i}"),
                EngineKind.OPENAI,
                self.backend,  # type: ignore[arg-type]
                None,  # type: ignore[arg-type]
                count,
                keeper=self.keeper,  # type: ignore[arg-type]
                memory_bytes=memory_bytes,
            )
            for i, count in enumerate(slots)
        ]
        self.fleet = Fleet(installations, routes or {}, clock=lambda: self.now, interval_s=30)
        self.scheduler = Scheduler(depth=depth, limits=limits_within(60))
        self.dispatcher = Dispatcher(self.fleet, self.scheduler, lambda: self.now, self.spawn)
        for engine in self.fleet.engines:
            self.fleet.reported(engine, Report(models))

    def spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        self.tasks.add(asyncio.ensure_future(work))

    def down(self, engine: str) -> None:
        for _ in range(2):
            self.fleet.saw(EngineId(engine), Seen.PROBE_MISSED, "gone")

    def caller(self, name: str, **wish: object) -> Caller:
        caller = Caller(name, **wish)  # type: ignore[arg-type]
        self.dispatcher.seek(caller)
        return caller


def test_who_comes_first_is_seated_and_the_next_waits_until_the_slot_is_free() -> None:
    hall = Hall(1)
    first, second = hall.caller("1"), hall.caller("2")
    assert first.seat is not None
    assert second.seat is None
    hall.dispatcher.release(first.seat)
    assert second.seat is not None


def test_releasing_twice_frees_one_slot() -> None:
    hall = Hall(1)
    first = hall.caller("1")
    assert first.seat is not None
    hall.dispatcher.release(first.seat)
    hall.dispatcher.release(first.seat)
    assert hall.fleet.busy[EngineId("e0")] == 0


def test_an_engine_that_loads_with_another_context_is_looked_at_once_as_soon_as_it_has() -> None:
    hall = Hall(1)
    looked: list[str] = []
    hall.fleet.look_now = looked.append
    seat = hall.caller("1").seat
    assert seat is not None
    seat.look = True
    hall.dispatcher.first(seat, 1.0)
    assert looked == [seat.engine]
    hall.dispatcher.release(seat)
    assert looked == [seat.engine]


def test_a_full_line_refuses_with_a_time_to_come_back() -> None:
    hall = Hall(1, depth=0)
    hall.caller("1")
    refused = hall.caller("2").error
    assert isinstance(refused, QueueFull)
    assert refused.retry_after_s > 0


def test_waiting_too_long_is_an_answer_too() -> None:
    hall = Hall(1)
    hall.caller("1")
    second = hall.caller("2")
    hall.now = 61
    hall.dispatcher.expire()
    assert isinstance(second.error, QueueFull)
    assert hall.dispatcher.waiting == 0


def test_errors_say_who_must_act() -> None:
    hall = Hall(1)
    assert isinstance(hall.caller("1", model="x").error, ModelNotFound)
    hall.fleet.saw(EngineId("e0"), Seen.PROBE_MISSED, "gone")
    hall.fleet.saw(EngineId("e0"), Seen.PROBE_MISSED, "gone")
    assert isinstance(hall.caller("2").error, NoEngineReady)
    blind = Caller("3")
    blind.wish = Wish(RequestId("3"), UserId("k"), "m", frozenset({Capability.VISION}))
    hall.dispatcher.seek(blind)
    assert isinstance(blind.error, Unsupported)


def test_an_unknown_name_is_answered_with_what_there_is_and_who_is_away() -> None:
    hall = Hall(1, 1)
    assert str(hall.caller("1", model="qwen:32b").error) == "model 'qwen:32b' not found. There are: m."
    for engine in ("e0", "e1"):
        hall.fleet.reported(EngineId(engine), Report(()))
    hall.fleet.saw(EngineId("e1"), Seen.PROBE_MISSED, "gone")
    hall.fleet.saw(EngineId("e1"), Seen.PROBE_MISSED, "gone")
    assert str(hall.caller("2", model="qwen:32b").error) == (
        "model 'qwen:32b' not found. No engine has a model yet. These do not answer and may have it: e1."
    )


def test_a_route_whose_models_no_machine_has_shown_is_not_an_unknown_name() -> None:
    hall = Hall(1, routes={"coding": RouteRule("coding", (ModelId("qwen"),))})
    refused = hall.caller("1", model="coding").error
    assert isinstance(refused, NoEngineReady)
    assert refused.message == "No machine that is up has a model of route 'coding'."


def test_who_asks_for_auto_is_asked_to_choose() -> None:
    hall = Hall(1)
    for number, name in enumerate(("auto", "Auto:latest")):
        caller = hall.caller(str(number), model=name)
        assert (caller.chosen, caller.seat, caller.error) == (1, None, None)


def test_calls_by_an_alias_wait_in_the_line_of_what_it_stands_for() -> None:
    hall = Hall(1, routes={"chat": RouteRule("chat", (ModelId("m"),))})
    hall.fleet.catalogue.reroute({"chat": RouteRule("chat", (ModelId("m"),))}, {"gpt": "chat", "mine": "M"})
    first = hall.caller("1", model="gpt")
    assert first.seat is not None
    assert (first.seat.route, first.seat.model.id) == ("chat", "m")
    waiting = [hall.caller("2", model="mine"), hall.caller("3", model="m")]
    hall.dispatcher.release(first.seat)
    assert waiting[0].seat is not None
    # The alias is pointed elsewhere: who waits for what it stood for goes on waiting.
    hall.fleet.catalogue.reroute({}, {"mine": "nothing"})
    hall.dispatcher.changed((), routes=True)
    hall.dispatcher.release(waiting[0].seat)
    assert waiting[1].seat is not None


def test_what_a_model_cannot_do_others_may() -> None:
    hall = Hall(1)
    seeing = Model(ModelId("seer"), capabilities=frozenset({Capability.COMPLETION, Capability.VISION}))
    hall.fleet.reported(EngineId("e0"), Report((Model(ModelId("m"), resident=True), seeing)))
    blind = Caller("1")
    blind.wish = Wish(RequestId("1"), UserId("k"), "m", frozenset({Capability.VISION}))
    hall.dispatcher.seek(blind)
    assert str(blind.error) == '"m" does not support vision. Ask for one that does: seer.'


def test_a_call_that_names_no_model_is_told_what_it_may_name() -> None:
    assert nothing_to_choose(["a", "b"]).hint == "Name a model: a, b."
    assert nothing_to_choose([]).hint == "'potluck nodes ls' shows why."


def test_with_nothing_left_to_try_the_last_engines_error_is_the_answer() -> None:
    hall = Hall(1)
    failure = NodeUnreachable("refused", node="n0")
    caller = Caller("1")
    caller.wish = Wish(RequestId("1"), UserId("k"), "m", COMPLETION, frozenset({EngineId("e0")}), failure)
    hall.dispatcher.seek(caller)
    assert caller.error is failure


def test_an_engine_that_comes_up_serves_those_who_wait() -> None:
    hall = Hall(1, 1)
    hall.fleet.saw(EngineId("e1"), Seen.PROBE_MISSED, "gone")
    hall.fleet.saw(EngineId("e1"), Seen.PROBE_MISSED, "gone")
    hall.caller("1")
    second = hall.caller("2")
    assert second.seat is None
    hall.fleet.saw(EngineId("e1"), Seen.PROBE_OK, "back")
    assert second.seat is not None
    assert second.seat.engine == "e1"


def test_a_call_that_ends_in_the_instant_it_is_seated_lets_the_next_one_in() -> None:
    hall = Hall(1)

    class Hasty(Caller):
        def seated(self, seat: Seat) -> None:
            super().seated(seat)
            hall.dispatcher.release(seat)

    first = hall.caller("1")
    hasty = Hasty("2")
    hall.dispatcher.seek(hasty)
    third = hall.caller("3")
    assert first.seat is not None
    hall.dispatcher.release(first.seat)
    assert hasty.seat is not None
    assert third.seat is not None


def test_who_leaves_in_the_instant_of_its_turn_is_not_seated_and_its_slot_is_the_next_ones() -> None:
    hall = Hall(1, 2)
    hall.down("e1")
    hall.caller("1")

    class Pusher(Caller):
        def seated(self, seat: Seat) -> None:
            super().seated(seat)
            hall.dispatcher.leave(second)

    pusher, second = Pusher("2"), Caller("3")
    hall.dispatcher.seek(pusher)
    hall.dispatcher.seek(second)
    third = hall.caller("4")
    hall.fleet.saw(EngineId("e1"), Seen.PROBE_OK, "back")
    assert pusher.seat is not None
    assert second.seat is None
    assert third.seat is not None
    assert [engine.busy for engine in hall.fleet.snapshot()] == [1, 2]


def test_leaving_twice_or_with_a_seat_changes_nothing() -> None:
    hall = Hall(1)
    first, second = hall.caller("1"), hall.caller("2")
    hall.dispatcher.leave(first)
    hall.dispatcher.leave(second)
    hall.dispatcher.leave(second)
    assert (hall.fleet.busy[EngineId("e0")], hall.dispatcher.waiting) == (1, 0)


def test_who_waits_for_engines_that_go_down_is_told_so_at_once() -> None:
    hall = Hall(1)
    hall.caller("1")
    waiting = hall.caller("2")
    hall.down("e0")
    assert isinstance(waiting.error, NoEngineReady)
    assert hall.dispatcher.waiting == 0


def test_who_waits_for_an_engine_that_is_taken_out_of_the_configuration_is_told_so() -> None:
    hall = Hall(1)
    hall.caller("1")
    waiting = hall.caller("2")
    hall.fleet.reconfigure([], {})
    assert isinstance(waiting.error, ModelNotFound)
    assert hall.dispatcher.waiting == 0


def test_who_waits_for_a_route_goes_with_it_to_its_next_model() -> None:
    rule = RouteRule("coding", (ModelId("big"), ModelId("small")))
    hall = Hall(1, 1, routes={"coding": rule}, models=(Model(ModelId("big"), resident=True),))
    hall.down("e1")
    hall.fleet.reported(EngineId("e1"), Report((Model(ModelId("small"), resident=True),)))
    hall.caller("1", model="coding")
    waiting = hall.caller("2", model="coding")
    assert waiting.seat is None
    hall.down("e0")
    assert waiting.seat is not None
    assert (waiting.seat.model.id, waiting.seat.route) == ("small", "coding")


def test_who_has_tried_the_first_models_engines_gets_the_routes_next_model() -> None:
    rule = RouteRule("coding", (ModelId("big"), ModelId("small")))
    hall = Hall(1, 1, routes={"coding": rule}, models=(Model(ModelId("big"), resident=True),))
    hall.fleet.reported(EngineId("e1"), Report((Model(ModelId("small"), resident=True),)))
    again = hall.caller("1", model="coding", tried=frozenset({EngineId("e0")}))
    assert again.seat is not None
    assert again.seat.model.id == "small"
    usual = hall.caller("2", model="coding")
    assert usual.seat is not None
    assert usual.seat.model.id == "big"
    hall.down("e1")  # what was declared for those who tried is let go: nobody waits for it
    assert isinstance(hall.caller("3", model="coding", tried=frozenset({EngineId("e0")})).error, NoEngineReady)


def _shares(hall: Hall, calls: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for number in range(calls):
        caller = hall.caller(str(number), model="chat")
        assert caller.seat is not None
        counts[caller.seat.node] = counts.get(caller.seat.node, 0) + 1
        hall.now += 0.1
        hall.dispatcher.release(caller.seat)
    return counts


def test_a_weighted_route_gives_exactly_the_configured_shares() -> None:
    rule = RouteRule("chat", (ModelId("m"),), {NodeId("n0"): 80, NodeId("n1"): 20}, weighted=True)
    counts = _shares(Hall(2, 2, routes={"chat": rule}), 1000)
    assert abs(counts["n0"] - 800) <= 20


def test_a_route_in_order_takes_the_next_node_only_where_the_first_cannot() -> None:
    rule = RouteRule("chat", (ModelId("m"),), order=(NodeId("n1"), NodeId("n0")))
    hall = Hall(2, 2, routes={"chat": rule})
    assert _shares(hall, 10) == {"n1": 10}
    hall.down("e1")
    assert _shares(hall, 10) == {"n0": 10}


def test_a_model_that_is_larger_than_any_machine_is_refused_in_words() -> None:
    hall = Hall(1, models=(Model(ModelId("m"), memory_bytes=40),), memory_bytes=30)
    refused = hall.caller("1").error
    assert isinstance(refused, NoEngineReady)
    assert refused.message == "'m' is larger than the memory of any machine that has it."


async def test_a_model_is_loaded_for_the_call_that_needs_it_and_others_wait_for_that() -> None:
    hall = Hall(2, models=(Model(ModelId("m")),))
    first, second = hall.caller("1"), hall.caller("2")
    assert first.seat is not None
    assert first.seat.start.loads
    assert second.seat is None
    hall.backend.go.set()
    await asyncio.gather(*hall.tasks)
    assert hall.backend.prepared == [("m", COMPLETION)]
    assert second.seat is not None
    assert not second.seat.start.loads


async def test_a_load_that_fails_lets_the_next_one_try() -> None:
    hall = Hall(2, models=(Model(ModelId("m")),))
    first, second = hall.caller("1"), hall.caller("2")
    hall.backend.error = NodeUnreachable("no")
    hall.backend.go.set()
    await asyncio.gather(*hall.tasks)
    assert first.seat is not None
    assert second.seat is not None
    assert second.seat.start.loads


TWO = (Model(ModelId("m"), resident=True, memory_bytes=20), Model(ModelId("n"), memory_bytes=20))


@pytest.mark.parametrize("error", [None, NodeUnreachable("no")])
async def test_what_is_in_the_way_is_put_out_before_the_call_is_seated(error: PotluckError | None) -> None:
    hall = Hall(1, models=TWO, memory_bytes=30)
    hall.backend.ready.add("n")  # it loads at the call, as Ollama does
    hall.keeper.error = error
    caller = hall.caller("1", model="n")
    await asyncio.sleep(0)
    assert hall.keeper.put_out == ["m"]
    assert caller.seat is None
    hall.keeper.go.set()
    await asyncio.gather(*hall.tasks)
    assert caller.seat is not None
    assert caller.seat.start.loads
    hall.dispatcher.first(caller.seat, 5.0)
    hall.dispatcher.release(caller.seat, lambda seat, now: None)
    again = hall.caller("2", model="n")
    assert again.seat is not None
    assert not again.seat.start.loads


async def test_who_leaves_while_others_are_put_out_for_it_is_not_seated() -> None:
    hall = Hall(1, models=TWO, memory_bytes=30)
    caller = hall.caller("1", model="n")
    hall.dispatcher.leave(caller)
    hall.keeper.go.set()
    await asyncio.gather(*hall.tasks)
    assert caller.seat is None
    assert hall.fleet.busy[EngineId("e0")] == 0
    assert hall.backend.prepared == []


async def test_an_engine_that_goes_while_it_makes_room_is_told_to_who_was_to_go_there() -> None:
    hall = Hall(1, models=TWO, memory_bytes=30)
    caller = hall.caller("1", model="n")
    await asyncio.sleep(0)
    hall.fleet.reconfigure([], {})
    hall.keeper.go.set()
    await asyncio.gather(*hall.tasks)
    assert caller.seat is None
    assert isinstance(caller.error, ModelNotFound)


def test_a_pinned_model_is_not_put_out() -> None:
    hall = Hall(1, models=TWO, memory_bytes=30)
    hall.dispatcher.pinned = lambda engine, model: model == "m"
    hall.fleet.reported(EngineId("e0"), Report(TWO))
    assert hall.caller("1", model="n").seat is None
    assert hall.keeper.put_out == []


def test_typing_goes_before_reading_and_everybody_can_see_where_they_stand() -> None:
    hall = Hall(1)
    first = hall.caller("1")
    for name, kind in (("2", Kind.REVIEW), ("3", Kind.CHAT), ("4", Kind.COMPLETION)):
        hall.caller(name, kind=kind, key=name)
        hall.now += 0.1
    queue = hall.dispatcher.queue()
    assert [(each.request, each.kind, each.user, each.position) for each in queue] == [
        ("4", Kind.COMPLETION, "4", 1),
        ("3", Kind.CHAT, "3", 2),
        ("2", Kind.REVIEW, "2", 3),
    ]
    assert queue[2].waited_s == pytest.approx(0.3)
    assert 0 < queue[0].eta_s < queue[1].eta_s
    assert hall.dispatcher.standing(RequestId("2")) == queue[2]
    assert first.seat is not None
    hall.dispatcher.release(first.seat)
    assert hall.dispatcher.standing(RequestId("4")) is None
    assert [each.request for each in hall.dispatcher.queue()] == ["3", "2"]


@pytest.mark.parametrize(
    ("model", "needs", "kind"),
    [
        (Model(ModelId("m"), capabilities=frozenset(Capability)), COMPLETION, Kind.CHAT),
        (Model(ModelId("m"), size_bytes=20_000_000_000), COMPLETION, Kind.BIG_CHAT),
        (Model(ModelId("m"), capabilities=frozenset(Capability)), COMPLETION | {Capability.INSERT}, Kind.COMPLETION),
        (Model(ModelId("m"), capabilities=frozenset(Capability)), frozenset({Capability.EMBEDDING}), Kind.BACKGROUND),
    ],
)
def test_what_a_call_needs_and_where_it_goes_tell_its_class(
    model: Model, needs: frozenset[Capability], kind: Kind
) -> None:
    hall = Hall(1, models=(replace(model, resident=True),))
    seat = hall.caller("1", needs=needs).seat
    assert seat is not None
    assert seat.start.ask.kind is kind
    said = hall.caller("2", needs=needs, kind=Kind.REVIEW)
    hall.dispatcher.release(seat)
    assert said.seat is not None
    assert said.seat.start.ask.kind is Kind.REVIEW


def test_what_answers_tell_is_learned_kept_and_recalled() -> None:
    hall = Hall(1)
    asked: list[float] = []

    def told(seat: Seat, now: float) -> Timing:
        asked.append(now)
        return Timing(100, 1.0, 100, 2.0)

    for number in range(3):
        seat = hall.caller(str(number)).seat
        assert seat is not None
        hall.now += 0.03
        hall.dispatcher.release(seat, told)
    assert asked == pytest.approx([0.03, 0.09])  # so often is enough
    learned = hall.dispatcher.learned()
    assert learned[EngineId("e0"), ModelId("m")]["readings"] == 2
    after = Hall()
    after.dispatcher.recall({**learned, (EngineId("e9"), ModelId("m")): {"speed": 1.0}})
    assert after.dispatcher.learned() == learned


class HallMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.hall = Hall(2, 1, depth=4)
        self.callers: list[Caller] = []
        self.count = 0

    @rule(key=st.sampled_from("ab"))
    def come(self, key: str) -> None:
        self.count += 1
        self.callers.append(self.hall.caller(str(self.count), key=key))

    @precondition(lambda self: any(each.seat for each in self.callers))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from([each for each in self.callers if each.seat]))
        self.callers.remove(caller)
        assert caller.seat is not None
        self.hall.dispatcher.release(caller.seat)

    @precondition(lambda self: any(not each.seat and not each.error for each in self.callers))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from([each for each in self.callers if not each.seat and not each.error]))
        self.callers.remove(caller)
        self.hall.dispatcher.leave(caller)

    @rule(engine=st.sampled_from(["e0", "e1"]), seen=st.sampled_from(list(Seen)))
    def see(self, engine: str, seen: Seen) -> None:
        self.hall.fleet.saw(EngineId(engine), seen, "seen")

    @rule(seconds=st.floats(0, 40))
    def pass_time(self, seconds: float) -> None:
        self.hall.now += seconds
        self.hall.dispatcher.expire()

    @invariant()
    def slots_are_counted_right_and_never_overfilled(self) -> None:
        for engine in self.hall.fleet.snapshot():
            seated = sum(each.seat is not None and each.seat.engine == engine.id for each in self.callers)
            assert engine.busy == seated <= engine.slots

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """A call may step back from a free slot where another is worth the wait, but somebody must be running, a
        drained node may be resumed, or an engine that loads will be ready."""
        waiting = [each for each in self.callers if not each.seat and not each.error]
        assert len(waiting) == self.hall.dispatcher.waiting == len(self.hall.dispatcher.queue()) <= 4
        serving = [engine for engine in self.hall.fleet.snapshot() if engine.health in (Health.UP, Health.SUSPECT)]
        drained = any(engine.health is Health.DRAINING for engine in self.hall.fleet.snapshot())
        loading = any(engine.loading for engine in serving)
        assert not waiting or drained or loading or any(engine.busy for engine in serving)
        assert not waiting or all(engine.busy == engine.slots for engine in serving if engine.health is Health.UP)


TestHall = HallMachine.TestCase
TestHall.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
