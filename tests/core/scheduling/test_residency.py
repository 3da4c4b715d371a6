"""Models of machines that are down or drained are loaded elsewhere: which, where, and when not."""

from __future__ import annotations

import pytest

from potluck.core.model import Engine, EngineId, Health, ModelId, RequestId
from potluck.core.scheduling.fleet import COLD_S
from potluck.core.scheduling.residency import MOST_AT_ONCE, SHUNNED_S, MoveState
from potluck.core.scheduling.scheduler import Scheduler

from .fleets import ask, engine, model, scheduler, told

LOST = [Health.DOWN, Health.DRAINING]


def used(fleet: Scheduler, name: str = "m", on: str = "a", now: float = 0.0) -> None:
    """A call for a model came, was answered there, and is over."""
    others = [each for each in fleet._fleet.engines if each != on]
    fleet.arrive(ask(f"{name}{on}", name, tried=others), now)
    fleet.finish(RequestId(f"{name}{on}"), now)


def lose(fleet: Scheduler, health: Health, *models: str, on: str = "a", now: float = 1.0) -> None:
    fleet.engine(engine(on, [model(name) for name in models or ("m",)], health=health), now)


def states(fleet: Scheduler, now: float = 1.0) -> dict[str, tuple[str, str | None]]:
    return {move.model: (move.state.value, move.to) for move in fleet.moves(now)}


def why(fleet: Scheduler, now: float = 1.0) -> str:
    (move,) = fleet.moves(now)
    return move.why


def pair(*more: Engine, health: Health, name: str = "m") -> Scheduler:
    """``a`` had the model in use and is lost; ``b`` has it on disk."""
    fleet = scheduler(engine("a", [model(name)]), engine("b", [model(name, resident=False)]), *more)
    used(fleet, name)
    lose(fleet, health, name)
    return fleet


@pytest.mark.parametrize("health", LOST)
def test_a_model_in_use_on_a_machine_that_is_lost_is_loaded_on_another(health: Health) -> None:
    fleet = pair(health=health)
    assert states(fleet) == {"m": ("waiting", "b")}
    assert told(fleet.rehouse(1.0)) == ["preload m b"]
    assert states(fleet) == {"m": ("loading", "b")}
    assert told(fleet.rehouse(2.0)) == []
    fleet.loaded(EngineId("b"), ModelId("m"), 4.0, 3.0)
    assert states(fleet, 4.0) == {"m": ("elsewhere", "b")}
    assert told(fleet.rehouse(4.0)) == []
    assert told(fleet.arrive(ask("r"), 5.0)) == ["start r b"]


def test_a_call_that_comes_while_it_loads_waits_for_that_and_loads_nothing_itself() -> None:
    fleet = pair(health=Health.DRAINING)
    fleet.rehouse(1.0)
    assert told(fleet.arrive(ask("r"), 2.0)) == ["wait r"]
    assert told(fleet.loaded(EngineId("b"), ModelId("m"), 4.0, 3.0)) == ["start r b"]


@pytest.mark.parametrize("health", [Health.UP, Health.SUSPECT, Health.UNKNOWN])
def test_a_machine_that_is_not_lost_keeps_its_models(health: Health) -> None:
    fleet = pair(health=health)
    assert (told(fleet.rehouse(1.0)), states(fleet)) == ([], {})


def test_what_nobody_took_lately_stays_where_it_is() -> None:
    fleet = pair(health=Health.DRAINING)
    late = COLD_S + 1
    assert told(fleet.rehouse(late)) == []
    assert states(fleet, late) == {"m": ("unused", None)}


def test_a_pinned_model_moves_whether_it_is_used_or_not_and_is_to_stay() -> None:
    fleet = scheduler(engine("a", [model("m"), model("n")]), engine("b", [model("m", resident=False), model("n")]))
    fleet.pin(EngineId("a"), ModelId("m"), pinned=True)
    lose(fleet, Health.DRAINING, "m", "n")
    assert told(fleet.rehouse(1.0)) == ["preload m b to stay"]


def test_what_is_in_memory_elsewhere_need_not_be_loaded_again() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]))
    used(fleet)
    lose(fleet, Health.DOWN)
    assert (told(fleet.rehouse(1.0)), states(fleet)) == ([], {"m": ("elsewhere", "b")})


def test_one_name_on_two_engines_is_one_model_however_they_write_it() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m:latest", resident=False)]))
    used(fleet)
    lose(fleet, Health.DOWN)
    assert told(fleet.rehouse(1.0)) == ["preload m:latest b"]


def test_nothing_is_put_out_for_the_models_of_a_machine_that_died() -> None:
    there = engine("b", [model("cold", 14), model("m", resident=False)])
    fleet = scheduler(engine("a", [model("m")]), there)
    used(fleet, now=0.0)
    lose(fleet, Health.DOWN)
    assert told(fleet.rehouse(1.0)) == []
    assert why(fleet) == "b: the memory it needs is in use"


def test_for_an_owner_who_drains_cold_models_make_room_and_warm_ones_do_not() -> None:
    there = engine("b", [model("cold", 7), model("warm", 7), model("m", resident=False)])
    fleet = scheduler(engine("a", [model("m")]), there)
    used(fleet)
    used(fleet, "warm", "b")
    lose(fleet, Health.DRAINING)
    assert told(fleet.rehouse(1.0)) == ["evict cold b", "preload m b"]
    warm = scheduler(engine("a", [model("m")]), engine("b", [model("warm", 14), model("m", resident=False)]))
    used(warm)
    used(warm, "warm", "b")
    lose(warm, Health.DRAINING)
    assert told(warm.rehouse(1.0)) == []


def test_room_that_is_free_comes_before_room_that_is_made() -> None:
    made = engine("b", [model("cold", 14), model("m", resident=False)])
    free = engine("c", [model("m", resident=False)])
    fleet = scheduler(engine("a", [model("m")]), made, free)
    used(fleet)
    lose(fleet, Health.DRAINING)
    assert told(fleet.rehouse(1.0)) == ["preload m c"]


def test_after_a_death_calls_that_wait_come_first() -> None:
    fleet = pair(engine("c", [model("x")], slots=1), health=Health.DOWN)
    fleet.arrive(ask("x1", "x"), 1.0)
    fleet.arrive(ask("x2", "x"), 1.0)
    assert told(fleet.rehouse(1.0)) == []
    fleet.leave(RequestId("x2"), 2.0)
    assert told(fleet.rehouse(2.0)) == ["preload m b"]


def test_reloading_after_a_death_can_be_switched_off_and_draining_still_moves() -> None:
    fleet = Scheduler(reload_lost=False)
    for one in (engine("a", [model("m")]), engine("b", [model("m", resident=False)])):
        fleet.engine(one, 0.0)
    fleet.pin(EngineId("a"), ModelId("m"), pinned=True)
    lose(fleet, Health.DOWN)
    assert told(fleet.rehouse(1.0)) == []
    lose(fleet, Health.DRAINING)
    assert told(fleet.rehouse(1.0)) == ["preload m b to stay"]


def test_where_memory_is_not_known_nothing_may_be_pushed_out_by_the_engine() -> None:
    def unknown(health: Health, *, busy: bool = False, resident: bool = True) -> list[str]:
        there = engine("b", [model("x", resident=resident), model("m", resident=False)], memory_gb=None)
        fleet = scheduler(engine("a", [model("m")]), there)
        used(fleet)
        if busy:
            fleet.arrive(ask("x1", "x"), 0.0)
        lose(fleet, health)
        return told(fleet.rehouse(1.0))

    assert unknown(Health.DOWN) == []
    assert unknown(Health.DOWN, resident=False) == ["preload m b"]
    assert unknown(Health.DRAINING) == ["preload m b"]
    assert unknown(Health.DRAINING, busy=True) == []


def test_one_load_at_a_time_on_a_node_and_few_in_all() -> None:
    names = ["m0", "m1", "m2", "m3"]
    targets = [engine(f"t{i}", [model(name, resident=False)]) for i, name in enumerate(names)]
    fleet = scheduler(engine("a", [model(name) for name in names]), *targets)
    for name in names:
        used(fleet, name)
    lose(fleet, Health.DRAINING, *names)
    first = told(fleet.rehouse(1.0))
    assert len(first) == MOST_AT_ONCE
    fleet.loaded(EngineId("t0"), ModelId("m0"), 4.0)
    assert len(told(fleet.rehouse(4.0))) == 1

    same = scheduler(
        engine("a", [model("m"), model("n")]), engine("b", [model("m", resident=False), model("n", resident=False)])
    )
    used(same, "m")
    used(same, "n")
    lose(same, Health.DRAINING, "m", "n")
    assert told(same.rehouse(1.0)) == ["preload m b"]
    assert states(same) == {"m": ("loading", "b"), "n": ("waiting", "b")}
    same.loaded(EngineId("b"), ModelId("m"), 4.0)
    assert told(same.rehouse(4.0)) == ["preload n b"]


def test_where_a_load_failed_it_is_not_tried_again_at_once() -> None:
    fleet = pair(health=Health.DRAINING)
    fleet.pin(EngineId("a"), ModelId("m"), pinned=True)
    fleet.rehouse(1.0)
    fleet.load_failed(EngineId("b"), ModelId("m"), 2.0)
    assert told(fleet.rehouse(2.0)) == []
    assert why(fleet, 2.0) == "b: it could not be loaded there"
    assert told(fleet.rehouse(2.0 + SHUNNED_S)) == ["preload m b to stay"]
    fleet.load_failed(EngineId("b"), ModelId("m"), 400.0)
    assert told(fleet.rehouse(400.0)) == []


def test_a_load_that_a_call_began_is_none_of_ours() -> None:
    fleet = pair(health=Health.DRAINING)
    assert told(fleet.arrive(ask("r"), 1.0)) == ["load m b", "start r b"]
    assert told(fleet.rehouse(1.0)) == []
    fleet.load_failed(EngineId("b"), ModelId("m"), 2.0)
    fleet.fail(RequestId("r"), 2.0)
    assert told(fleet.rehouse(2.0)) == ["preload m b"]


def test_what_we_put_out_ourselves_is_not_missed() -> None:
    fleet = scheduler(
        engine("a", [model("m", 10), model("big", 10, resident=False)]), engine("b", [model("m", resident=False)])
    )
    used(fleet)
    assert told(fleet.arrive(ask("r", "big"), 2.0))[0] == "evict m a"
    fleet.engine(engine("a", [model("m", 10, resident=False), model("big", 10)], health=Health.DOWN), 3.0)
    assert told(fleet.rehouse(3.0)) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (None, "no other machine that is up has it"),
        (engine("b", [model("m", resident=False)], health=Health.DOWN), "no other machine that is up has it"),
        (engine("b", [model("m", resident=False)], health=Health.SUSPECT), "b: its engine is suspect"),
        (engine("b", [model("m", resident=False)], keeps=False), "b: its engine loads no models on request"),
        (engine("b", [model("m", resident=False)], memory_gb=2), "b: the model is larger than its memory"),
    ],
)
def test_what_cannot_move_says_why(other: Engine | None, said: str) -> None:
    fleet = scheduler(engine("a", [model("m")]), *([other] if other else []))
    used(fleet)
    lose(fleet, Health.DRAINING)
    assert told(fleet.rehouse(1.0)) == []
    assert [(move.state, move.why, move.under_way) for move in fleet.moves(1.0) if move.engine == "a"] == [
        (MoveState.NOWHERE, said, False)
    ]


def test_a_model_of_two_lost_machines_is_loaded_once() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]), engine("c", [model("m", resident=False)]))
    used(fleet, on="a")
    used(fleet, on="b")
    lose(fleet, Health.DOWN, on="a")
    lose(fleet, Health.DOWN, on="b")
    assert told(fleet.rehouse(1.0)) == ["preload m c"]


def test_a_faster_machine_is_taken_first() -> None:
    slow, fast = engine("b", [model("m", resident=False)]), engine("c", [model("m", resident=False)])
    fleet = scheduler(engine("a", [model("m")]), slow, fast)
    fleet._fleet.engines[EngineId("b")].learned = 0.5
    used(fleet)
    lose(fleet, Health.DOWN)
    assert told(fleet.rehouse(1.0)) == ["preload m c"]


def test_a_model_of_an_engine_that_puts_none_out_does_not_make_room() -> None:
    fleet = scheduler(
        engine("fixed", [model("held", 10)], node="n", keeps=False),
        engine("text", [model("m", 10, resident=False)], node="n"),
    )
    assert told(fleet.arrive(ask("r"), 0.0)) == ["wait r"]


def test_a_pinned_model_is_loaded_where_it_belongs_and_idle_ones_make_room() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False), model("idle", 14)]))
    used(fleet, "idle")
    assert told(fleet.restore(EngineId("a"), ModelId("m"), 1.0)) == ["evict idle a", "preload m a to stay"]
    assert told(fleet.restore(EngineId("a"), ModelId("m"), 2.0)) == []
    fleet.load_failed(EngineId("a"), ModelId("m"), 3.0)
    assert told(fleet.restore(EngineId("a"), ModelId("m"), 4.0)) == ["preload m a to stay"]
    fleet.loaded(EngineId("a"), ModelId("m"), 5.0)
    assert told(fleet.restore(EngineId("a"), ModelId("m"), 6.0)) == []


def test_a_pinned_model_waits_while_the_memory_is_in_use_or_its_engine_is_not_up() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False), model("used", 14)]))
    fleet.arrive(ask("r", "used"), 0.0)
    assert told(fleet.restore(EngineId("a"), ModelId("m"), 1.0)) == []
    fleet.finish(RequestId("r"), 2.0)
    fleet.engine(engine("a", [model("m", resident=False), model("used", 14)], health=Health.DRAINING), 3.0)
    assert told(fleet.restore(EngineId("a"), ModelId("m"), 3.0)) == []
    assert told(fleet.restore(EngineId("a"), ModelId("no such"), 3.0)) == []


def test_what_was_loaded_elsewhere_and_did_not_stay_is_not_loaded_again_and_again() -> None:
    fleet = pair(health=Health.DRAINING)
    fleet.rehouse(1.0)
    fleet.loaded(EngineId("b"), ModelId("m"), 4.0)
    fleet.engine(engine("b", [model("m", resident=False)]), 5.0)
    assert told(fleet.rehouse(5.0)) == []
    assert why(fleet, 5.0) == "b: it did not stay in memory there"
