"""`JobStore` in SQL. What a worker does stands here, what a user asks for in `storage.sql.job_views`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, QueueFull
from potluck.core.jobs import (
    ENDED,
    LONGEST_PAUSE_S,
    Held,
    JobState,
    in_turn,
    without_worker,
)
from potluck.core.model import UserId
from potluck.storage.jobs import (
    EVENTS_KEPT,
    Beat,
    Claimed,
    JobFailure,
    JobId,
    JobRecord,
    JobStanding,
    Lease,
    NewJob,
    Part,
)
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.job_views import JobViews, job_of, own, turns
from potluck.storage.sql.schema import job_events, job_parts, jobs

_FULL_RETRY_S = 60.0
_LOST = JobFailure(
    "lost", "Whatever worked on this job died with it again and again.", "See the log for what ends Potluck."
)


class SqlJobs(JobViews):
    """See `potluck.storage.jobs.JobStore`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    async def add(self, job: NewJob, *, most_unfinished: int) -> JobRecord:
        def work(connection: Connection) -> JobRecord:
            return _same(connection, job) or _add(connection, job, most_unfinished)

        try:
            return await self._database.write(work)
        except IntegrityError:  # the same was asked for twice at one moment: now it is there
            return await self._database.write(work)

    async def cancel(self, job: JobId, user: UserId, now: float) -> JobRecord:
        mine = jobs.c.user_id == user

        def work(connection: Connection) -> JobRecord:
            waits, runs = jobs.c.state == JobState.QUEUED.value, jobs.c.state == JobState.RUNNING.value
            row = _change(connection, job, mine, waits, **_ended(JobState.CANCELLED, now))
            if row is not None:
                _log(connection, row, "cancelled", now)
            else:
                asked = _change(connection, job, mine, runs, ~jobs.c.cancelling, cancelling=True)
                _log(connection, asked, "cancelling", now)
            return job_of(own(connection, job, user))

        return await self._database.write(work)

    async def forget(self, some: Sequence[JobId], user: UserId) -> int:
        ended = jobs.c.state.in_([each.value for each in ENDED])
        statement = delete(jobs).where(jobs.c.id.in_(list(some)), jobs.c.user_id == user, ended)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)

    # --- leases ---

    async def claim(self, worker: str, kinds: Collection[str], now: float) -> Claimed | None:
        """1. Whose turn it is. 2. Of that user's the first that nobody else takes at this moment."""

        def work(connection: Connection) -> Claimed | None:
            waits = _waits(kinds, now)
            for turn in in_turn(turns(connection, waits)):
                first = (
                    select(jobs.c.id)
                    .where(*waits, jobs.c.user_id == turn.user)
                    .order_by(jobs.c.priority, jobs.c.created_s, jobs.c.id)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                )
                job = connection.execute(first).scalar()
                if job is not None:
                    return _lease(connection, job, worker, now)
            return None

        return await self._database.write(work)

    async def beat(self, lease: Lease) -> Beat:
        statement = update(jobs).where(jobs.c.id == lease.job, *_held(lease)).values(beat=jobs.c.beat + 1)
        cancelling = select(jobs.c.cancelling).where(jobs.c.id == lease.job)

        def work(connection: Connection) -> Beat:
            if connection.execute(statement).rowcount == 0:
                return Beat.LOST
            return Beat.CANCELLED if connection.execute(cancelling).scalar() else Beat.HELD

        return await self._database.write(work)

    async def held(self) -> tuple[Held, ...]:
        statement = select(jobs.c.id, jobs.c.fence, jobs.c.beat).where(jobs.c.state == JobState.RUNNING.value)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(Held(row.id, row.fence, row.beat) for row in rows)

    async def take_away(self, held: Held, now: float) -> bool:
        lease = Lease(JobId(held.job), held.fence)
        as_seen = (jobs.c.id == held.job, *_held(lease), jobs.c.beat == held.beat)
        return await self._database.write(lambda connection: _unleased(connection, as_seen, now) > 0)

    async def give_back(self, lease: Lease, now: float) -> bool:
        def work(connection: Connection) -> bool:
            row = _change(connection, lease.job, *_held(lease), jobs.c.cancelling, **_ended(JobState.CANCELLED, now))
            if row is not None:
                return _log(connection, row, "cancelled", now)
            row = _change(connection, lease.job, *_held(lease), **_FREE, state=JobState.QUEUED.value)
            return _log(connection, row, "waiting", now)

        return await self._database.write(work)

    # --- what comes of it ---

    async def keep(self, lease: Lease, parts: Sequence[Part], now: float) -> bool:
        rows = [{"job_id": lease.job, "number": part.number, "content": part.content} for part in parts]
        fence = update(jobs).where(jobs.c.id == lease.job, *_held(lease)).values(lost=0)
        new = self._database.traits.insert_new(job_parts).values(rows)
        count = select(func.count()).where(job_parts.c.job_id == lease.job).scalar_subquery()

        def work(connection: Connection) -> bool:
            # The fence first: it holds the row, so that nobody takes the job away meanwhile.
            if connection.execute(fence).rowcount == 0:
                return False
            connection.execute(new)
            row = _change(connection, lease.job, *_held(lease), done=count)
            return _log(connection, row, "progress", now)

        return await self._database.write(work)

    async def note(self, lease: Lease, name: str, data: str, now: float) -> bool:
        return await self._database.write(
            lambda connection: _log(connection, _change(connection, lease.job, *_held(lease)), name, now, data)
        )

    async def finish(self, lease: Lease, now: float) -> bool:
        return await self._end(lease, "done", _ended(JobState.DONE, now), now)

    async def fail(
        self, lease: Lease, failure: JobFailure, retry_s: float | None, now: float, *, counted: bool = True
    ) -> bool:
        told: dict[str, Any] = {"failure": msgspec.json.encode(failure).decode()}
        if counted:
            told["failures"] = jobs.c.failures + 1
        if retry_s is None:
            return await self._end(lease, "failed", {**_ended(JobState.FAILED, now), **told}, now)
        waiting = {**_FREE, **told, "state": JobState.QUEUED.value, "not_before_s": retry_s}
        return await self._end(lease, "retrying", waiting, now)

    async def end_cancelled(self, lease: Lease, now: float) -> bool:
        return await self._end(lease, "cancelled", _ended(JobState.CANCELLED, now), now)

    async def _end(self, lease: Lease, name: str, values: dict[str, Any], now: float) -> bool:
        return await self._database.write(
            lambda connection: _log(connection, _change(connection, lease.job, *_held(lease), **values), name, now)
        )

    # --- the house ---

    async def unfinished(self) -> tuple[int, int]:
        statement = select(jobs.c.state, func.count()).where(jobs.c.state.in_(_UNFINISHED)).group_by(jobs.c.state)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        counts = {row[0]: row[1] for row in rows}
        return counts.get(JobState.QUEUED.value, 0), counts.get(JobState.RUNNING.value, 0)

    async def prune(self, before_s: float) -> int:
        statement = delete(jobs).where(jobs.c.state.in_([each.value for each in ENDED]), jobs.c.ended_s < before_s)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


_UNFINISHED = [JobState.QUEUED.value, JobState.RUNNING.value]
_FREE: dict[str, Any] = {"worker": ""}
"""Nobody's."""


def _ended(state: JobState, now: float) -> dict[str, Any]:
    return {**_FREE, "state": state.value, "ended_s": now}


def _held(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """Where its job's lease is still this one."""
    return jobs.c.fence == lease.fence, jobs.c.state == JobState.RUNNING.value


def _waits(kinds: Collection[str], now: float) -> tuple[ColumnElement[bool], ...]:
    """As `core.jobs.due` says."""
    due = or_(jobs.c.not_before_s <= now, jobs.c.not_before_s > now + LONGEST_PAUSE_S)
    return jobs.c.state == JobState.QUEUED.value, jobs.c.kind.in_(list(kinds)), due


def _lease(connection: Connection, job: str, worker: str, now: float) -> Claimed:
    values = {
        "state": JobState.RUNNING.value,
        "worker": worker,
        "fence": jobs.c.fence + 1,
        "beat": 0,
        "started_s": now,
    }
    row = _change(connection, job, **values)
    assert row is not None, "the transaction holds it"
    _log(connection, row, "started", now)
    return Claimed(job_of(row), Lease(JobId(job), row.fence), row.request)


def _unleased(connection: Connection, where: Sequence[ColumnElement[bool]], now: float) -> int:
    """What becomes of jobs whose workers are gone."""
    rows = connection.execute(select(jobs).where(*where).with_for_update()).all()
    for row in rows:
        lost = row.lost + 1
        state = without_worker(lost, cancelling=row.cancelling)
        values: dict[str, Any] = {**_FREE, "state": state.value, "lost": lost}
        if state in ENDED:
            values["ended_s"] = now
        if state is JobState.FAILED:
            values["failure"] = msgspec.json.encode(_LOST).decode()
        name = "waiting" if state is JobState.QUEUED else state.value
        _log(connection, _change(connection, row.id, **values), name, now)
    return len(rows)


def _change(connection: Connection, job: str, *where: ColumnElement[bool], **values: Any) -> Row[Any] | None:
    """The row of a job after a change that is worth an event; None if it is not as ``where`` says."""
    changed = update(jobs).where(jobs.c.id == job, *where).values(last_event=jobs.c.last_event + 1, **values)
    if connection.execute(changed).rowcount == 0:
        return None
    return connection.execute(select(jobs).where(jobs.c.id == job)).one()


def _log(connection: Connection, row: Row[Any] | None, name: str, now: float, data: str = "") -> bool:
    """Write down what `_change` has counted. The event tells how the job stands, so that none before it is missed."""
    if row is None:
        return False
    number = row.last_event
    told = data or msgspec.json.encode(_standing(row)).decode()
    event = {"job_id": row.id, "number": number, "time_s": now, "name": name, "data": told}
    connection.execute(insert(job_events).values(event))
    if number > EVENTS_KEPT:
        old = job_events.c.job_id == row.id, job_events.c.number <= number - EVENTS_KEPT
        connection.execute(delete(job_events).where(*old))
    return True


def _standing(row: Row[Any]) -> JobStanding:
    job = job_of(row)
    waits_s = job.not_before_s if job.state is JobState.QUEUED and job.failure else None
    return JobStanding(job.state, job.done, job.total, job.failures, waits_s, job.failure)


def _same(connection: Connection, job: NewJob) -> JobRecord | None:
    """The one that was made by an earlier request with the same name. Raises `Conflict` if it asked for more."""
    if not job.idempotency:
        return None
    named = jobs.c.user_id == job.user, jobs.c.idempotency == job.idempotency
    row = connection.execute(select(jobs).where(*named)).first()
    if row is None:
        return None
    if (row.kind, _digest(row.request)) != (job.kind, _digest(job.request)):
        raise Conflict(
            "There is a job with this Idempotency-Key already, which asks for something else.",
            hint="Use a new key for a new job.",
        )
    return job_of(row)


def _digest(request: str) -> bytes:
    return sha256(request.encode()).digest()


def _add(connection: Connection, job: NewJob, most_unfinished: int) -> JobRecord:
    own = jobs.c.user_id == job.user, jobs.c.state.in_(_UNFINISHED)
    if connection.execute(select(func.count()).where(*own)).scalar_one() >= most_unfinished:
        raise QueueFull(
            f"You have {most_unfinished} jobs that are not finished, which is as many as may be.",
            retry_after_s=_FULL_RETRY_S,
            hint="Wait for one to end, or cancel one.",
        )
    connection.execute(
        insert(jobs).values(
            id=job.id,
            user_id=job.user,
            key_id=job.key,
            kind=job.kind,
            title=clean(job.title),
            priority=int(job.priority),
            request=job.request,
            idempotency=job.idempotency or None,
            state=JobState.QUEUED.value,
            created_s=job.created_s,
            not_before_s=0.0,
            failures=0,
            lost=0,
            worker="",
            fence=0,
            beat=0,
            cancelling=False,
            done=0,
            total=job.total,
            last_event=0,
        )
    )
    row = _change(connection, job.id)
    assert row is not None, "it was put there just now"
    _log(connection, row, "queued", job.created_s)
    return job_of(row)
