"""Seats: whatever comes, waits, leaves and ends, no slot is overfilled and none idles while somebody could use it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from potluck.backends.port import Report
from potluck.core.catalogue import RouteRule
from potluck.core.errors import ModelNotFound, NodeUnreachable, NoEngineReady, PotluckError, QueueFull, Unsupported
from potluck.core.health import Seen
from potluck.core.model import Capability, EngineId, EngineKind, KeyId, Model, ModelId, NodeId, RequestId
from potluck.core.waiting import Line
from potluck.gateway.dispatch import Dispatcher, Seat, Wish, nothing_to_choose
from potluck.gateway.fleet import Fleet, Installation

COMPLETION = frozenset({Capability.COMPLETION})


class Caller:
    """A `dispatch.Seeker` that remembers what it was told, exactly once."""

    def __init__(self, name: str, model: str = "m", key: str = "k", tried: frozenset[EngineId] = frozenset()) -> None:
        self.wish = Wish(RequestId(name), KeyId(key), model, COMPLETION, tried)
        self.seat: Seat | None = None
        self.error: PotluckError | None = None

    def seated(self, seat: Seat) -> None:
        assert self.seat is None
        assert self.error is None
        self.seat = seat

    def refused(self, error: PotluckError) -> None:
        assert self.seat is None
        assert self.error is None
        self.error = error


class Hall:
    def __init__(self, *slots: int, depth: int = 3, routes: Mapping[str, RouteRule] | None = None) -> None:
        self.now = 0.0
        installations = [
            Installation(EngineId(f"e{i}"), NodeId(f"n{i}"), EngineKind.OPENAI, None, None, count)  # type: ignore[arg-type]
            for i, count in enumerate(slots)
        ]
        self.fleet = Fleet(installations, routes or {}, clock=lambda: self.now, interval_s=30)
        self.line = Line(depth, 60)
        self.dispatcher = Dispatcher(self.fleet, self.line, lambda: self.now)
        for engine in self.fleet.engines:
            self.fleet.reported(engine, Report((Model(ModelId("m"), resident=True),)))

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
    blind.wish = Wish(RequestId("3"), KeyId("k"), "m", frozenset({Capability.VISION}))
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


def test_what_a_model_cannot_do_others_may() -> None:
    hall = Hall(1)
    seeing = Model(ModelId("seer"), capabilities=frozenset({Capability.COMPLETION, Capability.VISION}))
    hall.fleet.reported(EngineId("e0"), Report((Model(ModelId("m"), resident=True), seeing)))
    blind = Caller("1")
    blind.wish = Wish(RequestId("1"), KeyId("k"), "m", frozenset({Capability.VISION}))
    hall.dispatcher.seek(blind)
    assert str(blind.error) == '"m" does not support vision. Ask for one that does: seer.'


def test_a_call_that_names_no_model_is_told_what_it_may_name() -> None:
    assert nothing_to_choose(["a", "b"]).hint == "Name a model: a, b."
    assert nothing_to_choose([]).hint == "'potluck nodes ls' shows why."


def test_with_nothing_left_to_try_the_last_engines_error_is_the_answer() -> None:
    hall = Hall(1)
    failure = NodeUnreachable("refused", node="n0")
    caller = Caller("1")
    caller.wish = Wish(RequestId("1"), KeyId("k"), "m", COMPLETION, frozenset({EngineId("e0")}), failure)
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
    def no_slot_idles_while_somebody_waits(self) -> None:
        waiting = [each for each in self.callers if not each.seat and not each.error]
        assert len(waiting) == self.hall.dispatcher.waiting <= 4
        free = [
            engine
            for engine in self.hall.fleet.snapshot()
            if engine.busy < engine.slots and engine.health.value in ("up", "suspect")
        ]
        assert not (waiting and free)


TestHall = HallMachine.TestCase
TestHall.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
