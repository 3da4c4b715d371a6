"""What gateways share, where there is only one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from potluck.core.allowances import Claim, Hold, Level, Meter, Verdict
from potluck.storage.records import GatewayRecord, Heard, Topic
from potluck.storage.shared.subscribers import Subscribers
from potluck.storage.shared_ports import Subscription

_SWEEP_EVERY_S = 60.0


class MemoryMeter:
    """See `storage.shared_ports.SharedMeter`. Forgets with its process, but for what is taken out and given back by
    `missing` and `restore`. What is ``_now`` needs no waiting."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock`` is monotonic seconds."""
        self._clock = clock
        self._meter = Meter()
        self._swept_s = clock()

    def take_now(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        now = self._clock()
        if now - self._swept_s >= _SWEEP_EVERY_S:
            self._swept_s = now
            self._meter.sweep(now)
        return self._meter.take(claims, now, holds, call)

    def charge_now(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        self._meter.charge(claims, self._clock())
        self._meter.free(holds, call)

    def hold_now(self, holds: Sequence[Hold], call: str) -> None:
        self._meter.hold(holds, call)

    def levels_now(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        return self._meter.levels(claims, self._clock())

    def missing(self) -> Mapping[str, float]:
        """Seconds until each bucket is full, of those that are not."""
        return self._meter.missing(self._clock())

    def restore(self, missing: Mapping[str, float]) -> None:
        self._meter.restore(missing, self._clock())

    async def take(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        return self.take_now(claims, holds, call)

    async def charge(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        self.charge_now(claims, holds, call)

    async def keep(self, held: Mapping[str, Sequence[Hold]]) -> None:
        """Who shares a process need not say that it runs."""

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        return self.levels_now(claims)


class MemoryBus:
    """See `storage.shared_ports.Bus`."""

    def __init__(self) -> None:
        self._subscribers = Subscribers()

    def publish(self, topic: Topic, what: str = "") -> None:
        self._subscribers.tell(Heard(topic, what))

    def listen(self, *topics: Topic) -> AbstractContextManager[Subscription]:
        return self._subscribers.listen(*topics)

    async def relaying(self) -> None:
        """There is nobody else."""


class MemoryJobSpread:
    """See `storage.shared_ports.JobSpread`. The only gateway is told of everything; what it was told twice, once."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._woken = asyncio.Event()

    async def announce(self, job: str) -> None:
        self._waiting[job] = None
        self._woken.set()

    async def next(self) -> str:
        while not self._waiting:
            self._woken.clear()
            await self._woken.wait()
        job = next(iter(self._waiting))
        del self._waiting[job]
        return job

    async def settle(self, told: str) -> None:
        """Nobody else is to be told."""


class MemoryPresence:
    """See `storage.shared_ports.Presence`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock`` is monotonic seconds."""
        self._clock = clock
        self._until_s: dict[GatewayRecord, float] = {}

    async def here(self, gateway: GatewayRecord, ttl_s: float) -> None:
        await self.leave(gateway.id)
        self._until_s[gateway] = self._clock() + ttl_s

    async def leave(self, gateway: str) -> None:
        self._until_s = {each: until_s for each, until_s in self._until_s.items() if each.id != gateway}

    async def all(self) -> tuple[GatewayRecord, ...]:
        now = self._clock()
        alive = [each for each, until_s in self._until_s.items() if until_s > now]
        return tuple(sorted(alive, key=lambda each: (each.started_s, each.id)))
