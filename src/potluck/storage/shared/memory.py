"""What gateways share, where there is only one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from potluck.core.allowances import Claim, Level, Meter, Verdict

_SWEEP_EVERY_S = 60.0


class MemoryMeter:
    """See `potluck.storage.ports.SharedMeter`. Forgets with its process: a restart fills the buckets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock`` is monotonic seconds."""
        self._clock = clock
        self._meter = Meter()
        self._swept_s = clock()

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        now = self._clock()
        if now - self._swept_s >= _SWEEP_EVERY_S:
            self._swept_s = now
            self._meter.sweep(now)
        return self._meter.take(claims, now)

    async def charge(self, claims: Sequence[Claim]) -> None:
        self._meter.charge(claims, self._clock())

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        return self._meter.levels(claims, self._clock())
