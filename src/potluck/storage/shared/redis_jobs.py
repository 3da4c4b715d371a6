"""Word of waiting jobs, by a stream of Redis (redis.io/docs/latest/develop/data-types/streams) and a consumer group.

The stream holds ids and no work: an entry that is lost costs a moment, one too many a look at the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from potluck.storage.shared.redis_server import GuardedRedis

_STREAM = "potluck:jobs"
_GROUP = "gateways"
# More wait in the database, where they are found one after the other by who has done one.
_MOST = 10_000
# Shorter than a client waits for an answer: the connection is this call's own meanwhile.
_BLOCK_MS = 1_000
# A gateway that was told and said nothing for so long is gone.
_ABANDONED_MS = 15_000
_AWAY_S = 1.0


class RedisJobSpread:
    """See `storage.shared_ports.JobSpread`. ``gateway`` is this gateway's own id, ``clock`` monotonic seconds."""

    def __init__(self, client: GuardedRedis, gateway: str, clock: Callable[[], float]) -> None:
        self._client: Any = client  # its commands' types say that answers may be anything
        self._gateway = gateway
        self._clock = clock
        self._looked_s = float("-inf")

    async def announce(self, job: str) -> None:
        with suppress(RedisError, OSError):
            await self._client.xadd(_STREAM, {"job": job}, maxlen=_MOST, approximate=True)

    async def next(self) -> str:
        while True:
            try:
                told = await self._abandoned() or await self._new()
            except (RedisError, OSError) as error:
                if not (str(error).startswith("NOGROUP") and await self._made_group()):
                    await asyncio.sleep(_AWAY_S)
            else:
                if told:
                    return told

    async def settle(self, told: str) -> None:
        with suppress(RedisError, OSError):
            await self._client.xack(_STREAM, _GROUP, told)
            await self._client.xdel(_STREAM, told)

    async def _made_group(self) -> bool:
        # From the beginning: what was announced before anybody listened waits still.
        try:
            await self._client.xgroup_create(_STREAM, _GROUP, id="0", mkstream=True)
        except (RedisError, OSError) as error:
            return str(error).startswith("BUSYGROUP")  # another gateway was quicker
        return True

    async def _new(self) -> str:
        answer = await self._client.xreadgroup(_GROUP, self._gateway, {_STREAM: ">"}, count=1, block=_BLOCK_MS)
        return _first(answer[0][1]) if answer else ""

    async def _abandoned(self) -> str:
        """What a gateway was told that has died since."""
        if self._clock() - self._looked_s < _ABANDONED_MS / 1000:
            return ""
        answer = await self._client.xautoclaim(
            _STREAM, _GROUP, self._gateway, min_idle_time=_ABANDONED_MS, start_id="0-0", count=1
        )
        found = _first(answer[1])
        if not found:
            self._looked_s = self._clock()
            await self._forget_the_dead()
        return found

    async def _forget_the_dead(self) -> None:
        """Every start has another id: those of earlier ones are let go when they owe nothing."""
        for each in await self._client.xinfo_consumers(_STREAM, _GROUP):
            if each["name"] != self._gateway and each["pending"] == 0 and each["idle"] > 10 * _ABANDONED_MS:
                await self._client.xgroup_delconsumer(_STREAM, _GROUP, each["name"])


def _first(entries: Any) -> str:
    """The id of the first entry, by which it is settled; empty if there is none."""
    return str(entries[0][0]) if entries else ""
