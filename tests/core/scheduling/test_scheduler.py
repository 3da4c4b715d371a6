from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from potluck.core.model import Engine, EngineId, Health, ModelId, RequestId
from potluck.core.scheduling.asks import Policy, Target
from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind, Limits, limits_within
from potluck.core.scheduling.decisions import Refuse, Start
from potluck.core.scheduling.explain import candidates, replay
from potluck.core.scheduling.rates import Rates, Timing
from potluck.core.scheduling.scheduler import Scheduler

from .fleets import ask, engine, model, scheduler, targets, told

A, B = EngineId("a"), EngineId("b")
M = ModelId("m")


def r(name: str) -> RequestId:
    return RequestId(name)


# --- arrivals, ends, leaving ---------------------------------------------------------------------------------------


def test_a_call_starts_at_once_where_a_slot_is_free() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["start r1 a"]


def test_a_call_waits_when_all_slots_are_taken_and_starts_when_one_falls_free() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    assert told(fleet.arrive(ask("r2"), 1.0)) == ["wait r2"]
    assert fleet.waiting == 1
    assert told(fleet.finish(r("r1"), 2.0)) == ["start r2 a"]


def test_a_second_call_goes_to_the_other_engine() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]))
    assert {told(fleet.arrive(ask(f"r{n}"), 0.0))[0][-1] for n in range(2)} == {"a", "b"}


def test_who_leaves_the_queue_frees_its_place_at_once() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), depth=1)
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert told(fleet.arrive(ask("r3"), 0.0)) == ["refuse r3 FULL"]
    assert told(fleet.leave(r("r2"), 0.0)) == []
    assert told(fleet.arrive(ask("r4"), 0.0)) == ["wait r4"]


def test_who_leaves_an_engine_frees_its_slot_at_once() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert told(fleet.leave(r("r1"), 0.5)) == ["start r2 a"]
    assert told(fleet.leave(r("r1"), 0.6)) == []


def test_a_slot_that_somebody_elses_call_has_is_taken_until_that_ends() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    assert fleet.occupy(r("elsewhere"), A, M, 0.0)
    assert not fleet.occupy(r("elsewhere-2"), B, M, 0.0)
    assert told(fleet.arrive(ask("r1"), 1.0)) == ["wait r1"]
    assert told(fleet.fail(r("elsewhere"), 2.0)) == ["start r1 a"]


def test_events_of_calls_that_are_gone_do_nothing() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    for event in (fleet.first, fleet.finish, fleet.fail, fleet.leave):
        assert told(event(r("nobody"), 1.0)) == []
    assert fleet.silence_s(r("nobody")) == inf


def test_a_failed_call_goes_on_elsewhere_with_the_text_it_has() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]))
    first = told(fleet.arrive(ask("r1"), 0.0))[0][-1]
    other = "b" if first == "a" else "a"
    assert told(fleet.fail(r("r1"), 5.0)) == []
    assert told(fleet.arrive(ask("r1", tried=[first], sent=50, since_s=0.0), 5.0)) == [f"start r1 {other}"]
    assert told(fleet.fail(r("r1"), 6.0)) == []
    assert told(fleet.arrive(ask("r1", tried=["a", "b"]), 6.0)) == ["refuse r1 TRIED"]


def test_a_call_that_fails_gives_its_slot_to_who_waits() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert told(fleet.fail(r("r1"), 1.0)) == ["start r2 a"]


# --- refusals ------------------------------------------------------------------------------------------------------


def test_an_unknown_name_is_refused() -> None:
    assert told(scheduler(engine("a", [model("m")])).arrive(ask("r1", "no such"), 0.0)) == ["refuse r1 UNKNOWN"]


def test_a_call_is_refused_if_no_engine_with_the_model_is_up() -> None:
    fleet = scheduler(engine("a", [model("m")], health=Health.DOWN), engine("b", [model("m")], health=Health.DRAINING))
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["refuse r1 NOT_UP"]


def test_a_target_without_any_place_is_refused() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    fleet.declare([Target("m", ())], 0.0)
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["refuse r1 NOT_UP"]


def test_a_full_queue_is_refused_with_the_estimate_of_when_there_is_room() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), depth=10)
    for number in range(11):
        fleet.arrive(ask(f"r{number}"), 0.0)
    (refusal,) = fleet.arrive(ask("late"), 0.0)
    assert isinstance(refusal, Refuse)
    fleet.leave(r("r10"), 0.0)
    short = scheduler(engine("a", [model("m")], slots=1), depth=1)
    short.arrive(ask("r0"), 0.0)
    short.arrive(ask("r1"), 0.0)
    (sooner,) = short.arrive(ask("late"), 0.0)
    assert isinstance(sooner, Refuse)
    assert 1.0 <= sooner.retry_after_s < refusal.retry_after_s


def test_a_full_queue_does_not_keep_a_call_from_a_free_engine() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("n")], slots=1), depth=1)
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert told(fleet.arrive(ask("r3", "n"), 0.0)) == ["start r3 b"]


def test_a_deadline_in_the_past_is_refused() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    assert told(fleet.arrive(ask("r1", deadline_s=1.0), 1.0)) == ["refuse r1 DEADLINE"]
    assert told(fleet.arrive(ask("r2", deadline_s=2.0), 1.0)) == ["start r2 a"]


def test_a_waiting_call_is_refused_at_its_deadline() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2", deadline_s=3.0), 0.0)
    assert fleet.next_s() == 3.0
    assert told(fleet.tick(2.9)) == []
    assert told(fleet.tick(3.0)) == ["refuse r2 DEADLINE"]
    assert fleet.next_s() is None


def test_a_slot_that_falls_free_too_late_is_not_given() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2", deadline_s=3.0), 0.0)
    assert told(fleet.finish(r("r1"), 3.5)) == ["refuse r2 DEADLINE"]


def test_waiting_is_given_up_after_the_classes_longest_wait() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2", kind=Kind.COMPLETION), 0.0)
    longest_s = DEFAULT_LIMITS[Kind.COMPLETION].gives_up_s
    assert told(fleet.tick(longest_s)) == ["refuse r2 WAITED"]


def test_the_owner_sets_a_classes_limits() -> None:
    fleet = Scheduler(limits={Kind.CHAT: Limits(1.0, 2.0, 0.0, 10, longest_wait_s=7.0)})
    one = engine("a", [model("m")], slots=1)
    fleet.engine(one, 0.0)
    fleet.declare(targets([one]), 0.0)
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert fleet.next_s() == 7.0


def limited(kind: Kind, *engines: Engine, running: int | None = None, waiting: int | None = None) -> Scheduler:
    fleet = scheduler(*engines)
    limits = replace(DEFAULT_LIMITS[kind], most_running=running, most_waiting=waiting)
    assert told(fleet.limit(100, {kind: limits}, 0.0)) == []
    return fleet


def test_no_more_of_a_class_run_than_its_owner_lets_and_others_pass_by() -> None:
    fleet = limited(Kind.BATCH, engine("a", [model("m")], slots=4), running=1)
    assert told(fleet.arrive(ask("b1", kind=Kind.BATCH), 0.0)) == ["start b1 a"]
    assert told(fleet.arrive(ask("b2", kind=Kind.BATCH), 0.0)) == ["wait b2"]
    assert told(fleet.arrive(ask("b3", kind=Kind.BATCH), 0.0)) == ["wait b3"]
    assert told(fleet.arrive(ask("c1"), 0.0)) == ["start c1 a"]
    assert told(fleet.tick(1.0)) == []
    assert told(fleet.finish(r("c1"), 2.0)) == []
    assert told(fleet.finish(r("b1"), 3.0)) == ["start b2 a"]
    assert told(fleet.fail(r("b2"), 4.0)) == ["start b3 a"]


def test_a_class_that_may_run_again_does_so_on_any_machine() -> None:
    fleet = limited(Kind.BATCH, engine("a", [model("m")]), engine("b", [model("other")]), running=1)
    fleet.arrive(ask("b1", kind=Kind.BATCH), 0.0)
    fleet.arrive(ask("b2", "other", kind=Kind.BATCH), 0.0)
    assert told(fleet.leave(r("b1"), 1.0)) == ["start b2 b"]


def test_no_more_of_a_class_wait_than_its_owner_lets() -> None:
    fleet = limited(Kind.CHAT, engine("a", [model("m")], slots=1), waiting=1)
    fleet.arrive(ask("c1"), 0.0)
    assert told(fleet.arrive(ask("c2"), 0.0)) == ["wait c2"]
    assert told(fleet.arrive(ask("c3"), 0.0)) == ["refuse c3 FULL"]
    assert told(fleet.arrive(ask("b1", kind=Kind.BATCH), 0.0)) == ["wait b1"]
    fleet.leave(r("c2"), 1.0)
    assert told(fleet.arrive(ask("c4"), 1.0)) == ["wait c4"]


def test_what_may_neither_run_nor_wait_is_refused_although_a_slot_is_free() -> None:
    fleet = limited(Kind.BATCH, engine("a", [model("m")], slots=4), running=1, waiting=1)
    for number in (1, 2):
        fleet.arrive(ask(f"b{number}", kind=Kind.BATCH), 0.0)
    assert told(fleet.arrive(ask("b3", kind=Kind.BATCH), 0.0)) == ["refuse b3 FULL"]


def test_limits_change_while_calls_run_and_wait() -> None:
    fleet = limited(Kind.BATCH, engine("a", [model("m")], slots=4), running=1)
    for number in (1, 2, 3):
        fleet.arrive(ask(f"b{number}", kind=Kind.BATCH), 0.0)
    more = replace(DEFAULT_LIMITS[Kind.BATCH], most_running=2)
    assert told(fleet.limit(100, {Kind.BATCH: more}, 1.0)) == ["start b2 a"]
    # Fewer: who runs ends in peace, and nobody starts until there is room again.
    assert told(fleet.limit(100, {Kind.BATCH: replace(more, most_running=1)}, 2.0)) == []
    assert told(fleet.finish(r("b1"), 3.0)) == []
    assert told(fleet.finish(r("b2"), 4.0)) == ["start b3 a"]
    # None: as before anybody said anything. And a shorter queue.
    assert told(fleet.limit(1, {}, 5.0)) == []
    for number in (4, 5, 6):
        assert told(fleet.arrive(ask(f"b{number}", kind=Kind.BATCH), 5.0)) == [f"start b{number} a"]
    assert told(fleet.arrive(ask("b7", kind=Kind.BATCH), 5.0)) == ["wait b7"]
    assert told(fleet.arrive(ask("b8", kind=Kind.BATCH), 5.0)) == ["refuse b8 FULL"]


def test_a_priority_that_the_owner_gives_orders_the_queue() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.limit(100, {Kind.BATCH: replace(DEFAULT_LIMITS[Kind.BATCH], priority=-1.0)}, 0.0)
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("chat"), 0.0)
    fleet.arrive(ask("batch", kind=Kind.BATCH), 0.1)
    assert told(fleet.finish(r("r1"), 0.2)) == ["start batch a"]


def test_a_machine_is_not_kept_for_a_class_that_may_not_run() -> None:
    """Who is out of patience claims a node. Once as many of its class run as may, that would idle for nobody."""
    both = engine("a", [model("m"), model("n", resident=False)], slots=2, memory_gb=6)
    fleet = limited(Kind.CHAT, both, engine("b", [model("o")], slots=2))
    fleet.arrive(ask("r1", kind=Kind.REVIEW), 0.0)
    assert told(fleet.arrive(ask("c1", "n"), 0.0)) == ["wait c1"]
    fleet.tick(30.0)
    assert told(fleet.arrive(ask("r2", kind=Kind.REVIEW), 31.0)) == ["wait r2"], "the machine is claimed"
    fleet.arrive(ask("c2", "o"), 31.0)
    limits = {Kind.CHAT: replace(DEFAULT_LIMITS[Kind.CHAT], most_running=1)}
    assert told([*fleet.limit(100, limits, 32.0), *fleet.tick(33.0)]) == ["start r2 a"]


# --- the order of the queue ----------------------------------------------------------------------------------------


def test_interactive_goes_before_batch() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("slow", kind=Kind.BATCH), 0.0)
    fleet.arrive(ask("fast", kind=Kind.COMPLETION), 0.1)
    assert told(fleet.finish(r("r1"), 0.2)) == ["start fast a"]


def test_users_take_turns_however_many_calls_one_has() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    for number in range(5):
        fleet.arrive(ask(f"a{number}", user="anna"), 0.0)
    fleet.arrive(ask("b0", user="bert"), 0.1)
    served = []
    running = "r0"
    for step in range(3):
        (decision,) = told(fleet.finish(r(running), 1.0 + step))
        running = decision.split()[1]
        served.append(running)
    assert "b0" in served[:2]


def test_nobody_waits_for_ever_however_many_come_after() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    fleet.arrive(ask("batch", kind=Kind.BATCH, user="bert"), 0.0)
    running, now = "r0", 0.0
    for number in range(800):
        now += 5.0
        fleet.arrive(ask(f"c{number}", kind=Kind.CHAT), now)
        (running,) = (text.split()[1] for text in told(fleet.finish(r(running), now)) if text.startswith("start"))
        if running == "batch":
            break
    assert running == "batch"


def test_everybody_who_waits_has_a_position_and_an_expected_start() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("n")], slots=2))
    fleet.arrive(ask("r0"), 0.0)
    for number in range(3):
        fleet.arrive(ask(f"w{number}"), 0.0)
    found = fleet.standings(1.0)
    assert [found[r(f"w{number}")].position for number in range(3)] == [1, 2, 3]
    etas = [found[r(f"w{number}")].eta_s for number in range(3)]
    assert 0 < etas[0] < etas[1] < etas[2]
    fleet.engine(engine("a", [model("m")], slots=1, health=Health.DOWN), 1.0)
    assert fleet.standings(1.0)[r("w0")].eta_s == DEFAULT_LIMITS[Kind.CHAT].gives_up_s - 1.0


def test_nobody_is_left_out_of_the_standings_however_the_classes_are_mixed() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    for number, kind in enumerate([Kind.CHAT] * 9 + [Kind.BATCH, Kind.REVIEW, Kind.COMPLETION]):
        fleet.arrive(ask(f"w{number}", kind=kind), 0.0)
    found = fleet.standings(1.0)
    assert sorted(one.position for one in found.values()) == list(range(1, 13))
    assert found[r("w11")].position == 1


def test_a_newcomer_does_not_pass_those_who_wait_for_the_same() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    fleet.arrive(ask("r1", user="bert"), 0.0)
    fleet.arrive(ask("r2", user="carl"), 0.1)
    assert told(fleet.finish(r("r0"), 0.2)) == ["start r1 a"]


# --- policies ------------------------------------------------------------------------------------------------------


def run_shares(away: range, slots: int = 2) -> dict[str, int]:
    """A thousand calls one after the other; b is down for some of them."""
    engines = [engine("a", [model("m")], slots=slots), engine("b", [model("m")], slots=slots)]
    fleet = scheduler(*engines, policy=Policy.WEIGHTED, a=80, b=20)
    count = {"a": 0, "b": 0}
    for number in range(1000):
        if number in (away.start, away.stop) and away:
            down = number == away.start
            fleet.engine(engine("b", [model("m")], slots=slots, health=Health.DOWN if down else Health.UP), number)
        (start,) = told(fleet.arrive(ask(f"r{number}"), float(number)))
        count[start[-1]] += 1
        fleet.finish(r(f"r{number}"), number + 0.5)
    return count


@pytest.mark.parametrize("away", [range(0), range(100, 150), range(300, 500), range(900, 910)])
def test_weighted_gives_exactly_the_configured_shares_over_a_thousand_calls(away: range) -> None:
    assert abs(run_shares(away)["a"] - 800) <= 20


def test_weighted_keeps_its_shares_under_load() -> None:
    fleet = scheduler(
        engine("a", [model("m")], slots=8), engine("b", [model("m")], slots=2), policy=Policy.WEIGHTED, a=80, b=20
    )
    count = {"a": 0, "b": 0}
    running: list[tuple[float, str]] = []
    for number in range(1000):
        now = float(number)
        decisions = told(fleet.arrive(ask(f"r{number}"), now))
        while running and running[0][0] <= now:
            decisions += told(fleet.finish(r(running.pop(0)[1]), now))
        for text in decisions:
            if text.startswith("start"):
                count[text[-1]] += 1
                running.append((now + 9.0, text.split()[1]))
    assert abs(count["a"] / sum(count.values()) - 0.8) <= 0.02


def test_in_order_the_first_place_serves_and_the_next_helps_where_it_cannot() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("m")], slots=1), policy=Policy.ORDER)
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["start r1 a"]
    assert told(fleet.arrive(ask("r2"), 0.0)) == ["start r2 b"]
    assert told(fleet.arrive(ask("r3"), 0.0)) == ["wait r3"]
    assert told(fleet.finish(r("r1"), 1.0)) == ["start r3 a"]
    fleet.engine(engine("a", [model("m")], slots=1, health=Health.DOWN), 2.0)
    fleet.finish(r("r2"), 3.0)
    assert told(fleet.arrive(ask("r4"), 3.0)) == ["start r4 b"]


def test_weights_are_a_prior_that_gives_way_to_what_was_learned() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]), a=20, b=80)
    assert told(fleet.arrive(ask("r0"), 0.0)) == ["start r0 b"]
    fleet.finish(r("r0"), 1.0)
    slow, fast = Timing(100, 5.0, 100, 50.0), Timing(100, 0.2, 100, 2.0)
    for number in range(60):
        # Each in turn gets a call, and tells how fast it is: a is the fast one.
        tried = ["a"] if number % 2 else ["b"]
        fleet.arrive(ask(f"l{number}", tried=tried), 10.0 + number)
        fleet.finish(r(f"l{number}"), 10.5 + number, slow if number % 2 else fast)
    assert told(fleet.arrive(ask("r1"), 100.0)) == ["start r1 a"]


# --- the fleet changes ---------------------------------------------------------------------------------------------


def test_a_node_that_comes_up_takes_those_who_wait() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("m")], health=Health.DOWN))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert told(fleet.engine(engine("b", [model("m")]), 1.0)) == ["start r2 b"]


def test_more_slots_are_used_at_once() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert told(fleet.engine(engine("a", [model("m")], slots=2), 1.0)) == ["start r2 a"]


def test_a_suspect_engine_serves_only_when_it_is_all_there_is() -> None:
    fleet = scheduler(engine("a", [model("m")], health=Health.SUSPECT), engine("b", [model("m")]))
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["start r1 b"]
    fleet.engine(engine("b", [model("m")], health=Health.DOWN), 1.0)
    assert told(fleet.arrive(ask("r2"), 1.0)) == ["start r2 a"]


def test_an_engine_that_leaves_the_fleet_gets_no_more_calls() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]))
    running = told(fleet.arrive(ask("r0"), 0.0))[0][-1]
    fleet.engine_gone(EngineId(running), 1.0)
    fleet.engine_gone(EngineId("never was"), 1.0)
    assert told(fleet.arrive(ask("r1"), 1.0))[0][-1] != running
    assert told(fleet.finish(r("r0"), 2.0)) == []


def test_an_engine_that_moves_to_another_node_is_another_engine() -> None:
    fleet = scheduler(engine("a", [model("m")], node="one"))
    assert told(fleet.engine(engine("a", [model("m")], node="two"), 1.0)) == []
    assert told(fleet.arrive(ask("r1"), 1.0)) == ["start r1 a"]


def test_targets_that_are_not_declared_any_more_refuse_those_who_wait_for_them() -> None:
    fleet = scheduler(engine("a", [model("m"), model("n")], slots=1))
    fleet.arrive(ask("r0"), 0.0)
    fleet.arrive(ask("r1", "m"), 0.0)
    fleet.arrive(ask("r2", "n"), 0.0)
    kept = [target for target in targets([engine("a", [model("m"), model("n")])]) if target.name == "n"]
    assert told(fleet.declare(kept, 1.0)) == ["refuse r1 UNKNOWN"]
    assert told(fleet.finish(r("r0"), 2.0)) == ["start r2 a"]


def test_what_was_learned_is_kept_over_a_restart() -> None:
    one = engine("a", [model("m")])
    fleet = scheduler(one)
    fleet.arrive(ask("r1"), 0.0)
    fleet.first(r("r1"), 1.0)
    fleet.finish(r("r1"), 3.0, Timing(100, 1.0, 100, 2.0))
    kept = fleet.rates()
    assert kept[A, M].decode_tps == pytest.approx(50.0)
    again = Scheduler(rates=kept)
    again.engine(one, 0.0)
    assert again.rates()[A, M] == kept[A, M]
    again.engine_gone(A, 1.0)
    assert again.rates()[A, M] == kept[A, M]


def test_a_silence_is_judged_by_what_the_call_was_expected_to_take() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False)]))
    fleet.arrive(ask("r1", tokens=2000), 0.0)
    assert fleet.silence_s(r("r1")) == inf  # nobody has seen it load
    fleet.loaded(A, M, 10.0, 10.0)
    reading_s = fleet.silence_s(r("r1"))
    assert fleet.silence_s(r("r1"), whole_parts=True) > reading_s
    fleet.first(r("r1"), 20.0)
    writing_s = fleet.silence_s(r("r1"))
    assert reading_s > 2 * writing_s >= 4.0
    assert fleet.silence_s(r("r1"), whole_parts=True) > writing_s


def test_an_answer_that_comes_whole_may_be_silent_for_as_long_as_a_long_one_takes() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=2))
    fleet.arrive(ask("r1"), 0.0)
    fleet.finish(r("r1"), 3.0, Timing(100, 1.0, 100, 2.0))
    fleet.arrive(ask("r2", tokens=100), 4.0)
    begins_s = fleet.silence_s(r("r2"))
    short_s, any_s = fleet.silence_s(r("r2"), whole_tokens=100), fleet.silence_s(r("r2"), whole_tokens=inf)
    assert short_s == pytest.approx(begins_s + 2 * 2.0)  # a hundred tokens, twice over
    assert any_s == pytest.approx(begins_s + (short_s - begins_s) * 5 * 210 / 100, rel=0.1)
    fleet.first(r("r2"), 4.5)  # its head tells nothing of the rest
    assert fleet.silence_s(r("r2"), whole_tokens=100) == short_s
    fleet.arrive(ask("r3", tokens=100), 5.0)
    assert fleet.silence_s(r("r2"), whole_tokens=100) > short_s


def test_an_engine_that_says_that_it_loads_is_waited_for_unless_another_one_is_ready() -> None:
    one = replace(engine("a", [model("m")]), health=Health.SUSPECT, loading=True)
    fleet = scheduler(one)
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["wait r1"]
    assert told(fleet.engine(one, 1.0)) == []
    assert told(fleet.engine(replace(one, health=Health.UP, loading=False), 45.0)) == ["start r1 a"]
    fleet = scheduler(one, engine("b", [model("m")]))
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["start r1 b"]


def test_while_a_neighbours_prompt_is_read_an_engine_may_be_silent_for_longer() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=2))
    fleet.arrive(ask("r1"), 0.0)
    fleet.first(r("r1"), 1.0)
    alone_s = fleet.silence_s(r("r1"))
    fleet.arrive(ask("r2", tokens=4000), 2.0)
    assert fleet.silence_s(r("r1")) > 2 * alone_s
    fleet.first(r("r2"), 3.0)
    assert fleet.silence_s(r("r1")) <= 2 * alone_s


def test_a_rate_that_was_learned_leaves_less_time_than_a_guess() -> None:
    fleet = scheduler(engine("a", [model("m")]))
    fleet.arrive(ask("r1", tokens=100), 0.0)
    guessed_s = fleet.silence_s(r("r1"))
    fleet.finish(r("r1"), 3.0, Timing(100, 1.0, 100, 2.0))
    fleet.arrive(ask("r2", tokens=100), 4.0)
    assert fleet.silence_s(r("r2")) < guessed_s


def test_what_is_recalled_holds_for_engines_that_come_later() -> None:
    again = Scheduler()
    again.recall({(A, M): Rates(600.0, 50.0, readings=7)})
    assert again.rates() == {(A, M): Rates(600.0, 50.0, readings=7)}


def test_nobody_waits_longer_than_the_owner_lets_anybody() -> None:
    limits = limits_within(60.0)
    assert {limits[kind].gives_up_s for kind in Kind} == {30.0, 60.0}
    assert limits[Kind.COMPLETION].gives_up_s == DEFAULT_LIMITS[Kind.COMPLETION].gives_up_s


# --- a second place for a call that is late ------------------------------------------------------------------------


def _hedged(*engines: Engine, policy: Policy = Policy.LEARNED, **weights: float) -> tuple[Scheduler, str]:
    """A fleet with one call, and the engine that it went to."""
    fleet = scheduler(*engines, policy=policy, **weights)
    return fleet, told(fleet.arrive(ask("r1"), 0.0))[0][-1]


def test_a_late_call_gets_a_second_place_on_another_engine() -> None:
    fleet, first = _hedged(engine("a", [model("m")], slots=1), engine("b", [model("m")], slots=1))
    start = fleet.hedge(r("r1"), r("twin"), 2.0)
    assert start is not None
    assert (start.request, start.engine, start.loads) == ("twin", "b" if first == "a" else "a", False)
    assert told(fleet.arrive(ask("r2"), 2.0)) == ["wait r2"]
    assert told(fleet.fail(r("twin"), 3.0)) == [f"start r2 {start.engine}"]


def test_the_best_of_several_second_places_is_taken() -> None:
    machines = [engine(name, [model("m")], slots=2) for name in "abc"]
    fleet, first = _hedged(*machines)
    second = told(fleet.arrive(ask("r2"), 0.0))[0][-1]
    start = fleet.hedge(r("r1"), r("twin"), 1.0)
    assert start is not None
    assert start.engine not in (first, second)


@pytest.mark.parametrize(
    "other",
    [
        engine("b", [model("m", resident=False)]),
        engine("b", [model("m")], health=Health.SUSPECT),
        engine("b", [model("m")], health=Health.DOWN),
        engine("b", [model("n")]),
    ],
    ids=["not in memory", "suspect", "down", "another model"],
)
def test_no_model_is_loaded_and_no_doubtful_engine_asked_for_a_second_attempt(other: Engine) -> None:
    fleet, _ = _hedged(engine("a", [model("m")]), other)
    assert fleet.hedge(r("r1"), r("twin"), 2.0) is None


def test_where_calls_wait_or_no_slot_is_free_nobody_gets_a_second_place() -> None:
    fleet = scheduler(engine("a", [model("m")], slots=1), engine("b", [model("m")], slots=1))
    fleet.arrive(ask("r1"), 0.0)
    fleet.arrive(ask("r2"), 0.0)
    assert fleet.hedge(r("r1"), r("twin"), 1.0) is None
    fleet.arrive(ask("r3"), 1.0)
    assert fleet.hedge(r("r1"), r("twin"), 1.0) is None


def test_a_class_that_is_full_gets_no_second_place() -> None:
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]))
    fleet.limit(10, {Kind.CHAT: replace(DEFAULT_LIMITS[Kind.CHAT], most_running=1)}, 0.0)
    fleet.arrive(ask("r1"), 0.0)
    assert fleet.hedge(r("r1"), r("twin"), 1.0) is None


def test_a_node_without_weight_is_asked_for_nothing_beside() -> None:
    fleet, first = _hedged(engine("a", [model("m")]), engine("b", [model("m")]), policy=Policy.WEIGHTED, a=1.0, b=0.0)
    assert first == "a"
    assert fleet.hedge(r("r1"), r("twin"), 2.0) is None


def test_a_call_that_is_not_running_has_no_twin() -> None:
    fleet, _ = _hedged(engine("a", [model("m")]), engine("b", [model("m")]))
    assert fleet.hedge(r("nobody"), r("twin"), 2.0) is None
    fleet.declare([], 1.0)
    assert fleet.hedge(r("r1"), r("twin"), 2.0) is None


def _seen(first_s: float, *, learns: bool = True) -> Scheduler:
    """A fleet that has seen twenty first bytes."""
    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m", resident=False)]))
    fleet.learns_lateness = learns
    for n in range(20):
        fleet.arrive(ask(f"r{n}"), 100.0 * n)
        fleet.first(r(f"r{n}"), 100.0 * n + first_s)
        fleet.finish(r(f"r{n}"), 100.0 * n + first_s + 1)
    return fleet


def test_what_is_late_is_learned_from_first_bytes() -> None:
    fleet = _seen(3.0)
    fleet.arrive(ask("late"), 9000.0)
    assert fleet.late_s(r("late"), 0.95) == pytest.approx(3.0)
    fleet.first(r("late"), 9001.0)
    assert fleet.late_s(r("late"), 0.95) is None


def test_nothing_is_late_where_nobody_asked_for_hedges() -> None:
    fleet = _seen(3.0, learns=False)
    fleet.arrive(ask("late"), 9000.0)
    assert fleet.late_s(r("late"), 0.95) is None
    assert fleet.late_s(r("nobody"), 0.95) is None


def test_a_call_that_was_given_up_for_a_quicker_one_counts_as_late() -> None:
    fleet = _seen(1.0)
    for n in range(4):
        fleet.arrive(ask(f"beaten{n}"), 9000.0 + 100 * n)
        assert told(fleet.beaten(r(f"beaten{n}"), 9005.0 + 100 * n)) == []
    fleet.arrive(ask("late"), 9900.0)
    assert fleet.late_s(r("late"), 0.95) == pytest.approx(5.0)
    fleet.first(r("late"), 9901.0)
    assert told(fleet.beaten(r("late"), 9902.0)) == []
    assert told(fleet.beaten(r("nobody"), 9902.0)) == []


def test_a_load_says_nothing_of_how_late_first_bytes_are() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False)]))
    fleet.learns_lateness = True
    for n in range(21):
        fleet.arrive(ask(f"r{n}"), 100.0 * n)
        assert fleet.late_s(r(f"r{n}"), 0.95) is None
        fleet.beaten(r(f"r{n}"), 100.0 * n + 50)


# --- engines whose calls keep failing ------------------------------------------------------------------------------


def _failing(name: str, failures: int = 2, *, trial: bool = False, slots: int = 2) -> Engine:
    return replace(engine(name, [model("m")], slots=slots, health=Health.SUSPECT), failures=failures, trial=trial)


@pytest.mark.parametrize("policy", Policy)
def test_an_engine_whose_calls_keep_failing_gets_none_while_another_one_could(policy: Policy) -> None:
    fleet = scheduler(_failing("a"), engine("b", [model("m")]), policy=policy, a=100.0)
    assert [told(fleet.arrive(ask(f"r{n}"), 0.0)) for n in range(3)] == [["start r0 b"], ["start r1 b"], ["wait r2"]]


@pytest.mark.parametrize("policy", Policy)
def test_on_trial_it_gets_one_call_at_a_time(policy: Policy) -> None:
    fleet = scheduler(_failing("a", trial=True), engine("b", [model("m")], slots=4), policy=policy, a=100.0)
    starts = [told(fleet.arrive(ask(f"r{n}"), 0.0))[0] for n in range(3)]
    assert starts == ["start r0 a", "start r1 b", "start r2 b"]
    fleet.fail(r("r0"), 1.0)
    assert told(fleet.arrive(ask("r3"), 1.0)) == ["start r3 a"]


def test_where_calls_fail_everywhere_the_one_that_failed_least_is_asked() -> None:
    fleet = scheduler(_failing("a", 5), _failing("b", 2))
    assert told(fleet.arrive(ask("r1"), 0.0)) == ["start r1 b"]


def test_the_account_of_a_decision_tells_that_an_engine_is_avoided() -> None:
    fleet = scheduler(_failing("a"), engine("b", [model("m")]))
    (start,) = fleet.arrive(ask("r1"), 0.0)
    assert isinstance(start, Start)
    assert [one.verdict for one in candidates(start)] == ["its calls keep failing", "chosen"]
    found = replay(candidates(start))
    assert found is not None
    assert found.same


def test_an_engine_that_is_avoided_is_asked_where_the_others_were_tried() -> None:
    fleet = scheduler(_failing("a"), engine("b", [model("m")]))
    assert told(fleet.arrive(ask("r1", tried=["b"]), 0.0)) == ["start r1 a"]


def test_when_a_call_could_begin_tells_load_and_the_next_free_slot() -> None:
    fleet = scheduler(
        engine("a", [model("m"), model("cold", resident=False)], slots=1),
        engine("b", [model("m")], health=Health.DOWN),
    )
    assert fleet.starts_s(A, M, 0.0) == 0.0
    cold = fleet.starts_s(A, ModelId("cold"), 0.0)
    assert cold is not None
    assert cold > 0.0
    assert fleet.starts_s(B, M, 0.0) is None
    assert fleet.starts_s(A, ModelId("unknown"), 0.0) is None
    fleet.arrive(ask("r1"), 0.0)
    busy = fleet.starts_s(A, M, 0.0)
    assert busy is not None
    assert busy > 0.0
