"""Which gateways are alive."""

from __future__ import annotations

import asyncio

from potluck.storage.records import GatewayRecord
from potluck.storage.shared_ports import Presence, Shared

ONE = GatewayRecord("g1", "attic", "http://attic:8420", "0.1.0", 10.0)
OTHER = GatewayRecord("g2", "cellar", "", "0.1.0", 5.0)


async def test_those_that_said_so_are_there_the_first_to_start_first(gateways: tuple[Shared, Shared]) -> None:
    await gateways[0].presence.here(ONE, 60.0)
    await gateways[1].presence.here(OTHER, 60.0)
    assert await gateways[0].presence.all() == (OTHER, ONE)


async def test_who_leaves_is_gone_at_once(presence: Presence) -> None:
    await presence.here(ONE, 60.0)
    await presence.leave(ONE.id)
    await presence.leave("never was")
    assert await presence.all() == ()


async def test_who_falls_silent_is_gone_after_its_time(presence: Presence) -> None:
    await presence.here(ONE, 0.05)
    await presence.here(OTHER, 60.0)
    async with asyncio.timeout(10):
        while await presence.all() != (OTHER,):
            await asyncio.sleep(0.01)


async def test_who_says_so_again_stays_with_what_it_said_last(presence: Presence) -> None:
    await presence.here(ONE, 0.05)
    moved = GatewayRecord("g1", "attic", "http://attic:9000", "0.1.0", 10.0)
    await presence.here(moved, 60.0)
    await asyncio.sleep(0.1)
    assert await presence.all() == (moved,)
