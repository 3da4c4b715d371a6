"""Which gateways are alive, in Redis: a sorted set of when each counts as gone, and a hash of what each said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from redis.exceptions import RedisError

from potluck.storage.records import GatewayRecord
from potluck.storage.shared.redis_server import GuardedRedis, redis_away

_KEYS = ("potluck:gateways:until", "potluck:gateways:said")

# All on the server's clock, in one step each. KEYS as above; ARGV is the gateway's id, then in how many milliseconds it
# counts as gone (below 0: at once), then what it says. Returns what those say that are left.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
return redis.call('HVALS', KEYS[2])
"""

_decoder = msgspec.json.Decoder(GatewayRecord)


class RedisPresence:
    """See `storage.shared_ports.Presence`."""

    def __init__(self, client: GuardedRedis) -> None:
        self._script: Any = client.register_script(_SCRIPT)

    async def here(self, gateway: GatewayRecord, ttl_s: float) -> None:
        await self._run(gateway.id, round(ttl_s * 1000), msgspec.json.encode(gateway))

    async def leave(self, gateway: str) -> None:
        await self._run(gateway, -1, b"")

    async def all(self) -> tuple[GatewayRecord, ...]:
        alive = [_decoder.decode(told) for told in await self._run("", 0, b"")]
        return tuple(sorted(alive, key=lambda each: (each.started_s, each.id)))

    async def _run(self, gateway: str, ttl_ms: int, said: bytes) -> Sequence[str]:
        try:
            told: Sequence[str] = await self._script(_KEYS, (gateway, ttl_ms, said))
        except (RedisError, OSError) as error:
            raise redis_away(error) from error
        return told
