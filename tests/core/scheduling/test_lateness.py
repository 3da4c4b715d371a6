"""When a first byte counts as late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.scheduling.lateness import GRAIN_S, KEPT, LEAST, Lateness

_TIMES = st.floats(0, 100)


def test_nobody_can_tell_from_a_few_calls() -> None:
    lateness = Lateness()
    for _ in range(LEAST - 1):
        lateness.saw(1.0, 1.0)
    assert lateness.after_s(1.0, 0.95) is None
    lateness.saw(1.0, 1.0)
    assert lateness.after_s(1.0, 0.95) == pytest.approx(1.0)


@given(st.lists(_TIMES, min_size=LEAST, max_size=3 * KEPT), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_no_more_than_the_rest_of_the_last_calls_were_later(times: list[float], quantile: float) -> None:
    lateness = Lateness()
    for each in times:
        lateness.saw(each, 0.5)
    after_s = lateness.after_s(0.5, quantile)
    assert after_s is not None
    last = times[-KEPT:]
    assert sum(each > after_s + 1e-9 for each in last) <= (1 - quantile) * len(last)
    assert min(last) - 1e-9 <= after_s <= max(last) + 1e-9


@given(st.lists(_TIMES, min_size=LEAST, max_size=KEPT), _TIMES, _TIMES)
def test_what_is_expected_to_take_longer_is_late_later(times: list[float], one: float, other: float) -> None:
    """Long prompts and crowded machines are in what is expected."""
    lateness = Lateness()
    for each in times:
        lateness.saw(each, 1.0)
    sooner, later = (lateness.after_s(each, 0.95) for each in sorted((one, other)))
    assert sooner is not None
    assert later is not None
    assert sooner <= later


def test_an_engine_that_has_become_slow_is_late_later_soon() -> None:
    lateness = Lateness()
    for _ in range(1_000):
        lateness.saw(0.2, 0.2)
    for _ in range(KEPT):
        lateness.saw(2.0, 0.2)
    after_s = lateness.after_s(0.2, 0.95)
    assert after_s == pytest.approx(2.0)
    assert (after_s or 0) > GRAIN_S
