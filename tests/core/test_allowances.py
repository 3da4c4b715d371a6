"""Allowances in virtual time: never more than the amount and what came back, and never a unit lost."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.allowances import Allowance, Claim, Hold, Meter, Unit

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
    assert verdict.by == tokens


def test_two_claims_on_one_bucket_count_one_after_the_other() -> None:
    meter = Meter()
    assert not meter.take([requests(cost=40), requests(cost=40)], 0.0).met
    assert meter.take([requests(cost=30), requests(cost=30)], 0.0).met
    assert not meter.take([requests()], 0.0).met


@given(
    parts=st.lists(st.integers(1, 20), min_size=1, max_size=20),
    at=st.floats(0, 2e9),
    period_s=st.sampled_from([1.0, 60.0, 86400.0]),
)
def test_parts_that_make_up_the_whole_amount_are_met_at_any_time(parts: list[int], at: float, period_s: float) -> None:
    """Seconds since 1970 in floats: what their sums lose is nobody's wait."""
    allowance = Allowance(Unit.REQUESTS, sum(parts), period_s)
    meter = Meter()
    assert all(meter.take([requests(cost=part, allowance=allowance)], at).met for part in parts)


def test_nobody_is_asked_for_nothing() -> None:
    assert Meter().take([], 0.0).met


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


def test_a_soft_claim_is_always_met_and_goes_into_debt() -> None:
    meter = Meter()
    soft = Claim("budget", MINUTE, 90, soft=True)
    assert meter.take([soft], 0.0).met
    verdict = meter.take([soft._replace(cost=0)], 0.0)
    assert (verdict.met, verdict.levels[0].remaining) == (True, 0)


def test_a_call_holds_its_place_until_it_frees_it() -> None:
    meter, places = Meter(), Hold("anna", 2)
    assert meter.take([], 0.0, [places], "a").met
    assert meter.take([], 0.0, [places], "b").met
    verdict = meter.take([requests()], 0.0, [Hold("ben", 1), places], "c")
    assert (verdict.met, verdict.full, verdict.by) == (False, places, None)
    assert meter.levels([requests()], 0.0)[0].remaining == 60, "who is refused has spent nothing"
    meter.free([places], "a")
    assert meter.take([requests()], 0.0, [places], "c").met
    meter.free([places], "b")
    meter.free([places], "c")
    meter.free([places], "c")
    assert not meter.missing(100.0)
    assert len(meter) == 1


def test_a_claim_that_cannot_be_met_takes_no_place() -> None:
    meter, places = Meter(), Hold("anna", 1)
    assert not meter.take([requests(cost=60), requests(cost=1)], 0.0, [places], "a").met
    assert meter.take([], 0.0, [places], "b").met


def test_of_claims_that_cannot_be_met_the_one_with_the_longest_wait_is_named() -> None:
    meter = Meter()
    day = Claim("anna/day", Allowance(Unit.REQUESTS, 2, 86_400.0), 2)
    minute = requests(cost=60)
    assert meter.take([minute, day], 0.0).met
    assert meter.take([minute, day, minute], 0.0).by == day


def test_what_is_missing_can_be_kept_and_restored_on_another_clock() -> None:
    meter, later = Meter(), Meter()
    meter.take([requests(cost=30)], 1000.0)
    later.restore({**meter.missing(1010.0), "old": -5.0}, 7.0)
    assert later.levels([requests()], 7.0)[0].remaining == 40
    assert len(later) == 1


@given(
    amount=st.integers(1, 20),
    most=st.integers(1, 5),
    ends=st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=60),
)
def test_never_do_more_run_than_there_are_places(amount: int, most: int, ends: list[int | None]) -> None:
    meter, running, places = Meter(), set[str](), Hold("p", most)
    for number, end in enumerate(ends):
        if end is not None:
            meter.free([places], str(end))
            running.discard(str(end))
            continue
        verdict = meter.take([requests(allowance=Allowance(Unit.REQUESTS, amount, 5.0))], number, [places], str(number))
        if verdict.met:
            running.add(str(number))
        assert len(running) <= most


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
