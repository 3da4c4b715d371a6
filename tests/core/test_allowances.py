"""Allowances in virtual time: never more than the amount and what came back, and never a unit lost."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.allowances import Allowance, Claim, Meter, Unit, read_allowance

MINUTE = Allowance(Unit.REQUESTS, 60, 60.0)


def requests(bucket: str = "anna", cost: float = 1.0, allowance: Allowance = MINUTE) -> Claim:
    return Claim(bucket, allowance, cost)


def test_all_of_it_may_be_spent_at_once_and_comes_back_evenly() -> None:
    meter = Meter()
    assert [meter.take([requests()], 0.0).met for _ in range(61)] == [True] * 60 + [False]
    verdict = meter.take([requests()], 0.25)
    assert (verdict.met, verdict.wait_s) == (False, 0.75)
    assert meter.take([requests()], 1.0).met
    assert not meter.take([requests()], 1.5).met


def test_what_remains_and_when_all_is_back_are_told() -> None:
    meter = Meter()
    (level,) = meter.take([requests(cost=45)], 10.0).levels
    assert (level.remaining, level.full_s) == (15, 45.0)
    (level,) = meter.levels([requests()], 20.0)
    assert (level.remaining, level.full_s) == (25, 35.0)
    assert meter.levels([requests("ben")], 20.0)[0].remaining == 60


def test_of_several_claims_all_are_met_or_none() -> None:
    meter = Meter()
    tokens = Claim("anna/tokens", Allowance(Unit.TOKENS, 100, 60.0), 80)
    assert meter.take([requests(), tokens], 0.0).met
    verdict = meter.take([requests(), tokens], 0.0)
    assert not verdict.met
    assert verdict.wait_s == pytest.approx(36.0)
    assert meter.levels([requests(), tokens], 0.0)[0].remaining == 59
    assert verdict.tightest is not None
    assert verdict.tightest.claim == tokens


def test_two_claims_on_one_bucket_count_one_after_the_other() -> None:
    meter = Meter()
    assert not meter.take([requests(cost=40), requests(cost=40)], 0.0).met
    assert meter.take([requests(cost=30), requests(cost=30)], 0.0).met
    assert not meter.take([requests()], 0.0).met


def test_nobody_is_asked_for_nothing() -> None:
    verdict = Meter().take([], 0.0)
    assert verdict.met
    assert verdict.tightest is None


def test_a_claim_above_the_whole_amount_is_met_by_a_full_bucket_and_leaves_a_debt() -> None:
    meter = Meter()
    assert meter.take([requests(cost=90)], 0.0).met
    verdict = meter.take([requests()], 0.0)
    assert verdict.wait_s == pytest.approx(31.0)
    assert verdict.levels[0].remaining == 0


def test_a_charge_goes_into_debt_and_gives_back() -> None:
    meter = Meter()
    meter.charge([requests(cost=70)], 0.0)
    assert meter.take([requests()], 0.0).wait_s == pytest.approx(11.0)
    meter.charge([requests(cost=-30)], 0.0)
    assert meter.levels([requests()], 0.0)[0].remaining == 20
    meter.charge([requests(cost=-1000)], 0.0)
    assert meter.levels([requests()], 0.0)[0].remaining == 60, "a bucket holds no more than its amount"
    assert len(meter) == 0


def test_a_debt_is_paid_back_within_a_period() -> None:
    meter = Meter()
    meter.charge([requests(cost=10_000)], 0.0)
    assert meter.take([requests()], 0.0).wait_s == pytest.approx(61.0)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    meter = Meter()
    meter.take([requests(cost=30)], 1_000_000.0)
    assert meter.take([requests()], 1_000.0).levels[0].remaining == 59


def test_full_buckets_are_forgotten() -> None:
    meter = Meter()
    meter.take([requests("anna", 2)], 0.0)
    meter.take([requests("ben", 30)], 0.0)
    meter.sweep(2.0)
    assert len(meter) == 1
    assert meter.levels([requests("ben")], 2.0)[0].remaining == 32


@given(
    amount=st.integers(1, 50),
    period_s=st.sampled_from([1.0, 60.0, 86_400.0]),
    steps=st.lists(st.tuples(st.floats(0.0, 0.3), st.integers(1, 5)), max_size=80),
)
def test_in_no_window_is_more_spent_than_the_amount_and_what_came_back_in_it(
    amount: int, period_s: float, steps: list[tuple[float, int]]
) -> None:
    meter, now = Meter(), 0.0
    allowance = Allowance(Unit.TOKENS, amount, period_s)
    spent: list[tuple[float, int]] = []
    for pause, cost in steps:
        now += pause * period_s
        if cost <= amount and meter.take([Claim("b", allowance, cost)], now).met:
            spent.append((now, cost))
    for first in range(len(spent)):
        start, total = spent[first][0], 0
        for at, cost in spent[first:]:
            total += cost
            assert total <= amount + (at - start) * amount / period_s + 1e-6


@given(cost=st.integers(1, 60), before=st.integers(0, 60), at=st.floats(0.0, 1e6))
def test_who_waits_as_long_as_it_was_told_is_served_and_not_sooner(cost: int, before: int, at: float) -> None:
    meter = Meter()
    meter.take([requests(cost=before)], at)
    verdict = meter.take([requests(cost=cost)], at)
    if verdict.met:
        return
    assert not meter.take([requests(cost=cost)], at + verdict.wait_s * 0.99 - 1e-3).met
    assert meter.take([requests(cost=cost)], ceil(at + verdict.wait_s)).met


@pytest.mark.parametrize(
    ("text", "amount", "period_s"),
    [
        ("60/minute", 60, 60),
        ("5/s", 5, 1),
        ("200k/day", 200_000, 86_400),
        (" 2M / h ", 2_000_000, 3600),
        ("1/min", 1, 60),
    ],
)
def test_allowances_are_read_as_owners_write_them(text: str, amount: float, period_s: float) -> None:
    assert read_allowance(Unit.TOKENS, text) == Allowance(Unit.TOKENS, amount, period_s)


@pytest.mark.parametrize(
    ("text", "why"),
    [("60", "60/minute"), ("60/week", "'week' is no time"), ("0/day", "no amount"), ("-1/day", "no amount"),
     ("1.5/day", "no amount"), ("/day", "no amount"), ("k/day", "no amount"), ("²/day", "no amount")],
)  # fmt: skip
def test_what_is_no_allowance_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_allowance(Unit.REQUESTS, text)
