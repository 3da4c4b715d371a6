"""Allowances that gateways share, in Redis 6 or later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from potluck.core.allowances import Claim, Level, Verdict, level
from potluck.storage.shared.redis_server import redis_away

_PREFIX = "potluck:meter:"

# `core.allowances.Meter.take`, to the letter, in one step of the server's and on its clock. KEYS are buckets; ARGV is
# "take" or "charge", then for each bucket: cost, seconds a unit takes to come back, the period, the amount.
# Returns whether it was paid, the longest wait, the server's time and each bucket's number, as texts: Redis would cut
# the fractions off.
_METER = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local after, longest = {}, 0
for i, key in ipairs(KEYS) do
  local cost, unit_s = tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local period_s, amount = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  local full_at = after[key]
  if full_at == nil then full_at = tonumber(redis.call('GET', key) or now) end
  if full_at < now or full_at > now + 2 * period_s then full_at = now end
  longest = math.max(longest, full_at + math.min(cost, amount) * unit_s - now - period_s)
  after[key] = math.min(full_at + cost * unit_s, now + 2 * period_s)
end
local paid = longest <= 0 or ARGV[1] == 'charge'
if paid then
  for key, full_at in pairs(after) do
    if full_at > now then
      redis.call('SET', key, string.format('%.17g', full_at), 'PX', math.ceil((full_at - now) * 1000))
    else
      redis.call('DEL', key)
    end
  end
end
local told = {paid and '1' or '0', string.format('%.17g', math.max(longest, 0)), string.format('%.17g', now)}
for i, key in ipairs(KEYS) do
  told[3 + i] = redis.call('GET', key) or string.format('%.17g', now)
end
return told
"""


class RedisMeter:
    """See `potluck.storage.ports.SharedMeter`."""

    def __init__(self, client: Redis) -> None:
        self._script: Any = client.register_script(_METER)

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        return await self._run("take", claims)

    async def charge(self, claims: Sequence[Claim]) -> None:
        await self._run("charge", claims)

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        return (await self._run("charge", [claim._replace(cost=0.0) for claim in claims])).levels

    async def _run(self, what: str, claims: Sequence[Claim]) -> Verdict:
        if not claims:
            return Verdict(True, 0.0, ())
        values: list[str | float] = [what]
        for _, allowance, cost in claims:
            values += (cost, allowance.unit_s, allowance.period_s, allowance.amount)
        try:
            paid, wait_s, now, *full_at_s = await self._script([_PREFIX + claim.bucket for claim in claims], values)
        except (RedisError, OSError) as error:
            raise redis_away(error) from error
        levels = tuple(level(float(at), claim, float(now)) for claim, at in zip(claims, full_at_s, strict=True))
        return Verdict(paid == "1", float(wait_s), levels)
