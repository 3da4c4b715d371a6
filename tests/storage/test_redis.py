"""Redis that goes away and comes back."""

from __future__ import annotations

import pytest

from potluck.core.allowances import Allowance, Claim, Unit
from potluck.core.errors import StorageAway
from potluck.storage.shared.redis import RedisMeter, open_redis
from tests.servers.redis import redis_server

CLAIM = Claim("anna", Allowance(Unit.REQUESTS, 10, 86_400.0))


async def test_a_server_that_is_away_is_told_at_once_and_used_again_when_it_is_back() -> None:
    with redis_server() as server:
        async with open_redis(server.url) as client:
            meter = RedisMeter(client)
            assert (await meter.take([CLAIM])).met
            server.stop()
            with pytest.raises(StorageAway):
                await meter.take([CLAIM])
            server.start()
            (level,) = await meter.levels([CLAIM])
            assert level.remaining == 10, "it kept nothing, and its script is given to it again"
