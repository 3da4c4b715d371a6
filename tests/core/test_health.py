from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.health import FIRST_RETRY_S, EngineHealth, Seen, step
from potluck.core.model import Health

UP = EngineHealth(Health.UP, next_probe_s=30)


def after(health: EngineHealth, *seen: Seen, now: float = 10) -> EngineHealth:
    for each in seen:
        health = step(health, each, each.value, now=now, interval_s=30)
    return health


def test_one_missed_probe_does_not_take_an_engine_down() -> None:
    assert after(UP, Seen.PROBE_MISSED).state is Health.SUSPECT


def test_two_missed_probes_do() -> None:
    assert after(UP, Seen.PROBE_MISSED, Seen.PROBE_MISSED).state is Health.DOWN


def test_one_good_probe_brings_it_back() -> None:
    health = after(UP, Seen.PROBE_MISSED, Seen.PROBE_MISSED, Seen.PROBE_OK)
    assert (health.state, health.misses) == (Health.UP, 0)


def test_an_engine_that_never_answered_is_down_at_its_first_miss() -> None:
    assert after(EngineHealth(), Seen.PROBE_MISSED).state is Health.DOWN


def test_a_failed_call_asks_for_a_probe_at_once_and_is_no_verdict() -> None:
    health = after(UP, Seen.CALL_FAILED, now=12)
    assert (health.state, health.next_probe_s) == (Health.SUSPECT, 12)
    assert after(health, Seen.CALL_OK).state is Health.UP
    assert after(EngineHealth(Health.DOWN), Seen.CALL_FAILED).state is Health.DOWN


def test_an_answered_call_changes_nothing_about_an_engine_that_is_up() -> None:
    assert after(UP, Seen.CALL_OK) is UP


def test_retries_come_soon_at_first_and_then_no_later_than_ordinary_probes() -> None:
    health, waits = UP, []
    for _ in range(8):
        health = after(health, Seen.PROBE_MISSED)
        waits.append(health.next_probe_s - 10)
    assert waits == [FIRST_RETRY_S, 2, 4, 8, 16, 30, 30, 30]


def test_since_is_the_time_of_the_last_change_of_state() -> None:
    health = after(UP, Seen.PROBE_MISSED, now=40)
    assert health.since_s == 40
    assert after(health, Seen.CALL_FAILED, now=50).since_s == 40


@given(st.lists(st.sampled_from(list(Seen)), max_size=40))
def test_a_good_probe_always_ends_up_and_the_next_one_is_always_due(history: list[Seen]) -> None:
    health = after(EngineHealth(), *history)
    assert health.next_probe_s <= 10 + 30
    assert after(health, Seen.PROBE_OK).state is Health.UP
