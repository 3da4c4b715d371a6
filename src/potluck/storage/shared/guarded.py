"""Shared buckets that may go away: this process's own decide meanwhile, and what they paid is paid there afterwards.

So losing Redis makes limits hold for each gateway by itself, and nobody waits for a server that does not answer: it is
the one call that finds it gone which waits, for a third of a second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from potluck.core.allowances import Allowance, Claim, Hold, Level, Unit, Verdict
from potluck.core.errors import StorageAway
from potluck.storage.shared.memory import MemoryMeter
from potluck.storage.shared_ports import SharedMeter

log = structlog.get_logger(__name__)

# A server on the same network answers in a millisecond, and callers wait for this one.
ANSWERS_WITHIN_S = 0.3
# To pay all that was used while it was away may take longer, and nobody waits for that.
_PAID_WITHIN_S = 5.0
# So often is looked whether it is back.
LOOK_EVERY_S = 1.0
# And which calls run is said three times in the half minute for which that is believed.
KEEP_EVERY_ROUNDS = 10
# Buckets that are remembered before those that are full are forgotten.
_MOST_USED = 10_000
# Two servers' clocks, and the time between two questions, make no difference.
_SAME_S = 0.05
# Looking at any bucket tells whether it is there.
_ANY = Claim("nobody", Allowance(Unit.REQUESTS, 1.0, 1.0), 0.0)


class GuardedMeter:
    """See `storage.shared_ports.SharedMeter`; never raises `StorageAway`. Without ``shared`` it is ``own`` alone."""

    def __init__(
        self, own: MemoryMeter, shared: SharedMeter | None = None, *, answers_within_s: float = ANSWERS_WITHIN_S
    ) -> None:
        self._own = own
        self._shared = shared
        self._answers_within_s = answers_within_s
        self._away = shared is None
        self._owed: dict[str, Claim] = {}
        self._used: dict[str, Claim] = {}  # the last claim on each bucket that is used here
        self.held: dict[str, tuple[Hold, ...]] = {}
        """What calls hold that run now, each by its name."""

    @property
    def at_once(self) -> bool:
        """Whether this process's own decide, without waiting."""
        return self._away

    @property
    def away(self) -> bool:
        """Whether there are shared ones, and they do not answer."""
        return self._away and self._shared is not None

    def take_now(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        """`take` by this process's own."""
        verdict = self._own.take_now(claims, holds, call)
        if verdict.met:
            self._owe(claims)
            self._hold(holds, call)
        return verdict

    def charge_now(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        """`charge` by this process's own."""
        self._own.charge_now(claims, holds, call)
        self._owe(claims)
        self.held.pop(call, None)

    async def take(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        if self._shared is None or self._away:
            return self.take_now(claims, holds, call)
        try:
            async with asyncio.timeout(self._answers_within_s):
                verdict = await self._shared.take(claims, holds, call)
        except (StorageAway, TimeoutError) as error:
            self._lost(error)
            return self.take_now(claims, holds, call)
        if verdict.met:
            # Its own buckets know what was spent here, for when they are alone.
            self._own.charge_now(claims)
            self._note(claims)
            self._own.hold_now(holds, call)
            self._hold(holds, call)
        return verdict

    async def charge(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        if self._shared is None or self._away:
            self.charge_now(claims, holds, call)
            return
        self._own.charge_now(claims, holds, call)
        self._note(claims)
        self.held.pop(call, None)
        try:
            async with asyncio.timeout(self._answers_within_s):
                await self._shared.charge(claims, holds, call)
        except (StorageAway, TimeoutError) as error:
            self._lost(error)
            self._owe(claims)

    async def keep(self, held: Mapping[str, Sequence[Hold]]) -> None:
        if self._shared is None or self._away or not held:
            return
        try:
            async with asyncio.timeout(self._answers_within_s):
                await self._shared.keep(held)
        except (StorageAway, TimeoutError) as error:
            self._lost(error)

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        if self._shared is None or self._away:
            return self._own.levels_now(claims)
        try:
            async with asyncio.timeout(self._answers_within_s):
                return await self._shared.levels(claims)
        except (StorageAway, TimeoutError) as error:
            self._lost(error)
            return self._own.levels_now(claims)

    def _hold(self, holds: Sequence[Hold], call: str) -> None:
        if holds:
            self.held[call] = (*self.held.get(call, ()), *holds)

    def _note(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._used[claim.bucket] = claim
        if len(self._used) > _MOST_USED:
            missing = self._own.missing()
            self._used = {bucket: claim for bucket, claim in self._used.items() if bucket in missing}

    def _owe(self, claims: Sequence[Claim]) -> None:
        if self._shared is None:
            return
        self._note(claims)
        for claim in claims:
            before = self._owed.get(claim.bucket)
            self._owed[claim.bucket] = claim if before is None else claim._replace(cost=before.cost + claim.cost)

    def _lost(self, error: Exception) -> None:
        if self._away:
            return
        self._away = True
        log.warning("Redis does not answer; limits hold for this gateway alone", why=str(error) or "it is slow")

    async def watching(self) -> None:
        """For ever, where there is a server: say which calls run here, and look for it while it is away."""
        rounds = 0
        while self._shared is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            rounds += 1
            if self._away:
                await self.look()
            elif rounds % KEEP_EVERY_ROUNDS == 0:
                await self.keep(dict(self.held))

    async def look(self) -> None:
        """See whether the server answers again; then pay it what was used meanwhile, and let it decide."""
        if self._shared is None:
            return
        try:
            async with asyncio.timeout(_PAID_WITHIN_S):
                await self._shared.levels([_ANY])
                while self._owed:
                    owed, self._owed = self._owed, {}
                    try:
                        await self._shared.charge(list(owed.values()))
                    except BaseException:
                        for claim in owed.values():
                            self._owe([claim])
                        raise
                await self._mend(self._shared)
                await self._shared.keep(dict(self.held))
        except (StorageAway, TimeoutError):
            return
        if not self._owed:  # else some was used in that very moment: the next look pays it
            self._away = False
            log.info("Redis answers again; limits hold for all gateways together")

    async def _mend(self, shared: SharedMeter) -> None:
        """A server that was started anew may have lost all: what is missing here is missing there at least."""
        missing = self._own.missing()
        claims = [claim for bucket, claim in self._used.items() if bucket in missing]
        short = [
            claim._replace(cost=lost_s / claim.allowance.unit_s)
            for claim, level in zip(claims, await shared.levels(claims), strict=True)
            if (lost_s := missing[claim.bucket] - level.full_s) > _SAME_S
        ]
        if short:
            await shared.charge(short)
