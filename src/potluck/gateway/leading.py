"""Keeps a gateway's part of the leadership (`core.leadership`): asks the store, and tells who waits for a change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from msgspec.structs import replace

from potluck.core.errors import OperatorError
from potluck.core.leadership import LOOK_S, RENEW_S, Leadership, Others, Record, Step
from potluck.gateway.relay.forwarding import Target
from potluck.storage.leadership import GatewayHere, HeldSeat, LeadershipStore

log = structlog.get_logger(__name__)

# An answer that takes longer is as good as none: a lease has to be renewed, or given up, before it is over.
_ANSWER_S = 1.0


class Leading:
    """Implements `forwarding.Leader`. ``clock`` never steps and goes on while the machine sleeps.

    ``ask`` asks another gateway for its promise: True also where nothing runs there any more. ``own_url`` is where this
    gateway reaches itself.
    """

    def __init__(
        self,
        store: LeadershipStore,
        own: GatewayHere,
        *,
        own_url: str,
        predecessor: str = "",
        clock: Callable[[], float],
        ask: Callable[[GatewayHere], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._own = own
        self._own_url = own_url
        self._part = Leadership(own.id, own.url, predecessor)
        self._others = Others()
        self._present: tuple[GatewayHere, ...] = ()
        self._gone: frozenset[str] = frozenset()
        self._met_s = float("-inf")
        self._clock = clock
        self._ask = ask
        self._changed = asyncio.Event()
        self._was: tuple[Record | None, bool] = (None, False)
        self._stands_back = False
        self._asking = asyncio.Lock()

    # --- what is ---

    @property
    def id(self) -> str:
        return self._own.id

    @property
    def term(self) -> int:
        return self._part.term

    @property
    def away(self) -> bool:
        """Whether the store did not answer the last time."""
        return self._part.away

    def leads(self) -> bool:
        """Whether this gateway may schedule at this moment."""
        return self._part.leads(self._clock())

    def holds(self) -> bool:
        """Whether this gateway leads, or has just stopped to and nobody else could begin yet."""
        return self._part.holds

    @property
    def target(self) -> Target | None:
        record = self._part.record
        if record is None or not record.holder:
            return None
        return Target(record.holder, self._own_url if record.holder == self._own.id else record.url)

    @property
    def present(self) -> Sequence[GatewayHere]:
        """The gateways that are there, this one too, as they were a second ago."""
        return [each for each in self._present if each.id not in self._gone]

    @property
    def others(self) -> Sequence[GatewayHere]:
        return [each for each in self.present if each.id != self._own.id]

    def deserted(self, holder: str) -> bool:
        """A gateway that resigned says so by having no URL, and finishes what it had begun."""
        target = self.target
        if target is None or target.holder == holder:
            return False
        return not any(each.id == holder and not each.url for each in self.present)

    # --- waiting ---

    async def turn(self, within_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._changed.wait()

    async def led(self) -> None:
        """Until this gateway leads."""
        while not self.leads():
            self._tell()  # of a lease that was over before it was asked about: else renewing it would be no change
            await self._changed.wait()

    async def lost(self) -> None:
        """Until it does not any more."""
        while self.leads():
            await self.turn(max(0.01, min(LOOK_S, self._part.left_s(self._clock()))))

    async def found(self) -> None:
        """Until somebody leads."""
        while self.target is None:
            await self._changed.wait()

    # --- keeping it ---

    async def begin(self) -> None:
        """Be there, and look once. Raises `OperatorError`."""
        await self._meet()
        self._part.saw(await self._store.look(), self._clock())
        await self.step()

    async def keep(self) -> None:
        """For ever, one step after the other."""
        while True:
            renewing = self._part.holds and not self._part.away
            await asyncio.sleep(RENEW_S if renewing else LOOK_S)
            await self.step()

    async def step(self) -> None:
        """Ask the store once; where it does not answer a leader, the others."""
        async with self._asking:
            await self._ask_store()
        self._tell()

    async def _ask_store(self) -> None:
        asked_s = self._clock()
        try:
            async with asyncio.timeout(_ANSWER_S):
                if asked_s - self._met_s >= RENEW_S:
                    await self._meet()
                    asked_s = self._clock()
                await self._step(asked_s)
        except (OperatorError, TimeoutError) as error:
            self._part.failed()
            if self._part.holds and not self._stands_back:
                await self._ask_others(error)

    async def _step(self, asked_s: float) -> None:
        step = self._part.next(asked_s)
        if step is Step.LOOK or self._stands_back:
            self._part.saw(await self._store.look(), self._clock())
            asked_s = self._clock()
            step = self._part.next(asked_s)
        before = self._part.record
        if step is Step.LOOK or before is None or self._stands_back:
            return
        wanted = self._part.wanted(step)
        there = await self._store.swap(before, wanted)
        if there is None:
            self._part.granted(wanted, asked_s)
        else:
            self._part.saw(there, self._clock())

    async def _meet(self) -> None:
        self._own = replace(self._own, beat=self._own.beat + 1)
        # Only a leader sweeps, so that gateways do not sweep each other after a pause of the store.
        self._present = await self._store.meet(self._own, self._gone if self.leads() else ())
        self._met_s = self._clock()
        beats = {each.id: each.beat for each in self._present}
        _, self._gone = self._others.saw(beats, self._met_s)

    async def _ask_others(self, error: Exception) -> None:
        """The store is away. While all others say that they will not take over, nobody does."""
        asked_s = self._clock()
        answers = await asyncio.gather(*(self._ask(each) for each in self.others if each.url))
        led = self._part.leads(asked_s)
        self._part.promised(answers, asked_s)
        log.debug("the store is away", asked=len(answers), promised=all(answers), led=led, why=str(error))

    def promise(self) -> bool:
        """What a leader is told that asks this gateway."""
        return self._part.promise(self._clock())

    def _tell(self) -> None:
        now = (self._part.record, self.leads())
        (before, led), self._was = self._was, now
        holder = now[0].holder if now[0] is not None else ""
        if now[1] != led or (before.holder if before is not None else "") != holder:
            if now[1] and not led:
                log.info("this gateway leads", term=self.term)
            elif led and not now[1]:
                log.info("this gateway does not lead any more", term=self.term)
            elif holder and holder != self._own.id:
                log.info("another gateway leads", url=now[0].url if now[0] is not None else "")
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    # --- the end ---

    async def resign(self, handed_over: Callable[[], Awaitable[Sequence[HeldSeat]]], *, for_good: bool) -> None:
        """Lead no more, and let another one do so now.

        1. From this moment nothing is scheduled here. 2. ``handed_over`` leaves to the next one what it is to go on
        with, and says which seats calls have here still. 3. The others are told of these. 4. The record is free.
        """
        self._stands_back = for_good
        async with self._asking:
            before, after = self._part.record, self._part.resigned()
            held = await handed_over()
            if for_good:
                await self.tell_held(held)
            if before is not None and after is not None:
                with suppress(OperatorError, TimeoutError):
                    async with asyncio.timeout(_ANSWER_S):
                        there = await self._store.swap(before, after)
                        self._part.saw(after if there is None else there, self._clock())
        self._tell()

    async def meet(self) -> None:
        """Hear of the others now."""
        with suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                await self._meet()

    async def tell_held(self, held: Sequence[HeldSeat]) -> None:
        """Which seats this gateway's calls still have, now that it is about to leave."""
        self._own = replace(self._own, url="", held=tuple(held))
        await self.meet()

    async def leave(self) -> None:
        with suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                await self._store.leave(self._own.id)
