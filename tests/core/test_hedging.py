"""How often a second engine may be asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.hedging import MOST_SAVED, Allowance


@given(st.floats(0.001, 0.25), st.lists(st.booleans(), max_size=400))
def test_no_more_than_the_share_of_all_calls_is_hedged(share: float, wants: list[bool]) -> None:
    allowance, hedges = Allowance(), 0
    for calls, wanted in enumerate(wants, 1):
        allowance.called(share)
        if wanted and allowance.left:
            allowance.spend()
            hedges += 1
        assert hedges <= share * calls + 1e-6


def test_a_twentieth_allows_the_first_hedge_with_the_twentieth_call() -> None:
    allowance = Allowance()
    for _ in range(19):
        allowance.called(0.05)
    assert not allowance.left
    allowance.called(0.05)
    assert allowance.left


def test_a_quiet_day_saves_up_little() -> None:
    allowance, hedges = Allowance(), 0
    for _ in range(10_000):
        allowance.called(0.05)
    while allowance.left:
        allowance.spend()
        hedges += 1
    assert hedges == MOST_SAVED
