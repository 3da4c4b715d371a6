"""Word of jobs that wait."""

from __future__ import annotations

import asyncio

import pytest

from potluck.storage.shared_ports import Shared

Gateways = tuple[Shared, Shared]


async def test_a_job_is_told_once_however_many_wait_for_one(gateways: Gateways) -> None:
    one, other = (each.jobs for each in gateways)
    waiting = {asyncio.ensure_future(each.next()) for each in (one, other)}
    await one.announce("j1")
    told, still = await asyncio.wait(waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert len(told) == 1
    await one.settle(told.pop().result())
    more, _ = await asyncio.wait(still, timeout=0.1)
    assert not more
    for each in still:
        each.cancel()
    await asyncio.gather(*still, return_exceptions=True)


async def test_what_was_announced_before_anybody_waited_is_told(gateways: Gateways) -> None:
    for number in range(3):
        await gateways[0].jobs.announce(f"j{number}")
    async with asyncio.timeout(10):
        told = [await gateways[1].jobs.next() for _ in range(3)]
    assert len(set(told)) == 3
    for each in told:
        await gateways[1].jobs.settle(each)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gateways[1].jobs.next(), 0.05)
