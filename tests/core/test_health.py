from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.health import (
    DOUBTED_S,
    FIRST_PAUSE_S,
    FIRST_RETRY_S,
    FORGOTTEN_S,
    JITTER,
    LOADING_S,
    LONGEST_PAUSE_S,
    MISSES_TO_DOWN,
    MOST_FAILURES,
    TABLE,
    EngineHealth,
    Seen,
    step,
)
from potluck.core.model import Health

UNKNOWN = EngineHealth(next_probe_s=30)
UP = EngineHealth(Health.UP, next_probe_s=30)
MISSED = EngineHealth(Health.SUSPECT, misses=1, next_probe_s=30)
FAILED = EngineHealth(Health.SUSPECT, failures=1, failed_s=9, doubted=True, next_probe_s=30)
DOUBTED = EngineHealth(Health.SUSPECT, failures=2, failed_s=9, doubted=True, next_probe_s=30)
DOWN = EngineHealth(Health.DOWN, misses=2, next_probe_s=30)
DRAINING = EngineHealth(Health.DRAINING, drained=True, next_probe_s=30)
DRAINING_MISSED = replace(DRAINING, misses=1)
DRAINING_FAILED = replace(DRAINING, failures=1, failed_s=9, doubted=True)
DRAINED_DOWN = replace(DOWN, drained=True)
DRAINED_UNKNOWN = replace(UNKNOWN, drained=True)

# What becomes of every kind of health by everything that can be seen, in the order of `Seen`.
OUTCOMES = {
    #  health           probe ok    missed     call ok     failed      bytes       loading     drained     resumed
    "unknown": (UNKNOWN, "up        down       unknown     unknown     unknown     suspect     unknown     unknown"),
    "up": (UP, "up        suspect    up          suspect     up          suspect     draining    up"),
    "missed": (MISSED, "up        down       up          suspect     suspect     suspect     draining    suspect"),
    "failed": (FAILED, "up        suspect    up          suspect     suspect     suspect     draining    up"),
    "doubted": (DOUBTED, "suspect   suspect    up          suspect     suspect     suspect     draining    up"),
    "down": (DOWN, "up        down       down        down        down        suspect     down        down"),
    "draining": (DRAINING, "draining  draining   draining    draining    draining    draining    draining    up"),
    "draining missed": (
        DRAINING_MISSED,
        "draining  down       draining    draining    draining    draining    draining    suspect",
    ),
    "draining failed": (
        DRAINING_FAILED,
        "draining  draining   draining    draining    draining    draining    draining    up",
    ),
    "drained down": (
        DRAINED_DOWN,
        "draining  down       down        down        down        draining    down        down",
    ),
    "drained unknown": (
        DRAINED_UNKNOWN,
        "draining  down       unknown     unknown     unknown     draining    unknown     unknown",
    ),
}


def after(health: EngineHealth, *seen: Seen, now: float = 10) -> EngineHealth:
    for each in seen:
        health = step(health, each, each.value, now=now, interval_s=30)
    return health


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_state_has_an_answer_to_everything_that_can_be_seen(name: str) -> None:
    before, expected = OUTCOMES[name]
    assert [after(before, seen).state.value for seen in Seen] == expected.split()


def test_the_table_has_a_cell_for_every_state_and_sight() -> None:
    assert set(TABLE) == set(Health)
    assert all(set(row) == set(Seen) for row in TABLE.values())


def test_an_engine_that_loads_is_looked_at_soon_until_it_is_ready() -> None:
    health = after(UP, Seen.PROBE_MISSED, Seen.LOADING)
    assert (health.loading, health.misses) == (True, 0)
    assert health.next_probe_s == 10 + LOADING_S
    assert after(health, Seen.CALL_FAILED, Seen.BYTES, Seen.DRAINED).loading
    for seen in (Seen.PROBE_OK, Seen.PROBE_MISSED, Seen.CALL_OK):
        assert not after(health, seen).loading


def test_one_missed_probe_does_not_take_an_engine_down() -> None:
    assert after(UP, Seen.PROBE_MISSED).state is Health.SUSPECT


def test_two_missed_probes_do() -> None:
    assert MISSES_TO_DOWN == 2
    assert after(UP, Seen.PROBE_MISSED, Seen.PROBE_MISSED).state is Health.DOWN


def test_one_good_probe_brings_it_back() -> None:
    health = after(UP, Seen.PROBE_MISSED, Seen.PROBE_MISSED, Seen.PROBE_OK)
    assert (health.state, health.misses) == (Health.UP, 0)


def test_an_engine_that_never_answered_is_down_at_its_first_miss() -> None:
    assert after(EngineHealth(), Seen.PROBE_MISSED).state is Health.DOWN


def test_a_failed_call_asks_for_a_probe_at_once_and_is_no_verdict() -> None:
    health = after(UP, Seen.CALL_FAILED, now=12)
    assert (health.state, health.next_probe_s) == (Health.SUSPECT, 12)
    assert after(health, Seen.CALL_OK, now=12).state is Health.UP
    assert after(EngineHealth(Health.DOWN), Seen.CALL_FAILED).state is Health.DOWN


def test_a_good_probe_forgives_one_failed_call_but_does_not_forget_it() -> None:
    health = after(UP, Seen.CALL_FAILED, Seen.PROBE_OK)
    assert (health.state, health.doubted, health.failures, health.next_probe_s) == (Health.UP, False, 1, 40)
    assert after(health, Seen.CALL_FAILED).shunned
    assert after(health, Seen.CALL_OK).failures == 0


def test_of_an_engine_whose_calls_keep_failing_the_list_of_its_models_proves_nothing() -> None:
    health = after(UP, Seen.CALL_FAILED, Seen.CALL_FAILED)
    for now in (10.5, 12, 14.9):
        health = after(health, Seen.PROBE_OK, now=now)
        assert (health.state, health.shunned, health.trial) == (Health.SUSPECT, True, False)
        assert health.next_probe_s == now + DOUBTED_S


def test_after_a_pause_it_is_on_trial_and_a_good_call_clears_it() -> None:
    health = after(UP, Seen.CALL_FAILED, Seen.CALL_FAILED)
    health = after(health, Seen.PROBE_OK, now=10 + FIRST_PAUSE_S)
    assert (health.state, health.shunned, health.trial) == (Health.SUSPECT, True, True)
    assert after(health, Seen.PROBE_OK, now=20).trial
    health = after(health, Seen.CALL_OK, now=20)
    assert (health.state, health.shunned, health.trial, health.failures) == (Health.UP, False, False, 1)


def test_each_trial_that_fails_doubles_the_pause_up_to_some_minutes() -> None:
    health, now, pauses = UP, 10.0, []
    for _ in range(10):
        health = after(health, Seen.CALL_FAILED, now=now)
        pauses.append(health.again_s - now)
        now = health.again_s
        health = after(health, Seen.PROBE_OK, now=now)
        assert health.trial == (health.failures > 1)
    assert pauses == [5, 5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_calls_that_one_fault_ends_together_are_one_failure() -> None:
    health = UP
    for now in (10, 10.1, 10.2):
        health = step(health, Seen.CALL_FAILED, "gone", now=now, interval_s=30, began_s=5)
    assert health.failures == 1
    assert not health.shunned


def test_a_call_that_began_before_the_failures_proves_nothing_of_the_time_after() -> None:
    health = after(UP, Seen.CALL_FAILED, Seen.CALL_FAILED)
    assert step(health, Seen.CALL_OK, "", now=12, interval_s=30, began_s=3).shunned
    assert not step(health, Seen.CALL_OK, "", now=12, interval_s=30, began_s=11).shunned


def test_an_engine_that_fails_now_and_then_is_avoided_for_longer_each_time() -> None:
    health, now, pauses = UP, 10.0, []
    for _ in range(4):
        for _ in range(2):
            health = after(health, Seen.CALL_FAILED, now=now)
        pauses.append(health.again_s - now)
        now = health.again_s
        health = after(health, Seen.PROBE_OK, Seen.CALL_OK, now=now)
        assert health.state is Health.UP
    assert pauses == [5, 10, 20, 40]


def test_what_was_wrong_long_ago_is_no_news_any_more() -> None:
    health = after(UP, Seen.CALL_FAILED, Seen.CALL_FAILED)
    assert after(health, Seen.PROBE_OK, now=10 + FIRST_PAUSE_S + FORGOTTEN_S - 1).shunned
    health = after(health, Seen.PROBE_OK, now=10 + FIRST_PAUSE_S + FORGOTTEN_S)
    assert (health.state, health.failures) == (Health.UP, 0)


def test_no_number_of_failed_calls_takes_an_engine_from_everybody() -> None:
    health = after(UP, *[Seen.CALL_FAILED] * 1000)
    assert (health.state, health.failures) == (Health.SUSPECT, MOST_FAILURES)


def test_many_failed_calls_do_not_ask_for_as_many_probes() -> None:
    health = after(UP, Seen.CALL_FAILED, Seen.CALL_FAILED, Seen.PROBE_OK)
    assert after(health, Seen.CALL_FAILED).next_probe_s == 10 + 2 * FIRST_RETRY_S
    assert after(health, *[Seen.CALL_FAILED] * 9).next_probe_s == 10 + 2 * FIRST_RETRY_S


def test_what_comes_back_from_being_down_is_not_blamed_for_what_was_before() -> None:
    health = after(DOUBTED, Seen.PROBE_MISSED, Seen.PROBE_MISSED, Seen.PROBE_OK)
    assert (health.state, health.failures) == (Health.UP, 0)


def test_a_missed_probe_does_not_count_while_answers_go_on_coming() -> None:
    health = after(UP, Seen.BYTES)
    assert (health.state, health.misses, health.next_probe_s) == (Health.UP, 0, 40)


def test_an_engine_that_is_down_and_answers_is_looked_at_at_once() -> None:
    down = replace(DOWN, why="refused")
    health = after(down, Seen.CALL_OK, now=12)
    assert (health.state, health.next_probe_s, health.why) == (Health.DOWN, 12, "refused")


def test_an_answered_call_changes_nothing_about_an_engine_that_is_up() -> None:
    assert after(UP, Seen.CALL_OK) is UP


def test_a_drained_engine_stays_drained_through_a_restart_until_it_is_resumed() -> None:
    health = after(UP, Seen.DRAINED, Seen.PROBE_MISSED, Seen.PROBE_MISSED)
    assert health.state is Health.DOWN
    health = after(health, Seen.PROBE_OK)
    assert health.state is Health.DRAINING
    assert after(health, Seen.RESUMED).state is Health.UP


def test_draining_what_is_drained_changes_nothing() -> None:
    assert after(DRAINING, Seen.DRAINED) is DRAINING
    assert after(UP, Seen.RESUMED) is UP


def test_retries_come_soon_at_first_and_then_no_later_than_ordinary_probes() -> None:
    health, waits = UP, []
    for _ in range(8):
        health = after(health, Seen.PROBE_MISSED)
        waits.append(health.next_probe_s - 10)
    assert waits == [FIRST_RETRY_S, 2, 4, 8, 16, 30, 30, 30]


def test_probes_of_engines_that_came_up_together_drift_apart() -> None:
    early, late = (step(UP, Seen.PROBE_OK, "", now=0, interval_s=30, chance=chance) for chance in (0.0, 1.0))
    assert early.next_probe_s == pytest.approx(30 * (1 - JITTER))
    assert late.next_probe_s == pytest.approx(30 * (1 + JITTER))


def test_since_is_the_time_of_the_last_change_of_state() -> None:
    health = after(UP, Seen.PROBE_MISSED, now=40)
    assert health.since_s == 40
    assert after(health, Seen.CALL_FAILED, now=50).since_s == 40


_SEEN = st.lists(st.tuples(st.sampled_from(list(Seen)), st.floats(0, 1)), max_size=40)


@given(_SEEN)
def test_whatever_was_seen_health_tells_it_without_contradiction(history: list[tuple[Seen, float]]) -> None:
    health, drained, looked = EngineHealth(), False, False
    for seen, chance in history:
        looked |= seen in (Seen.PROBE_OK, Seen.PROBE_MISSED, Seen.LOADING)
        health = step(health, seen, seen.value, now=10, interval_s=30, chance=chance)
        drained = drained if seen not in (Seen.DRAINED, Seen.RESUMED) else seen is Seen.DRAINED
        assert health.drained is drained
        assert health.next_probe_s <= 10 + 30 * (1 + JITTER)
        match health.state:
            case Health.UP:
                assert (health.misses, health.doubted, health.loading, drained) == (0, False, False, False)
            case Health.SUSPECT:
                assert health.misses or health.doubted or health.loading
                assert not drained
            case Health.DRAINING:
                assert drained
            case Health.DOWN:
                assert health.misses
            case Health.UNKNOWN:
                assert not looked
        assert health.failures <= MOST_FAILURES
        assert health.shunned or not health.trial
    health = after(health, Seen.PROBE_OK, now=10 + LONGEST_PAUSE_S + FORGOTTEN_S)
    assert health.state is (Health.DRAINING if drained else Health.UP)
