"""`IncidentStore` in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select

from potluck.core.incidents import Cause, Incident
from potluck.core.model import EngineId, NodeId, RequestId
from potluck.storage.cursors import Mark, cursor_of, read_cursor
from potluck.storage.incidents import IncidentFilter, IncidentPage
from potluck.storage.sql.content import clean
from potluck.storage.sql.cursors import older
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import incidents

_NEWEST_FIRST = incidents.c.since_s.desc(), incidents.c.id.desc()
_requests = msgspec.json.Decoder(tuple[RequestId, ...])


class SqlIncidents:
    """See `potluck.storage.incidents.IncidentStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, changed: Sequence[Incident]) -> None:
        rows = {each.id: _row(each) for each in changed}

        def work(connection: Connection) -> None:
            connection.execute(delete(incidents).where(incidents.c.id.in_(rows)))
            connection.execute(insert(incidents), list(rows.values()))

        if rows:
            await self._database.write(work)

    async def open(self) -> tuple[Incident, ...]:
        statement = select(incidents).where(incidents.c.until_s.is_(None)).order_by(incidents.c.since_s, incidents.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_read(row) for row in rows)

    async def list(self, *, limit: int, where: IncidentFilter | None = None, cursor: str | None = None) -> IncidentPage:
        statement = select(incidents).where(*_conditions(where or IncidentFilter())).order_by(*_NEWEST_FIRST)
        if cursor:
            statement = statement.where(older(incidents.c.since_s, incidents.c.id, read_cursor(cursor)))
        page = statement.limit(limit + 1)
        rows = await self._database.read_lagging(lambda connection: connection.execute(page).all())
        found = tuple(_read(row) for row in rows)
        if len(found) <= limit:
            return IncidentPage(found)
        last = found[limit - 1]
        return IncidentPage(found[:limit], cursor_of(Mark(last.since_s, last.id)))

    async def prune(self, *, before_s: float, most: int) -> int:
        over = incidents.c.until_s.is_not(None)

        def work(connection: Connection) -> int:
            gone = connection.execute(delete(incidents).where(over, incidents.c.until_s < before_s)).rowcount
            last = connection.execute(
                select(incidents.c.since_s).order_by(*_NEWEST_FIRST).offset(most).limit(1)
            ).scalar()
            if last is not None:
                gone += connection.execute(delete(incidents).where(over, incidents.c.since_s <= last)).rowcount
            return gone

        return await self._database.write(work)


def _conditions(where: IncidentFilter) -> Iterator[ColumnElement[bool]]:
    if where.node is not None:
        yield incidents.c.node == where.node
    if where.cause is not None:
        yield incidents.c.cause == where.cause.value
    if where.open is not None:
        yield incidents.c.until_s.is_(None) if where.open else incidents.c.until_s.is_not(None)
    if where.since_s is not None:
        yield or_(incidents.c.until_s.is_(None), incidents.c.until_s >= where.since_s)
    if where.until_s is not None:
        yield incidents.c.since_s < where.until_s


def _row(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "cause": incident.cause.value,
        "node": incident.node,
        "engine": incident.engine,
        "since_s": incident.since_s,
        "until_s": incident.until_s,
        "why": clean(incident.why),
        "times": incident.count,
        "requests": msgspec.json.encode(incident.requests).decode(),
    }


def _read(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        cause=Cause(row.cause),
        node=NodeId(row.node),
        engine=EngineId(row.engine),
        since_s=row.since_s,
        until_s=row.until_s,
        why=row.why,
        count=row.times,
        requests=_requests.decode(row.requests),
    )
