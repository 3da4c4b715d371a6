"""A user's own jobs: what surfaces ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from potluck.core.errors import NotImplementedHere, OperatorError
from potluck.core.jobs import ENDED, JobState
from potluck.gateway.port import Caller
from potluck.jobs.port import Kind
from potluck.storage.jobs import JobEvent, JobId, JobRecord, JobStore, NewJob, Part
from potluck.storage.records import Topic
from potluck.storage.shared_ports import Bus, JobSpread, Subscription

# What other gateways do is looked for so often by who follows, where no word of it comes.
_LOOK_S = 2.0
# Who looks at the whole service does not wait for a database that is away.
_COUNT_S = 0.5
_ENDS = frozenset(state.value for state in ENDED)


class Jobs:
    """See `jobs.port.JobCare`. ``clock`` is Unix seconds; a user has at most ``most_unfinished``; ``wake`` tells
    this gateway's own workers of a new one."""

    def __init__(
        self,
        store: JobStore,
        bus: Bus,
        spread: JobSpread,
        kinds: Mapping[str, Kind],
        *,
        most_unfinished: int,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._bus = bus
        self._spread = spread
        self._kinds = kinds
        self._most_unfinished = most_unfinished
        self._clock = clock
        self._new_id = new_id
        self._wake = wake

    async def submit(self, asked: msgspec.Struct, caller: Caller, idempotency: str = "", id: str = "") -> JobRecord:
        kind = self._kinds.get(str(asked.__struct_config__.tag))
        if kind is None:
            raise NotImplementedHere("Nothing here does such jobs.", hint="The owner finds out more in the log.")
        prepared = kind.prepare(asked, caller)
        job = NewJob(
            JobId(id or self._new_id()),
            caller.user,
            caller.key,
            kind.name,
            prepared.request,
            self._clock(),
            prepared.total,
            prepared.title,
            prepared.priority,
            idempotency,
        )
        record = await self._store.add(job, most_unfinished=self._most_unfinished)
        self._bus.publish(Topic.JOBS, record.id)
        self._wake()  # others may be told a little later, or not at all
        await self._spread.announce(record.id)
        return record

    async def get(self, job: str, caller: Caller) -> JobRecord:
        return await self._store.get(JobId(job), caller.user)

    async def request(self, job: str, caller: Caller) -> str:
        return await self._store.request(JobId(job), caller.user)

    async def list(
        self, caller: Caller, *, limit: int, before: str = "", state: JobState | None = None, kind: str = ""
    ) -> Sequence[JobRecord]:
        last = JobId(before) if before else None
        return await self._store.list(caller.user, limit=limit, before=last, state=state, kind=kind)

    async def forget(self, some: Sequence[str], caller: Caller) -> int:
        return await self._store.forget([JobId(each) for each in some], caller.user)

    async def parts(self, job: str, caller: Caller, *, after: int = -1, limit: int) -> Sequence[Part]:
        return await self._store.parts(JobId(job), caller.user, after=after, limit=limit)

    async def follow(self, job: str, caller: Caller, after: int = 0) -> AsyncIterator[JobEvent]:
        with self._bus.listen(Topic.JOBS) as listening:
            while True:
                events = await self._store.events(JobId(job), caller.user, after)
                for event in events:
                    yield event
                    after = event.number
                if events and events[-1].name in _ENDS:
                    return
                if not events and (await self.get(job, caller)).state in ENDED:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await _word_of(job, listening)

    async def ahead(self, job: str, caller: Caller) -> int:
        return await self._store.ahead(JobId(job), caller.user)

    async def cancel(self, job: str, caller: Caller) -> JobRecord:
        record = await self._store.cancel(JobId(job), caller.user, self._clock())
        self._bus.publish(Topic.CANCELLED_JOBS, record.id)
        self._bus.publish(Topic.JOBS, record.id)
        return record

    async def counts(self) -> tuple[int, int] | None:
        try:
            async with asyncio.timeout(_COUNT_S):
                return await self._store.unfinished()
        except (OperatorError, TimeoutError):
            return None


async def _word_of(job: str, listening: Subscription) -> None:
    while (await listening.next()).what not in ("", job):
        pass
