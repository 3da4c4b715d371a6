"""Allowances that several gateways spend from. Periods are a day, so that no test waits for what comes back."""

from __future__ import annotations

import asyncio

import pytest

from potluck.core.allowances import Allowance, Claim, Hold, Unit
from potluck.storage.shared_ports import SharedMeter

DAY = Allowance(Unit.REQUESTS, 10, 86_400.0)
TOKENS = Allowance(Unit.TOKENS, 1000, 86_400.0)
ONE_S = 8640.0
"""In which one request of `DAY` comes back."""


def request(cost: float = 1.0, bucket: str = "anna") -> Claim:
    return Claim(bucket, DAY, cost)


async def test_of_many_at_once_exactly_as_many_are_met_as_there_are(meter: SharedMeter) -> None:
    verdicts = await asyncio.gather(*(meter.take([request()]) for _ in range(40)))
    assert sum(verdict.met for verdict in verdicts) == 10
    refused = [verdict for verdict in verdicts if not verdict.met]
    assert all(verdict.wait_s == pytest.approx(ONE_S, abs=60) for verdict in refused)


async def test_a_verdict_tells_what_remains_and_when_all_is_back(meter: SharedMeter) -> None:
    verdict = await meter.take([request(4)])
    assert verdict.met
    assert verdict.levels[0].remaining == 6
    assert verdict.levels[0].full_s == pytest.approx(4 * ONE_S, abs=60)
    assert (await meter.levels([request(), request(bucket="ben")]))[1].remaining == 10
    assert (await meter.levels([request()]))[0].remaining == 6, "looking spends nothing"


async def test_of_several_claims_all_are_met_or_none(meter: SharedMeter) -> None:
    tokens = Claim("anna/tokens", TOKENS, 800)
    assert (await meter.take([request(), tokens])).met
    assert not (await meter.take([request(), tokens])).met
    assert [each.remaining for each in await meter.levels([request(), tokens])] == [9, 200]


async def test_two_claims_on_one_bucket_count_one_after_the_other(meter: SharedMeter) -> None:
    assert not (await meter.take([request(6), request(6)])).met
    assert (await meter.take([request(5), request(5)])).met
    assert not (await meter.take([request()])).met


async def test_a_charge_goes_into_debt_and_gives_back(meter: SharedMeter) -> None:
    await meter.charge([request(12)])
    verdict = await meter.take([request()])
    assert not verdict.met
    assert verdict.wait_s == pytest.approx(3 * ONE_S, abs=60)
    await meter.charge([request(-4)])
    assert (await meter.levels([request()]))[0].remaining == 2
    await meter.charge([request(-100)])
    assert (await meter.levels([request()]))[0].remaining == 10


async def test_more_than_the_whole_is_met_by_a_full_bucket(meter: SharedMeter) -> None:
    assert (await meter.take([request(25)])).met
    assert not (await meter.take([request()])).met


async def test_nothing_is_always_met(meter: SharedMeter) -> None:
    assert (await meter.take([])).met


async def test_a_call_holds_its_place_until_it_frees_it(meter: SharedMeter) -> None:
    places = [Hold("anna/concurrent", 3)]
    verdicts = await asyncio.gather(*(meter.take([request()], places, f"c{number}") for number in range(8)))
    assert sum(verdict.met for verdict in verdicts) == 3
    assert [verdict.full for verdict in verdicts if not verdict.met] == places * 5
    assert (await meter.levels([request()]))[0].remaining == 7, "who found no place has spent nothing"
    runs = next(number for number, verdict in enumerate(verdicts) if verdict.met)
    await meter.charge([request(-1)], places, f"c{runs}")
    assert (await meter.levels([request()]))[0].remaining == 8
    assert (await meter.take([], places, "next")).met
    assert not (await meter.take([], places, "more")).met


async def test_who_cannot_pay_takes_no_place(meter: SharedMeter) -> None:
    places = [Hold("anna/concurrent", 1)]
    verdict = await meter.take([request(10), request(1)], places, "a")
    assert (verdict.met, verdict.by, verdict.full) == (False, request(1), None)
    assert (await meter.take([], places, "b")).met


async def test_a_soft_claim_is_always_met(meter: SharedMeter) -> None:
    soft = request(12, "budget")._replace(soft=True)
    assert (await meter.take([soft, request()])).met
    verdict = await meter.take([soft._replace(cost=0.0), request()])
    assert verdict.met
    assert [each.remaining for each in verdict.levels] == [0, 8]


async def test_calls_that_are_said_to_run_keep_their_places(meter: SharedMeter) -> None:
    places = [Hold("anna/concurrent", 2)]
    assert (await meter.take([], places, "a")).met
    await meter.keep({"a": places})
    assert (await meter.take([], places, "b")).met
    assert not (await meter.take([], places, "c")).met
