"""What keeps what gateways share: one parameter each."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from potluck.storage.ports import SharedMeter
from potluck.storage.shared.memory import MemoryMeter
from potluck.storage.shared.redis import RedisMeter, open_redis
from tests.servers.redis import RedisServer, redis_server


@pytest.fixture(scope="session", params=["memory", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer | None]:
    if request.param == "memory":
        yield None
        return
    with redis_server() as running:
        yield running


@pytest.fixture
async def meter(server: RedisServer | None) -> AsyncIterator[SharedMeter]:
    """Full buckets."""
    if server is None:
        yield MemoryMeter(time.monotonic)
        return
    async with open_redis(server.url) as client:
        await client.flushdb()
        yield RedisMeter(client)
