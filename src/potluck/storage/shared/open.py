"""Open what gateways share: in Redis if there is one, else in this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from potluck.storage.shared.memory import MemoryBus, MemoryJobSpread, MemoryMeter, MemoryPresence
from potluck.storage.shared_ports import Shared


@asynccontextmanager
async def open_shared(url: str | None, *, gateway: str, clock: Callable[[], float]) -> AsyncGenerator[Shared, None]:
    """What the gateway of the id ``gateway`` shares with others by the Redis at ``url``; without one, with nobody.

    Nothing is connected before it is used. ``clock`` is monotonic seconds. Raises `OperatorError` for a URL that is not
    understood.
    """
    if url is None:
        yield Shared(MemoryBus(), MemoryPresence(clock), MemoryMeter(clock), MemoryJobSpread())
        return
    # 0.1 s and 9 MB that nobody needs without Redis.
    from potluck.storage.shared.redis import RedisMeter  # noqa: PLC0415
    from potluck.storage.shared.redis_bus import RedisBus  # noqa: PLC0415
    from potluck.storage.shared.redis_jobs import RedisJobSpread  # noqa: PLC0415
    from potluck.storage.shared.redis_presence import RedisPresence  # noqa: PLC0415
    from potluck.storage.shared.redis_server import open_redis  # noqa: PLC0415

    async with open_redis(url, clock=clock) as client:
        yield Shared(
            RedisBus(client, gateway, clock),
            RedisPresence(client),
            RedisMeter(client),
            RedisJobSpread(client, gateway, clock),
            client,
        )
