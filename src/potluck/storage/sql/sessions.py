"""`SessionStore` in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from potluck.core.errors import NotFound
from potluck.core.model import KeyId, UserId
from potluck.storage.records import SessionId, SessionRecord
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import sessions


class SqlSessions:
    """See `potluck.storage.people_ports.SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: SessionRecord) -> None:
        statement = insert(sessions).values(
            id=record.id,
            user_id=record.user,
            key_id=record.key,
            digest=record.digest,
            agent=clean(record.agent),
            created_s=record.created_s,
            last_used_s=record.last_used_s,
        )
        await self._database.write(lambda connection: connection.execute(statement).close())

    async def all(self) -> tuple[SessionRecord, ...]:
        statement = select(sessions).order_by(sessions.c.created_s, sessions.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_record(row) for row in rows)

    async def remove(self, session: SessionId, user: UserId) -> None:
        statement = delete(sessions).where(sessions.c.id == session, sessions.c.user_id == user)
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise NotFound("There is no such session.", hint="It may be over.")

    async def touch(self, used: Mapping[SessionId, float]) -> None:
        if not used:
            return
        statement = (
            update(sessions)
            .where(sessions.c.id == bindparam("session"), sessions.c.last_used_s < bindparam("at"))
            .values(last_used_s=bindparam("at"))
        )
        times = [{"session": session, "at": at} for session, at in used.items()]
        await self._database.write(lambda connection: connection.execute(statement, times).close())

    async def prune(self, *, begun_before_s: float, used_before_s: float) -> int:
        over = or_(sessions.c.created_s <= begun_before_s, sessions.c.last_used_s <= used_before_s)
        statement = delete(sessions).where(over)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


def _record(row: Row[Any]) -> SessionRecord:
    return SessionRecord(
        id=SessionId(row.id),
        user=UserId(row.user_id),
        key=KeyId(row.key_id),
        digest=bytes(row.digest),
        agent=row.agent,
        created_s=row.created_s,
        last_used_s=row.last_used_s,
    )
