"""Shared limits whose server goes away: this process's own hold meanwhile, and what they paid is paid there after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count

import pytest

from potluck.core.allowances import Allowance, Claim, Hold, Level, Unit, Verdict
from potluck.core.errors import StorageAway
from potluck.storage.shared.guarded import GuardedMeter
from potluck.storage.shared.memory import MemoryMeter
from potluck.storage.shared.redis import RedisMeter
from potluck.storage.shared.redis_server import open_redis
from tests.servers.redis import redis_server

DAY = Allowance(Unit.REQUESTS, 10, 86_400.0)
PLACES = (Hold("anna/concurrent", 1),)


# Of a machine that does much else beside.
PATIENCE_S = 30.0


def request(cost: float = 1.0) -> Claim:
    return Claim("anna", DAY, cost)


class Server(MemoryMeter):
    """A shared meter that may be gone, and that may go while it is paid."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.gone = False
        self.cannot_be_paid = False
        self.asked = 0
        self.kept: list[str] = []

    def _answer(self) -> None:
        self.asked += 1
        if self.gone:
            raise StorageAway("gone", retry_after_s=1.0)

    async def take(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        self._answer()
        return await super().take(claims, holds, call)

    async def charge(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        self._answer()
        if self.cannot_be_paid:
            raise StorageAway("gone", retry_after_s=1.0)
        await super().charge(claims, holds, call)

    async def keep(self, held: object) -> None:
        self._answer()
        assert isinstance(held, dict)
        self.kept = list(held)

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        self._answer()
        return await super().levels(claims)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def meter(server: Server) -> GuardedMeter:
    return GuardedMeter(MemoryMeter(lambda: 0.0), server)


async def left(meter: GuardedMeter) -> int:
    return (await meter.levels([request()]))[0].remaining


async def test_own_limits_know_what_was_spent_here_before(server: Server, meter: GuardedMeter) -> None:
    assert (await meter.take([request(4)], PLACES, "a")).met
    server.gone = True
    assert not (await meter.take([request()], PLACES, "b")).met, "a still runs"
    assert meter.away
    assert await left(meter) == 6
    await meter.charge([request(-1)], PLACES, "a")
    assert (await meter.take([request(7)], PLACES, "b")).met
    assert server.asked == 2


async def test_what_was_used_meanwhile_is_paid_when_it_is_back(server: Server, meter: GuardedMeter) -> None:
    server.gone = True
    assert (await meter.take([request(4)], PLACES, "a")).met
    await meter.charge([request(2)])
    await meter.look()
    assert meter.away
    server.gone, server.cannot_be_paid = False, True
    await meter.look()
    assert meter.away
    server.cannot_be_paid = False
    await meter.look()
    assert not meter.away
    assert (await server.levels([request()]))[0].remaining == 4
    assert server.kept == ["a"]
    await meter.look()
    assert (await server.levels([request()]))[0].remaining == 4, "once"


async def test_a_server_that_has_lost_all_is_told_what_was_spent_here(server: Server) -> None:
    meter = GuardedMeter(MemoryMeter(lambda: 0.0), server)
    assert (await meter.take([request(6)])).met
    server.gone = True
    assert (await meter.take([request(1)])).met
    server.restore({request().bucket: 1e-9})
    server.gone = False
    await meter.look()
    assert (await server.levels([request()]))[0].remaining == 3


async def test_buckets_that_are_full_are_forgotten(server: Server) -> None:
    clock = [0.0]
    meter = GuardedMeter(MemoryMeter(lambda: clock[0]), server)
    for number in range(10_001):
        meter._note([Claim(f"b{number}", DAY)])
    assert not meter._used


async def test_whoever_finds_it_gone_turns_to_its_own(server: Server, meter: GuardedMeter) -> None:
    assert (await meter.take([], PLACES, "a")).met
    await meter.keep({"a": PLACES})
    server.gone = True
    await meter.keep({"a": PLACES})
    assert meter.away
    await meter.keep({"a": PLACES})
    other = GuardedMeter(MemoryMeter(lambda: 0.0), server)
    assert await left(other) == 10
    assert other.away
    third = GuardedMeter(MemoryMeter(lambda: 0.0), server)
    await third.charge([request(3)])
    assert await left(third) == 7


async def test_without_a_server_its_own_are_all_there_are() -> None:
    meter = GuardedMeter(MemoryMeter(lambda: 0.0))
    assert meter.at_once
    assert not meter.away
    assert (await meter.take([request(10)])).met
    await meter.charge([request(-1)])
    assert await left(meter) == 1
    await meter.look()
    await meter.watching()


async def test_a_redis_that_is_stopped_and_started_again() -> None:
    with redis_server() as running:
        # Minutes pass each time that the clock is looked at, so that a server which was away is asked at once.
        async with open_redis(running.url, clock=count(0.0, 300.0).__next__) as client:
            meter = GuardedMeter(MemoryMeter(time.monotonic), RedisMeter(client), answers_within_s=PATIENCE_S)
            assert (await meter.take([request(3)], PLACES, "a")).met
            assert not meter.away
            running.stop()
            assert not (await meter.take([request()], PLACES, "b")).met
            assert meter.away
            assert (await meter.take([request(2)])).met
            running.start()
            await meter.look()
            assert not meter.away
            assert not (await meter.take([], PLACES, "b")).met, "a still runs, and that was said"
            assert await left(meter) == 5, "what the server has lost is known here"


async def test_two_gateways_let_in_no_more_together_than_may_be() -> None:
    with redis_server() as running:
        async with (
            open_redis(running.url, clock=time.monotonic) as one,
            open_redis(running.url, clock=time.monotonic) as two,
        ):
            meters = [
                GuardedMeter(MemoryMeter(time.monotonic), RedisMeter(client), answers_within_s=PATIENCE_S)
                for client in (one, two)
            ]
            taken = [meters[number % 2].take([request()], (), f"c{number}") for number in range(30)]
            assert sum(verdict.met for verdict in await asyncio.gather(*taken)) == 10
            held = [meters[number % 2].take([], PLACES, f"d{number}") for number in range(6)]
            assert sum(verdict.met for verdict in await asyncio.gather(*held)) == 1
