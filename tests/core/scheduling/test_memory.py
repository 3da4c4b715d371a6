from __future__ import annotations

import pytest

from potluck.core.model import EngineId, Health, ModelId, RequestId
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.fleet import COLD_S
from potluck.core.scheduling.rates import Timing

from .fleets import ask, engine, model, scheduler, told

A = EngineId("a")


def r(name: str) -> RequestId:
    return RequestId(name)


def test_a_model_that_fits_is_loaded_without_putting_any_out() -> None:
    fleet = scheduler(engine("a", [model("m"), model("n", resident=False)]))
    assert told(fleet.arrive(ask("r1", "n"), 0.0)) == ["load n a", "start r1 a"]


def test_the_idle_model_that_is_least_missed_is_put_out() -> None:
    fleet = scheduler(engine("a", [model("m", 6), model("n", 6), model("big", 10, resident=False)]))
    fleet.arrive(ask("r1", "m"), 0.0)
    fleet.finish(r("r1"), 1.0)
    assert told(fleet.arrive(ask("r2", "big"), 2.0)) == ["evict n a", "load big a", "start r2 a"]


def test_no_more_is_put_out_than_needed() -> None:
    fleet = scheduler(engine("a", [model("small", 1), model("m", 8), model("big", 12, resident=False)]))
    fleet.arrive(ask("r1", "m"), 0.0)
    fleet.finish(r("r1"), 1.0)
    assert told(fleet.arrive(ask("r2", "big"), 2.0))[:1] == ["evict m a"]
    assert "evict small a" not in told(fleet.tick(2.0))


def test_a_model_in_use_is_not_put_out_until_it_is_idle() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)]))
    fleet.arrive(ask("r1", "m"), 0.0)
    assert told(fleet.arrive(ask("r2", "big"), 0.0)) == ["wait r2"]
    assert told(fleet.finish(r("r1"), 5.0)) == ["evict m a", "load big a", "start r2 a"]


def test_a_model_in_use_without_end_is_drained_for_who_has_waited_long() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)]))
    fleet.arrive(ask("r0", "m"), 0.0)
    fleet.arrive(ask("big", "big", user="bert"), 0.0)
    running, now = ["r0"], 0.0
    for number in range(1, 100):
        now += 4.0
        decisions = told(fleet.arrive(ask(f"r{number}", "m"), now)) + told(fleet.finish(r(running.pop(0)), now))
        running += [text.split()[1] for text in decisions if text.startswith("start")]
        if "big" in running:
            break
    assert "big" in running
    assert now < 60.0


def test_a_node_kept_for_a_call_is_open_again_when_that_leaves() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)], slots=2))
    fleet.arrive(ask("r0", "m"), 0.0)
    fleet.arrive(ask("big", "big"), 0.0)
    fleet.tick(30.0)
    assert told(fleet.arrive(ask("r1", "m"), 31.0)) == ["wait r1"]
    assert told(fleet.leave(r("big"), 32.0)) == ["start r1 a"]


def test_a_call_that_finds_another_node_gives_up_the_one_it_kept() -> None:
    fleet = scheduler(
        engine("a", [model("m", 10), model("big", 10, resident=False)]),
        engine("b", [model("big", 10)], health=Health.DOWN),
    )
    fleet.arrive(ask("r0", "m"), 0.0)
    fleet.arrive(ask("big", "big"), 0.0)
    fleet.tick(30.0)
    fleet.engine(engine("b", [model("big", 10)], slots=1), 31.0)
    assert told(fleet.arrive(ask("r1", "m"), 31.0)) == ["start r1 a"]


def test_a_claim_moves_on_with_the_call() -> None:
    fleet = scheduler(
        engine("a", [model("m", 10), model("big", 10, resident=False)]),
        engine("b", [model("n", 10), model("big", 10, resident=False)], health=Health.DOWN),
    )
    fleet.arrive(ask("r0", "m"), 0.0)
    fleet.arrive(ask("big", "big"), 0.0)
    fleet.tick(30.0)
    fleet.engine(engine("a", [model("m", 10), model("big", 10, resident=False)], health=Health.DOWN), 31.0)
    fleet.engine(engine("b", [model("n", 10), model("big", 10, resident=False)], health=Health.UP), 31.0)
    assert fleet.waiting == 0


def test_two_engines_of_a_node_share_its_memory() -> None:
    fleet = scheduler(
        engine("text", [model("m", 10)], node="n"), engine("image", [model("sd", 10, resident=False)], node="n")
    )
    assert told(fleet.arrive(ask("r1", "sd", kind=Kind.IMAGE), 0.0)) == [
        "evict m text",
        "load sd image",
        "start r1 image",
    ]


def test_one_load_at_a_time_on_a_node() -> None:
    fleet = scheduler(engine("a", [model("m", 4, resident=False), model("n", 4, resident=False)]))
    fleet.arrive(ask("r1", "m"), 0.0)
    assert told(fleet.arrive(ask("r2", "n"), 0.0)) == ["wait r2"]
    assert told(fleet.loaded(A, ModelId("m"), 3.0, 3.0)) == ["load n a", "start r2 a"]


def test_calls_for_a_model_that_is_loading_wait_and_start_when_it_is_there() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False)]))
    fleet.arrive(ask("r1"), 0.0)
    assert told(fleet.arrive(ask("r2"), 1.0)) == ["wait r2"]
    assert told(fleet.first(r("r1"), 8.0)) == ["start r2 a"]


def test_a_load_that_failed_is_tried_again_for_the_next() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False)]))
    fleet.arrive(ask("r1"), 0.0)
    fleet.load_failed(A, ModelId("m"), 1.0)
    fleet.fail(r("r1"), 1.0)
    assert told(fleet.arrive(ask("r2"), 2.0)) == ["load m a", "start r2 a"]
    assert told(fleet.finish(r("r2"), 9.0)) == []
    assert told(fleet.arrive(ask("r3"), 10.0)) == ["start r3 a"]


def test_a_load_whose_caller_left_is_over() -> None:
    fleet = scheduler(engine("a", [model("m", 4, resident=False), model("n", 4, resident=False)]))
    fleet.arrive(ask("r1"), 0.0)
    fleet.leave(r("r1"), 1.0)
    assert told(fleet.arrive(ask("r2", "n"), 1.0)) == ["load n a", "start r2 a"]


def test_what_an_engine_loads_and_unloads_by_itself_is_seen() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False)]))
    fleet.engine(engine("a", [model("m")]), 1.0)
    assert told(fleet.arrive(ask("r1"), 1.0)) == ["start r1 a"]
    fleet.finish(r("r1"), 2.0)
    fleet.engine(engine("a", [model("m", resident=False)]), 3.0)
    assert told(fleet.arrive(ask("r2"), 3.0)) == ["load m a", "start r2 a"]
    assert told(fleet.engine(engine("a", [model("m", resident=False)]), 4.0)) == []
    fleet.engine(engine("a", [model("m")]), 5.0)
    assert told(fleet.arrive(ask("r3"), 5.0)) == ["start r3 a"]
    # Too old a list: r3 runs on it.
    fleet.engine(engine("a", [model("m", resident=False)]), 6.0)
    fleet.finish(r("r2"), 6.0)
    assert told(fleet.arrive(ask("r4"), 6.0)) == ["start r4 a"]


def test_a_list_older_than_an_eviction_does_not_bring_the_model_back() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)]))
    fleet.arrive(ask("r1", "big"), 0.0)
    fleet.engine(engine("a", [model("m", 10), model("big", 10, resident=False)]), 1.0)
    fleet.finish(r("r1"), 20.0)
    assert told(fleet.arrive(ask("r2", "m"), 20.0)) == ["evict big a", "load m a", "start r2 a"]


def test_background_work_puts_out_cold_models_only() -> None:
    fleet = scheduler(engine("a", [model("chat", 10), model("title", 10, resident=False)]))
    fleet.arrive(ask("r1", "chat"), 0.0)
    fleet.finish(r("r1"), 1.0)
    assert told(fleet.arrive(ask("r2", "title", kind=Kind.BACKGROUND), 2.0)) == ["wait r2"]
    assert told(fleet.tick(COLD_S / 2)) == []
    assert told(fleet.tick(COLD_S + 2.0)) == ["evict chat a", "load title a", "start r2 a"]


def test_background_work_prefers_small_nodes() -> None:
    small = engine("small", [model("m")], memory_gb=8)
    big = engine("big", [model("m")], memory_gb=64)
    fleet = scheduler(big, small)
    assert told(fleet.arrive(ask("r1", kind=Kind.BACKGROUND), 0.0)) == ["start r1 small"]
    assert told(fleet.arrive(ask("r2", kind=Kind.CHAT), 0.0)) == ["start r2 big"]


def test_a_pinned_model_stays() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)]))
    fleet.pin(A, ModelId("m"), pinned=True)
    fleet.pin(A, ModelId("no such"), pinned=True)
    assert told(fleet.arrive(ask("r1", "big"), 0.0)) == ["wait r1"]
    fleet.pin(A, ModelId("m"), pinned=False)
    assert told(fleet.tick(1.0)) == ["evict m a", "load big a", "start r1 a"]


def test_a_model_larger_than_the_node_is_never_tried() -> None:
    fleet = scheduler(engine("a", [model("m", 20, resident=False)]))
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["refuse r1 NOT_UP"]


def test_where_the_memory_is_unknown_the_engine_sees_to_it() -> None:
    fleet = scheduler(engine("a", [model("m", 20), model("n", 20, resident=False)], memory_gb=None))
    assert told(fleet.arrive(ask("r1", "n"), 0.0)) == ["load n a", "start r1 a"]


def test_a_model_the_engine_no_longer_has_gets_no_calls() -> None:
    fleet = scheduler(engine("a", [model("m"), model("n")]), engine("b", [model("m")], health=Health.DOWN))
    fleet.arrive(ask("r1", "m"), 0.0)
    fleet.engine(engine("a", [model("n")]), 1.0)
    assert told(fleet.arrive(ask("r2", "m"), 1.0)) == ["refuse r2 NOT_UP"]
    fleet.finish(r("r1"), 2.0)
    fleet.engine(engine("a", [model("n")]), 2.0)
    assert told(fleet.loaded(A, ModelId("m"), 3.0)) == []
    assert told(fleet.load_failed(A, ModelId("m"), 3.0)) == []


def test_an_engine_that_goes_while_it_loads_blocks_nobody() -> None:
    fleet = scheduler(
        engine("text", [model("m", 4, resident=False)], node="n"),
        engine("image", [model("sd", 4, resident=False)], node="n"),
    )
    fleet.arrive(ask("r1", "m"), 0.0)
    fleet.engine_gone(EngineId("text"), 1.0)
    assert told(fleet.arrive(ask("r2", "sd"), 1.0)) == ["load sd image", "start r2 image"]


def test_a_claim_on_a_node_that_left_the_fleet_is_forgotten() -> None:
    fleet = scheduler(
        engine("a", [model("m", 10), model("big", 10, resident=False)]),
        engine("b", [model("big", 10)], slots=1),
    )
    fleet.arrive(ask("b0", "big", tried=["a"]), 0.0)
    fleet.arrive(ask("r0", "m"), 0.0)
    fleet.arrive(ask("big", "big", tried=["b"]), 0.0)
    fleet.tick(30.0)
    fleet.engine_gone(A, 31.0)
    fleet.engine(engine("a", [model("m", 10), model("big", 10, resident=False)]), 32.0)
    assert fleet.waiting == 0


def test_who_claims_one_node_and_comes_to_wait_for_another_lets_go() -> None:
    a = engine("a", [model("m", 10), model("big", 10, resident=False)])
    fleet = scheduler(a, engine("b", [model("x", 2), model("big", 10)], slots=1))
    fleet.engine(engine("b", [model("x", 2)], slots=1), 0.0)
    for request, name in (("r0", "m"), ("x0", "x"), ("big", "big")):
        fleet.arrive(ask(request, name), 0.0)
    fleet.tick(30.0)
    assert told(fleet.arrive(ask("r1", "m"), 30.0)) == ["wait r1"]
    # Now b has it too, and will have its slot free long before a could load it.
    fleet.engine(engine("b", [model("x", 2), model("big", 10)], slots=1), 31.0)
    assert told(fleet.tick(31.5)) == ["start r1 a"]


def test_a_call_whose_load_failed_does_not_count_as_what_is_in_the_way() -> None:
    fleet = scheduler(
        engine("a", [model("m"), model("n", 4, resident=False), model("big", 10, resident=False)], slots=4)
    )
    fleet.arrive(ask("m0", "m"), 0.0)
    fleet.arrive(ask("big0", "big"), 0.0)
    fleet.load_failed(A, ModelId("big"), 1.0)
    fleet.arrive(ask("n0", "n"), 2.0)
    fleet.loaded(A, ModelId("n"), 3.0)
    assert told(fleet.arrive(ask("big1", "big"), 4.0)) == ["wait big1"]


def test_a_conversation_gives_up_its_slot_to_others() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    lane = fleet._fleet.engines[A].lanes[ModelId("m")]
    for talk in ("x", "y"):
        fleet.arrive(ask(talk, conversation=talk), 0.0)
        fleet.finish(r(talk), 1.0, Timing(100, 1.0, 50, 1.0))
    assert set(lane.warm) == {"y"}


def test_a_conversation_keeps_its_slot_while_another_one_is_free() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=2))
    lane = fleet._fleet.engines[A].lanes[ModelId("m")]
    for talk in ("x", "y"):
        fleet.arrive(ask(talk, conversation=talk), 0.0)
        fleet.finish(r(talk), 1.0, Timing(100, 1.0, 50, 1.0))
    assert set(lane.warm) == {"x", "y"}


def test_what_is_kept_leaves_out_models_that_never_ran() -> None:
    fleet = scheduler(engine("a", [model("m"), model("n")]))
    fleet.arrive(ask("r1", "m"), 0.0)
    fleet.finish(r("r1"), 1.0, Timing(100, 1.0, 50, 1.0))
    assert set(fleet.rates()) == {(A, ModelId("m"))}


def test_a_slot_that_falls_free_on_a_kept_node_goes_to_nobody_else() -> None:
    fleet = scheduler(engine("a", [model("m", 10), model("big", 10, resident=False)], slots=2))
    for request, name in (("r0", "m"), ("r1", "m"), ("big", "big"), ("r2", "m")):
        fleet.arrive(ask(request, name), 0.0)
    fleet.tick(30.0)
    assert told(fleet.finish(r("r0"), 31.0)) == []
    assert told(fleet.finish(r("r1"), 32.0))[-1] == "start big a"


def test_a_slot_that_falls_free_on_one_engine_is_of_no_use_to_calls_for_its_neighbour() -> None:
    fleet = scheduler(
        engine("text", [model("m")], node="n", slots=1), engine("image", [model("sd")], node="n", slots=1)
    )
    for request, name in (("r0", "m"), ("i0", "sd"), ("i1", "sd")):
        fleet.arrive(ask(request, name), 0.0)
    assert told(fleet.finish(r("r0"), 1.0)) == []


def test_of_two_engines_the_sooner_one_is_expected() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("m", 12)], slots=1))
    for number in range(3):
        fleet.arrive(ask(f"r{number}", tokens=10), 0.0)
    (only,) = fleet.standings(0.0).values()
    ends = [fleet._fleet.engines[EngineId(name)].release_s(0.0, 1) for name in "ab"]
    assert only.eta_s == min(ends)
    idle = scheduler(engine("a", [model("m")]))
    assert idle._fleet.engines[A].release_s(0.0, 1) == 0.0
    (start,) = idle.arrive(ask("r0"), 0.0)
    assert isinstance(start, Start)
    assert start.model == "m"


def test_a_prefix_is_remembered_also_of_an_answer_that_taught_nothing_else() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    lane = fleet._fleet.engines[A].lanes[ModelId("m")]
    fleet.arrive(ask("1", conversation="x", tokens=100), 0.0)
    fleet.finish(r("1"), 1.0)
    assert lane.prefix("x", 400)[0] < 300
    assert lane.prefix("y", 400) == (400, 0.0)


def test_the_prefix_of_another_conversation_is_worth_something() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("m")], slots=1))
    for name, other in (("a", "b"), ("b", "a")):
        fleet.arrive(ask(name, tried=[other], tokens=1000), 0.0)
        fleet.finish(r(name), 2.0, Timing(1000, 1.0, 50, 1.0))
    places: dict[str, str] = {}
    for turn in range(3):
        for talk in ("x", "y"):
            name = f"{talk}{turn}"
            (start,) = fleet.arrive(ask(name, conversation=talk, tokens=1000), 10.0 + 10.0 * turn)
            assert isinstance(start, Start)
            assert places.setdefault(talk, start.engine) == start.engine
            fleet.finish(r(name), 12.0 + 10.0 * turn, Timing(1000, 1.0, 50, 1.0))
    assert len(set(places.values())) == 2


def test_an_engine_seems_no_faster_for_what_it_had_in_its_cache_and_does_not_tell() -> None:
    """Ollama counts a prompt's tokens whole, and the seconds of those that it read."""
    fleet = scheduler(engine("a", [model("m")]))
    state = fleet._fleet.engines[A]
    for turn in range(20):
        fresh = 1000 if turn == 0 else 100
        fleet.arrive(ask(f"r{turn}", conversation="x", tokens=1000), 10.0 * turn)
        timing = Timing(1000, fresh / 500, 50, 1.0, maybe_cached=True)
        fleet.finish(r(f"r{turn}"), 10.0 * turn + 3.0, timing)
    assert state.lanes[ModelId("m")].rates.prefill_tps == 500.0
    assert state.learned == pytest.approx(1.0, rel=0.05)
