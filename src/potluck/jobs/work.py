"""One try of a job in this process: what its kind writes goes to the store under its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from potluck.core.errors import OperatorError, PotluckError
from potluck.core.jobs import MOST_FAILURES, Hold
from potluck.storage.jobs import Claimed, JobRecord, JobStore, Lease, Part

log = structlog.get_logger(__name__)

# How long until a database that is away is asked again, while the lease holds.
_AGAIN_S = 1.0


class Trying:
    """See `jobs.port.Work`. Owned by the runner, which says by ``why`` what ends it early.

    ``clock`` is monotonic, ``wall_clock`` Unix seconds; ``told`` is called after each change, so that followers look.
    """

    def __init__(
        self,
        claimed: Claimed,
        kept: frozenset[int],
        hold: Hold,
        store: JobStore,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        told: Callable[[], None],
    ) -> None:
        self.record: JobRecord = claimed.record
        self.request: str = claimed.request
        self.lease: Lease = claimed.lease
        self.kept = kept
        self.hold = hold
        self.why = ""  # "lost", "cancelled" or "stopping"
        self.error: PotluckError | None = None
        self.handling: asyncio.Task[None] | None = None
        self.poked = asyncio.Event()
        self._store = store
        self._clock = clock
        self._wall_clock = wall_clock
        self._told = told

    @property
    def last_try(self) -> bool:
        return self.record.failures + 1 >= MOST_FAILURES

    @property
    def again(self) -> bool:
        return self.lease.fence > 1

    def stop(self, why: str) -> None:
        """End it early. The first reason counts, but for the loss of the lease, which nothing outweighs."""
        self.why = "lost" if why == "lost" else self.why or why
        if self.handling is not None:
            self.handling.cancel()

    async def keep(self, *parts: Part) -> None:
        await self.write(lambda now: self._store.keep(self.lease, parts, now))

    async def note(self, name: str, data: msgspec.Struct) -> None:
        text = msgspec.json.encode(data).decode()
        await self.write(lambda now: self._store.note(self.lease, name, text, now))

    async def write(self, change: Callable[[float], Awaitable[bool]]) -> None:
        """Write under the lease; while the database is away, as long as the lease holds. Raises `CancelledError` where
        it does not."""
        while self.why != "lost":
            try:
                if not await change(self._wall_clock()):
                    self.stop("lost")
                    break
            except OperatorError as error:
                log.warning("a job cannot be written yet", job=self.lease.job, why=error.message)
                if not self.hold.holds(self._clock()):
                    self.stop("lost")
                    break
                await asyncio.sleep(_AGAIN_S)
            else:
                self._told()
                return
        raise asyncio.CancelledError
