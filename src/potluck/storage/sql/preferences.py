"""`PreferenceStore` in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from potluck.core.model import UserId
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import preferences


class SqlPreferences:
    """See `potluck.storage.conversation_ports.PreferenceStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: UserId) -> str | None:
        statement = select(preferences.c.value).where(preferences.c.user_id == user)
        return await self._database.read(lambda connection: connection.execute(statement).scalar())

    async def set(self, user: UserId, value: str, now: float) -> None:
        values = {"value": clean(value), "updated_s": now}

        def work(connection: Connection) -> None:
            connection.execute(self._database.traits.insert_new(preferences), {"user_id": user, **values})
            connection.execute(update(preferences).where(preferences.c.user_id == user).values(**values))

        await self._database.write(work)
