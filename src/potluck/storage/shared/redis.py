"""Allowances that gateways share, in Redis 6 or later."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from potluck.core.allowances import Claim, Hold, Level, Verdict, level
from potluck.storage.shared.redis_server import redis_away

_PREFIX = "potluck:meter:"

# `core.allowances.Meter.take`, to the letter, in one step of the server's and on its clock. KEYS are buckets, then the
# sorted sets of who holds places, each call with the time until which it is believed. ARGV is "take" or "charge", the
# call, the seconds it is believed for, how many buckets there are; then for each bucket: cost, seconds a unit takes to
# come back, the period, the amount, 1 for a soft claim; then for each hold: how many places there are.
# Returns whether it was paid, the longest wait, which claim that is, which hold has no place left (counted from 1, 0
# for none), the server's time and each bucket's number, as texts: Redis would cut the fractions off.
_METER = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local call, lease_s, buckets = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local after, longest, by, full = {}, 0, 0, 0
for i = 1, buckets do
  local key, at = KEYS[i], 5 * i
  local cost, unit_s, period_s = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local amount = tonumber(ARGV[at + 3])
  local full_at = after[key]
  if full_at == nil then full_at = tonumber(redis.call('GET', key) or now) end
  if full_at < now or full_at > now + 2 * period_s then full_at = now end
  local wait_s = full_at + math.min(cost, amount) * unit_s - now - period_s
  if ARGV[at + 4] == '0' and wait_s > longest and wait_s > 1e-6 then longest, by = wait_s, i end
  after[key] = math.min(full_at + cost * unit_s, now + 2 * period_s)
end
if ARGV[1] == 'take' then
  for i = buckets + 1, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    if full == 0 and redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[4 + 4 * buckets + i]) then full = i - buckets end
  end
end
local paid = ARGV[1] == 'charge' or (by == 0 and full == 0)
if paid then
  for key, full_at in pairs(after) do
    if full_at > now then
      redis.call('SET', key, string.format('%.17g', full_at), 'PX', math.ceil((full_at - now) * 1000))
    else
      redis.call('DEL', key)
    end
  end
  for i = buckets + 1, #KEYS do
    if ARGV[1] == 'charge' then
      redis.call('ZREM', KEYS[i], call)
    else
      redis.call('ZADD', KEYS[i], string.format('%.17g', now + lease_s), call)
      redis.call('PEXPIRE', KEYS[i], math.ceil(2000 * lease_s))
    end
  end
end
local told = {paid and '1' or '0', string.format('%.17g', longest), by, full, string.format('%.17g', now)}
for i = 1, buckets do
  told[5 + i] = redis.call('GET', KEYS[i]) or string.format('%.17g', now)
end
return told
"""

# KEYS are the sets of who holds places; ARGV is the seconds that calls are believed for, then each one's name.
_KEEP = """
local time = redis.call('TIME')
local ends = tonumber(time[1]) + tonumber(time[2]) / 1e6 + tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, string.format('%.17g', ends), ARGV[i + 1])
  redis.call('PEXPIRE', key, math.ceil(2000 * tonumber(ARGV[1])))
end
"""

# A gateway that was killed holds its calls' places for so long; one that runs says three times in it that they run.
LEASE_S = 30.0
# Places of one step: thousands of calls must not keep the server from others for long.
_KEPT_AT_ONCE = 500


class RedisMeter:
    """See `storage.shared_ports.SharedMeter`."""

    def __init__(self, client: Redis) -> None:
        self._meter: Any = client.register_script(_METER)
        self._keep: Any = client.register_script(_KEEP)

    async def take(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        return await self._run("take", claims, holds, call)

    async def charge(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        await self._run("charge", claims, holds, call)

    async def keep(self, held: Mapping[str, Sequence[Hold]]) -> None:
        places = [(_PREFIX + hold.places, call) for call, holds in held.items() for hold in holds]
        for at in range(0, len(places), _KEPT_AT_ONCE):
            some = places[at : at + _KEPT_AT_ONCE]
            with _answered():
                await self._keep([place for place, _ in some], [LEASE_S, *(call for _, call in some)])

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        return (await self._run("charge", [claim._replace(cost=0.0) for claim in claims], (), "")).levels

    async def _run(self, what: str, claims: Sequence[Claim], holds: Sequence[Hold], call: str) -> Verdict:
        if not claims and not holds:
            return Verdict(True, 0.0, ())
        values: list[str | float] = [what, call, LEASE_S, len(claims)]
        for claim in claims:
            allowance = claim.allowance
            values += (claim.cost, allowance.unit_s, allowance.period_s, allowance.amount, int(claim.soft))
        values += [hold.most for hold in holds]
        keys = [*(_PREFIX + claim.bucket for claim in claims), *(_PREFIX + hold.places for hold in holds)]
        with _answered():
            paid, wait_s, by, full, now, *full_at_s = await self._meter(keys, values)
        levels = tuple(level(float(at), claim, float(now)) for claim, at in zip(claims, full_at_s, strict=True))
        return Verdict(
            paid == "1", float(wait_s), levels, claims[by - 1] if by else None, holds[full - 1] if full else None
        )


@contextmanager
def _answered() -> Generator[None]:
    """What the client raises, as what it means. Raises `StorageAway`."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise redis_away(error) from error
