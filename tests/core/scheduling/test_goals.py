from __future__ import annotations

from potluck.core.model import EngineId, Health, Model, ModelId, RequestId, UserId
from potluck.core.scheduling.asks import Place, Policy
from potluck.core.scheduling.decisions import Refuse
from potluck.core.scheduling.dispatch import LOOK_AHEAD
from potluck.core.scheduling.fleet import memory_of
from potluck.core.scheduling.goals import LOOK_AT, WINDOW
from potluck.core.scheduling.rates import Timing
from potluck.core.scheduling.shares import Shares

from .fleets import ask, engine, model, scheduler, told

MANY = [engine(f"e{number:02}", [model("m")], slots=1) for number in range(40)]


def test_of_a_large_fleet_a_part_is_looked_at_another_each_time_and_all_before_long() -> None:
    goal = scheduler(*MANY)._fleet.goals["m"]
    looks = [{lane.engine.id for lane, _ in goal.sample(None, ask("look"))} for _ in range(40 // WINDOW)]
    assert all(len(look) == WINDOW < LOOK_AT for look in looks)
    assert set.union(*looks) == {one.id for one in MANY}


def test_the_node_that_changed_and_the_conversations_last_are_always_looked_at() -> None:
    fleet = scheduler(*MANY)
    goal = fleet._fleet.goals["m"]
    fleet.arrive(ask("r1", conversation="x", tried=[one.id for one in MANY[:39]]), 0.0)
    fleet.finish(RequestId("r1"), 1.0, Timing(100, 1.0, 50, 1.0))
    node = fleet._fleet.engines[EngineId("e20")].node
    seats = {lane.engine.id for lane, _ in goal.sample(node, ask("look", conversation="x"))}
    assert {EngineId("e20"), EngineId("e39")} <= seats


def test_a_large_fleet_serves_a_long_queue() -> None:
    fleet = scheduler(*MANY)
    running = [text.split()[1] for n in range(120) for text in told(fleet.arrive(ask(f"r{n}"), 0.0)) if "start" in text]
    assert len(running) == 40
    assert fleet.waiting == 80 > LOOK_AHEAD
    now = 0.0
    while running:
        now += 1.0
        decisions = told(fleet.finish(RequestId(running.pop(0)), now)) + told(fleet.tick(now))
        running += [text.split()[1] for text in decisions if text.startswith("start")]
    assert fleet.waiting == 0


def test_shares_go_on_with_those_that_are_left() -> None:
    a, b = Place(EngineId("a"), ModelId("m")), Place(EngineId("b"), ModelId("m"))
    shares = Shares({a: 1.0, b: 0.0})
    assert shares.pick([a, b]) == a
    assert shares.pick([b]) == b
    assert Shares({a: 0.0, b: 0.0}).pick([a]) == a


def test_a_bound_call_whose_engine_goes_down_is_bound_anew() -> None:
    both = [engine(name, [model("m")], slots=1) for name in ("a", "b")]
    fleet = scheduler(*both, policy=Policy.WEIGHTED)
    running = [text.split()[1:] for n in range(2) for text in told(fleet.arrive(ask(f"r{n}"), 0.0))]
    assert {place for _, place in running} == {"a", "b"}
    fleet.arrive(ask("w"), 0.0)
    bound = fleet._queue.by_request[RequestId("w")].bound
    assert bound is not None
    fleet.engine(engine(bound.engine, [model("m")], slots=1, health=Health.DOWN), 1.0)
    (other,) = (request for request, place in running if place != bound.engine)
    assert told(fleet.finish(RequestId(other), 2.0)) == [f"start w {'a' if bound.engine == 'b' else 'b'}"]


def test_a_waiting_call_of_a_policy_stays_when_all_its_engines_go_down() -> None:
    for policy in Policy:
        fleet = scheduler(engine("a", [model("m")], slots=1), policy=policy)
        fleet.arrive(ask("r0"), 0.0)
        fleet.arrive(ask("r1"), 0.0)
        assert told(fleet.engine(engine("a", [model("m")], slots=1, health=Health.DOWN), 1.0)) == []
        assert told(fleet.tick(1.5)) == []
        assert told(fleet.arrive(ask("r2"), 1.0)) == ["refuse r2 NOT_UP"]
        fleet.finish(RequestId("r0"), 2.0)
        assert told(fleet.engine(engine("a", [model("m")], slots=1), 3.0)) == ["start r1 a"]


def test_memory_is_what_the_engine_tells_else_from_the_size_else_a_guess() -> None:
    assert memory_of(Model(ModelId("m"), memory_bytes=7, size_bytes=1)) == 7
    assert memory_of(Model(ModelId("m"), size_bytes=100)) == 114
    assert memory_of(Model(ModelId("m"))) > 10**9


def test_a_retry_in_a_large_fleet_finds_the_one_engine_that_is_left() -> None:
    fleet = scheduler(*MANY)
    assert told(fleet.arrive(ask("r1", tried=[one.id for one in MANY[:39]]), 0.0)) == ["start r1 e39"]


def test_the_estimate_of_a_full_queue_looks_only_at_engines_that_serve() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("m")], health=Health.DOWN), depth=1)
    fleet.arrive(ask("r0"), 0.0)
    fleet.arrive(ask("r1"), 0.0)
    (refusal,) = fleet.arrive(ask("r2"), 0.0)
    assert isinstance(refusal, Refuse)
    assert 1.0 <= refusal.retry_after_s < 600.0
    assert fleet.standings(0.0)[RequestId("r1")].position == 1


def test_who_waited_in_vain_for_an_engine_that_went_down_is_told_to_come_again_soon() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    fleet.arrive(ask("r1"), 0.0)
    fleet.engine(engine("a", [model("m")], slots=1, health=Health.DOWN), 1.0)
    (refusal,) = fleet.tick(1e6)
    assert isinstance(refusal, Refuse)
    assert refusal.retry_after_s == 5.0


def test_an_engine_with_a_slot_free_but_no_room_for_the_model_means_a_short_retry() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)]), depth=1)
    fleet.arrive(ask("r0", "m"), 0.0)
    fleet.arrive(ask("r1", "big"), 0.0)
    (refusal,) = fleet.arrive(ask("r2", "big"), 0.0)
    assert isinstance(refusal, Refuse)
    assert refusal.retry_after_s >= 1.0


def test_the_time_of_who_left_is_not_waited_for() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    fleet.arrive(ask("r1", deadline_s=5.0), 0.0)
    fleet.arrive(ask("r2", deadline_s=9.0), 0.0)
    fleet.leave(RequestId("r1"), 1.0)
    assert fleet.next_s() == 9.0


def test_a_timing_without_an_answer_teaches_no_length() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    fleet.arrive(ask("r0"), 0.0)
    fleet.finish(RequestId("r0"), 1.0, Timing(100, 1.0))
    assert fleet.rates()[EngineId("a"), ModelId("m")].prefill_tps == 100.0


def test_whose_turn_it_is_is_told_least_served_first() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    assert fleet.turns() == {}
    fleet.arrive(ask("r0", user="anna"), 0.0)
    fleet.arrive(ask("r1", user="bert"), 0.0)
    fleet.finish(RequestId("r0"), 50.0)
    for number, user in ((2, "anna"), (3, "anna"), (4, "carl")):
        fleet.arrive(ask(f"r{number}", user=user), 50.0)
    told_turns = {user: turn.waiting for user, turn in fleet.turns().items()}
    assert list(told_turns) == ["carl", "anna"]
    assert told_turns == {"carl": 1, "anna": 2}
    assert fleet.turns()[UserId("anna")].served_s > fleet.turns()[UserId("carl")].served_s
