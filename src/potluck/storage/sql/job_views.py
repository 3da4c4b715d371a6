"""What a user may see of jobs in SQL, and cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from potluck.core.errors import NotFound
from potluck.core.jobs import JobState, Priority, Turn, ahead_of, in_turn
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

    async def request(self, job: JobId, user: UserId) -> str:
        request: str = await self._views.read(lambda connection: own(connection, job, user).request)
        return request

    async def list(
        self, user: UserId, *, limit: int, before: JobId | None = None, state: JobState | None = None, kind: str = ""
    ) -> tuple[JobRecord, ...]:
        def work(connection: Connection) -> tuple[JobRecord, ...]:
            statement = select(jobs).where(jobs.c.user_id == user)
            if state is not None:
                statement = statement.where(jobs.c.state == state.value)
            if kind:
                statement = statement.where(jobs.c.kind == kind)
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

    async def ahead(self, job: JobId, user: UserId) -> int:
        def work(connection: Connection) -> int:
            row = own(connection, job, user)
            waiting = jobs.c.state == JobState.QUEUED.value
            if row.state != JobState.QUEUED.value:
                return 0
            earlier = or_(
                jobs.c.priority < row.priority,
                and_(jobs.c.priority == row.priority, jobs.c.created_s < row.created_s),
            )
            rank = select(func.count()).where(waiting, jobs.c.user_id == user, earlier)
            counts = select(jobs.c.user_id, func.count()).where(waiting).group_by(jobs.c.user_id)
            waits = dict(tuple[Any, ...](each) for each in connection.execute(counts).all())
            order = [turn.user for turn in in_turn(turns(connection, [waiting]))]
            place = order.index(user)
            others = ((waits[each], at < place) for at, each in enumerate(order) if each != user)
            return ahead_of(connection.execute(rank).scalar_one(), others)

        return await self._views.read(work)

    async def numbers(self, lease: Lease) -> frozenset[int]:
        statement = select(job_parts.c.number).where(job_parts.c.job_id == lease.job)
        return frozenset(await self._views.read(lambda connection: connection.execute(statement).scalars().all()))


def own(connection: Connection, job: JobId, user: UserId) -> Row[Any]:
    row = connection.execute(select(jobs).where(jobs.c.id == job, jobs.c.user_id == user)).first()
    if row is None:
        raise NotFound("There is no such job.", hint="It may be another's, or be forgotten by now.")
    return row


def turns(connection: Connection, waits: Sequence[ColumnElement[bool]]) -> list[Turn]:
    """Everybody who has a job that may be taken."""
    best = select(jobs.c.user_id, func.min(jobs.c.priority)).where(*waits).group_by(jobs.c.user_id)
    found: list[Turn] = []
    for user, priority in connection.execute(best).all():
        own = select(func.count()).where(jobs.c.user_id == user)
        running = own.where(jobs.c.state == JobState.RUNNING.value)
        oldest = select(func.min(jobs.c.created_s)).where(jobs.c.user_id == user, *waits, jobs.c.priority == priority)
        started = select(func.max(jobs.c.started_s)).where(jobs.c.user_id == user)
        stands = select(*(each.scalar_subquery() for each in (running, oldest, started)))
        count, created_s, started_s = tuple[Any, ...](connection.execute(stands).one())
        found.append(Turn(UserId(user), count, priority, started_s or 0.0, created_s))
    return found


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
