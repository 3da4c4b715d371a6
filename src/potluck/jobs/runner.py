"""The workers of one gateway: they lease jobs, bring them to their end, and take over those of workers that died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import msgspec
import structlog

from potluck.core.errors import OperatorError, PotluckError
from potluck.core.jobs import BEAT_S, Hold, Watch, again_in_s, tried_again, waits
from potluck.gateway.tasks import Tasks
from potluck.jobs.port import Kind, Tools
from potluck.jobs.work import Trying
from potluck.storage.jobs import Beat, Claimed, JobId, JobStore
from potluck.storage.records import Topic
from potluck.storage.shared_ports import Bus, JobSpread

log = structlog.get_logger(__name__)

# Without a word jobs are looked for so often: those whose pause is over, and what other gateways took while Redis is
# away.
POLL_S = 5.0
# A stop waits no longer for jobs to be given back.
_STOP_S = 5.0
# Old ones are forgotten about so often.
_PRUNE_S = 3_600.0
_FAULT = "Something went wrong inside Potluck."


class Limits(msgspec.Struct, frozen=True):
    """``at_once`` jobs run in this gateway; those that ended are kept for ``keep_s``."""

    at_once: int = 2
    keep_s: float = 7 * 86_400.0


class Runner:
    """Owns the jobs that run here. ``worker`` is this gateway's name, another one after each start; ``sole``: no other
    works at jobs from its beginning on, so what is held then is nobody's. ``clock`` is monotonic, ``wall_clock`` Unix
    seconds, ``chance`` from 0 to 1, and ``leads`` says whether this gateway may take jobs now."""

    def __init__(
        self,
        store: JobStore,
        bus: Bus,
        spread: JobSpread,
        kinds: Mapping[str, Kind],
        tools: Tools,
        tasks: Tasks,
        limits: Limits,
        *,
        worker: str,
        sole: bool,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        chance: Callable[[], float],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._bus = bus
        self._spread = spread
        self._kinds = kinds
        self._tools = tools
        self._tasks = tasks
        self._limits = limits
        self._worker = worker
        self._sole = sole
        self._clock = clock
        self._wall_clock = wall_clock
        self._chance = chance
        self._running: dict[JobId, Trying] = {}
        self._watch = Watch()
        self._woken = asyncio.Event()
        self._looked = asyncio.Event()
        self._freed = asyncio.Event()
        self._stopping = False
        self._blind = False
        self._work: asyncio.Task[None] | None = None
        self._leads = leads

    @property
    def running(self) -> int:
        return len(self._running)

    def begin(self) -> None:
        """Set everything going."""
        self._work = self._tasks.spawn(self._working(), "jobs")
        self._tasks.spawn(self._hearing(), "word of jobs")
        self._tasks.spawn(self._hearing_of_cancels(), "word of cancelled jobs")
        self._tasks.spawn(self._watching(), "others' jobs")
        self._tasks.spawn(self._pruning(), "old jobs")

    def wake(self) -> None:
        """There may be work."""
        self._woken.set()

    async def stop(self, within_s: float = _STOP_S) -> None:
        """Take no more, and give back what runs: another gateway, or the next start, goes on with it. Of what cannot be
        given back in this time the leases are left."""
        self._stopping = True
        self.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                if self._work is not None:
                    await asyncio.wait([self._work])
                for trying in self._running.values():
                    trying.stop("stopping")
                while self._running:
                    self._freed.clear()
                    await self._freed.wait()

    # --- finding work ---

    async def _working(self) -> None:
        await self._take_over()
        while not self._stopping:
            claimed = await self._claim() if self._free() else None
            self._looked.set()
            if claimed is not None:
                trying = self._begun(claimed)
                self._tasks.spawn(self._see_through(trying), f"job {claimed.lease.job}")
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            self._woken.clear()

    def _free(self) -> bool:
        return bool(self._room())

    def _room(self) -> list[str]:
        """The kinds of which one more may run. Those with a number of their own do not count among the others."""
        if self._stopping or not self._leads():
            return []
        running = [trying.record.kind for trying in self._running.values()]
        others = sum(self._kinds[kind].at_once is None for kind in running)
        return [
            name
            for name, kind in self._kinds.items()
            if (others < self._limits.at_once if kind.at_once is None else running.count(name) < kind.at_once)
        ]

    async def _take_over(self) -> None:
        """What was held before this gateway began, if it is the only one that works at jobs."""
        with suppress(OperatorError):  # then they are taken when their leases run out
            for each in await self._store.held() if self._sole else ():
                if await self._store.take_away(each, self._wall_clock()):
                    log.info("a job of the last run goes on", job=each.job)

    async def _claim(self) -> Claimed | None:
        try:
            claimed = await self._store.claim(self._worker, self._room(), self._wall_clock())
        except OperatorError as error:
            if not self._blind:
                log.warning("jobs cannot be looked for", why=error.message)
            self._blind = True
            return None
        self._blind = False
        return claimed

    async def _hearing(self) -> None:
        """Word of a job is taken only while there is room for it: else another gateway may have some."""
        while not self._stopping:
            while not self._free():
                self._freed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._freed.wait()
            told = await self._spread.next()
            self._looked.clear()
            self.wake()
            await self._looked.wait()
            await self._spread.settle(told)

    # --- one job ---

    def _begun(self, claimed: Claimed) -> Trying:
        job = claimed.lease.job
        trying = Trying(
            claimed,
            frozenset(),
            Hold(self._clock()),
            self._store,
            clock=self._clock,
            wall_clock=self._wall_clock,
            told=lambda: self._bus.publish(Topic.JOBS, job),
        )
        self._running[job] = trying
        self._bus.publish(Topic.JOBS, job)
        return trying

    async def _see_through(self, trying: Trying) -> None:
        """1. Let its kind work, and show signs of life. 2. Write down how it went. 3. Make room."""
        log.info("a job begins", job=trying.lease.job, kind=trying.record.kind, user=trying.record.user)
        handling = trying.handling = self._tasks.spawn(self._handle(trying), f"work of job {trying.lease.job}")
        if self._stopping:
            trying.stop("stopping")
        try:
            await self._alive(trying, handling)
            if trying.why != "lost":
                with suppress(asyncio.CancelledError):
                    await self._settle(trying)
        finally:
            del self._running[trying.lease.job]
            self._freed.set()
            self.wake()
        log.info("a job is let go", job=trying.lease.job, how=trying.why or "it ended")

    async def _handle(self, trying: Trying) -> None:
        try:
            await trying.write(lambda now: self._read_kept(trying))
            await self._kinds[trying.record.kind].run(trying, self._tools)
        except PotluckError as error:
            trying.error = error
        except Exception as error:
            trying.error = PotluckError(_FAULT)
            log.error("a job stumbled", job=trying.lease.job, exc_info=error)

    async def _read_kept(self, trying: Trying) -> bool:
        trying.kept = await self._store.numbers(trying.lease)
        return True

    async def _alive(self, trying: Trying, handling: asyncio.Task[None]) -> None:
        """Renew the lease until the work has ended."""
        poked: asyncio.Task[bool] | None = None
        async with asyncio.TaskGroup() as tasks:
            while not handling.done():
                poked = tasks.create_task(trying.poked.wait())
                await asyncio.wait((handling, poked), timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
                poked.cancel()
                if not handling.done():
                    trying.poked.clear()
                    await self._beat(trying)

    async def _beat(self, trying: Trying) -> None:
        asked_s = self._clock()
        try:
            async with asyncio.timeout(BEAT_S):
                beat = await self._store.beat(trying.lease)
        except (OperatorError, TimeoutError):
            if not trying.hold.holds(self._clock()):
                trying.stop("lost")
            return
        if beat is Beat.LOST:
            trying.stop("lost")
            return
        trying.hold.renewed(asked_s)
        if beat is Beat.CANCELLED:
            trying.stop("cancelled")

    async def _settle(self, trying: Trying) -> None:
        lease, error = trying.lease, trying.error
        if trying.why == "cancelled":
            await trying.write(lambda now: self._store.end_cancelled(lease, now))
        elif trying.why == "stopping":
            await trying.write(lambda now: self._store.give_back(lease, now))
            await self._spread.announce(lease.job)
        elif error is not None:
            await self._failed(trying, error)
        else:
            await trying.write(lambda now: self._store.finish(lease, now))

    async def _failed(self, trying: Trying, error: PotluckError) -> None:
        counted = not waits(error)
        failures = trying.record.failures + counted
        again = tried_again(error, failures)
        wait_s = again_in_s(error, failures, self._chance()) if again else None
        log.info("a job failed", job=trying.lease.job, error=error.message, detail=error.detail, again_in_s=wait_s)
        failure = self._tools.words(error)

        def fail(now: float) -> Awaitable[bool]:
            again_s = None if wait_s is None else now + wait_s
            return self._store.fail(trying.lease, failure, again_s, now, counted=counted)

        await trying.write(fail)

    # --- others ---

    async def _hearing_of_cancels(self) -> None:
        with self._bus.listen(Topic.CANCELLED_JOBS) as listening:
            while True:
                heard = await listening.next()
                for job, trying in self._running.items():
                    if heard.what in ("", job):
                        trying.poked.set()

    async def _watching(self) -> None:
        """Free jobs of workers that give no sign of life any more."""
        while True:
            await asyncio.sleep(BEAT_S)
            with suppress(OperatorError):
                await self.look()

    async def look(self) -> None:
        """Once."""
        held = [each for each in await self._store.held() if JobId(each.job) not in self._running]
        for each in self._watch.abandoned(held, self._clock()):
            if await self._store.take_away(each, self._wall_clock()):
                log.warning("a job's worker is gone", job=each.job)
                self._bus.publish(Topic.JOBS, each.job)
                self.wake()

    async def _pruning(self) -> None:
        while True:
            with suppress(OperatorError):
                if gone := await self._store.prune(self._wall_clock() - self._limits.keep_s):
                    log.info("old jobs are forgotten", jobs=gone)
            await asyncio.sleep(_PRUNE_S)
