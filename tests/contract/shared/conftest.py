"""What keeps what gateways share: one parameter each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from potluck.storage.shared.open import open_shared
from potluck.storage.shared_ports import Presence, Shared, SharedMeter
from tests.servers.redis import RedisServer, redis_server


@pytest.fixture(scope="session", params=["memory", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer | None]:
    if request.param == "memory":
        yield None
        return
    with redis_server() as running:
        yield running


@pytest.fixture
async def gateways(server: RedisServer | None) -> AsyncIterator[tuple[Shared, Shared]]:
    """What two gateways share, nothing of it used yet: without a server both are one."""
    async with AsyncExitStack() as stack:
        if server is None:
            one = await stack.enter_async_context(open_shared(None, gateway="one", clock=time.monotonic))
            yield one, one
            return
        server.empty()
        both = [
            await stack.enter_async_context(open_shared(server.url, gateway=name, clock=time.monotonic))
            for name in ("one", "other")
        ]
        tasks = [asyncio.ensure_future(each.bus.relaying()) for each in both]
        yield both[0], both[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def meter(gateways: tuple[Shared, Shared]) -> SharedMeter:
    """Full buckets."""
    return gateways[0].meter


@pytest.fixture
def presence(gateways: tuple[Shared, Shared]) -> Presence:
    """Nobody is there."""
    return gateways[0].presence
