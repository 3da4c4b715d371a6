"""What a user may see of jobs in SQL, and cancel."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, or_, select

from potluck.core.errors import NotFound
from potluck.core.jobs import JobState, Priority
from potluck.core.model import KeyId, UserId
from potluck.storage.jobs import JobEvent, JobFailure, JobId, JobRecord, Lease, Part
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import job_events, job_parts, jobs

_failure = msgspec.json.Decoder(JobFailure)


class JobViews:
    """The half of `potluck.storage.jobs.JobStore` that asks for a user's own."""

    def __init__(self, database: Database) -> None:
        self._views = database

    async def get(self, job: JobId, user: UserId) -> JobRecord:
        return await self._views.read(lambda connection: job_of(own(connection, job, user)))

    async def list(
        self, user: UserId, *, limit: int, before: JobId | None = None, state: JobState | None = None
    ) -> tuple[JobRecord, ...]:
        def work(connection: Connection) -> tuple[JobRecord, ...]:
            statement = select(jobs).where(jobs.c.user_id == user)
            if state is not None:
                statement = statement.where(jobs.c.state == state.value)
            if before is not None:
                last = own(connection, before, user)
                older = and_(jobs.c.created_s == last.created_s, jobs.c.id < last.id)
                statement = statement.where(or_(jobs.c.created_s < last.created_s, older))
            newest = statement.order_by(jobs.c.created_s.desc(), jobs.c.id.desc()).limit(limit)
            return tuple(map(job_of, connection.execute(newest).all()))

        return await self._views.read(work)

    async def events(self, job: JobId, user: UserId, after: int = 0) -> tuple[JobEvent, ...]:
        statement = (
            select(job_events)
            .where(job_events.c.job_id == job, job_events.c.number > after)
            .order_by(job_events.c.number)
        )

        def work(connection: Connection) -> tuple[JobEvent, ...]:
            own(connection, job, user)
            rows = connection.execute(statement).all()
            return tuple(JobEvent(row.number, row.time_s, row.name, row.data) for row in rows)

        return await self._views.read(work)

    async def parts(self, job: JobId, user: UserId, *, after: int = -1, limit: int) -> tuple[Part, ...]:
        statement = (
            select(job_parts.c.number, job_parts.c.content)
            .where(job_parts.c.job_id == job, job_parts.c.number > after)
            .order_by(job_parts.c.number)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[Part, ...]:
            own(connection, job, user)
            return tuple(Part(row.number, row.content) for row in connection.execute(statement).all())

        return await self._views.read(work)

    async def numbers(self, lease: Lease) -> frozenset[int]:
        statement = select(job_parts.c.number).where(job_parts.c.job_id == lease.job)
        return frozenset(await self._views.read(lambda connection: connection.execute(statement).scalars().all()))


def own(connection: Connection, job: JobId, user: UserId) -> Row[Any]:
    row = connection.execute(select(jobs).where(jobs.c.id == job, jobs.c.user_id == user)).first()
    if row is None:
        raise NotFound("There is no such job.", hint="It may be another's, or be forgotten by now.")
    return row


def job_of(row: Row[Any]) -> JobRecord:
    return JobRecord(
        id=JobId(row.id),
        user=UserId(row.user_id),
        key=KeyId(row.key_id),
        kind=row.kind,
        title=row.title,
        priority=Priority(row.priority),
        state=JobState(row.state),
        created_s=row.created_s,
        started_s=row.started_s,
        ended_s=row.ended_s,
        not_before_s=row.not_before_s,
        failures=row.failures,
        cancelling=row.cancelling,
        done=row.done,
        total=row.total,
        last_event=row.last_event,
        failure=_failure.decode(row.failure) if row.failure is not None else None,
    )
