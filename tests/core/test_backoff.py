"""Guessing in virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.backoff import Backoff, Mark, Rule

RULE = Rule(free=3, first_s=1.0, ceiling_s=60.0, forget_s=600.0)
NAME, ADDRESS, DEVICE = Mark("name", RULE), Mark("address", RULE), Mark("device", RULE)


def test_each_failure_beyond_the_free_ones_costs_twice_as_much_up_to_the_ceiling() -> None:
    backoff, now, waits = Backoff(), 0.0, list[float]()
    assert [backoff.attempt([NAME], now) for _ in range(4)] == [0, 0, 0, 0]
    for _ in range(9):
        waits.append(backoff.attempt([NAME], now))
        now += waits[-1]
        assert backoff.attempt([NAME], now) == 0.0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert RULE.pause_s(10**9) == 60.0


def test_what_is_refused_does_not_make_it_worse() -> None:
    backoff = Backoff()
    for _ in range(4):
        assert backoff.attempt([NAME], 0.0) == 0.0
    for _ in range(1000):
        assert backoff.attempt([NAME], 0.5) == 0.5
    assert backoff.attempt([NAME], 1.0) == 0.0


def test_a_thousand_at_once_are_no_more_than_in_a_row() -> None:
    backoff = Backoff()
    assert sum(backoff.attempt([NAME], 0.0) == 0.0 for _ in range(1000)) == 4


def test_in_a_day_a_stranger_gets_no_more_guesses_than_the_ceiling_leaves() -> None:
    backoff, now, guesses = Backoff(), 0.0, 0
    while now < 86_400.0:
        wait_s = backoff.attempt([NAME], now)
        guesses += wait_s == 0.0
        now += wait_s or 0.01
    assert guesses < 86_400 / RULE.ceiling_s + 12


def test_a_device_that_is_known_is_not_kept_waiting_by_strangers() -> None:
    backoff = Backoff()
    for _ in range(50):
        backoff.attempt([NAME, ADDRESS], 0.0)
    assert backoff.attempt([NAME], 0.0) > 0.0
    assert backoff.attempt([DEVICE], 0.0) == 0.0


def test_a_right_answer_forgives_the_name_and_gives_the_address_back_only_what_it_took() -> None:
    backoff = Backoff()
    for _ in range(3):
        backoff.attempt([NAME, ADDRESS], 0.0)
    assert backoff.attempt([NAME, ADDRESS], 0.0) == 0.0
    backoff.passed([NAME], [ADDRESS])
    assert backoff.attempt([Mark("other", RULE), ADDRESS], 0.0) == 0.0
    assert backoff.attempt([ADDRESS], 0.0) == 1.0
    backoff.passed([NAME], [Mark("nobody", RULE)])


def test_a_right_answer_does_not_end_the_pause_that_others_have_earned() -> None:
    backoff = Backoff()
    for _ in range(4):
        backoff.attempt([ADDRESS], 0.0)
    assert backoff.attempt([ADDRESS], 1.0) == 0.0
    backoff.passed([], [ADDRESS])
    assert backoff.attempt([ADDRESS], 1.0) > 0.0


def test_what_was_right_leaves_nothing_behind() -> None:
    backoff = Backoff()
    backoff.attempt([NAME, ADDRESS], 0.0)
    backoff.passed([NAME], [ADDRESS])
    assert len(backoff) == 0


def test_failures_are_forgotten() -> None:
    backoff = Backoff()
    for _ in range(4):
        backoff.attempt([NAME], 0.0)
    assert backoff.attempt([NAME], 600.0) == 0.0
    assert backoff.attempt([NAME], 600.0) == 0.0


def test_nothing_to_go_by_is_nothing_to_wait_for() -> None:
    assert Backoff().attempt([], 0.0) == 0.0


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 500)), max_size=200), st.integers(1, 8))
def test_no_more_is_remembered_than_may_be(attempts: list[tuple[int, float]], most: int) -> None:
    backoff, now = Backoff(most), 0.0
    for name, pause_s in attempts:
        now += pause_s
        backoff.attempt([Mark(str(name), RULE)], now)
        assert len(backoff) <= most
