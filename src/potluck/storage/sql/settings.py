"""`SettingsStore` in SQL."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.model import Json
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import settings


class SqlSettings:
    """See `potluck.storage.ports.SettingsStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Json:
        statement = select(settings.c.value).where(settings.c.name == name)
        text = await self._database.read(lambda connection: connection.execute(statement).scalar())
        return _read(text) if text is not None else None

    async def set(self, name: str, value: Json, now: float) -> None:
        fields = {"value": msgspec.json.encode(value).decode(), "updated_s": now}

        def change(connection: Connection) -> bool:
            return connection.execute(update(settings).where(settings.c.name == name).values(**fields)).rowcount > 0

        def change_or_make(connection: Connection) -> None:
            if not change(connection):
                connection.execute(insert(settings).values(name=name, **fields))

        try:
            await self._database.write(change_or_make)
        except IntegrityError:  # another writer made it in between, so now it is there to be changed
            await self._database.write(change)

    async def all(self) -> Mapping[str, Json]:
        statement = select(settings.c.name, settings.c.value).order_by(settings.c.name)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return {row.name: _read(row.value) for row in rows}


def _read(text: str) -> Json:
    value: Json = msgspec.json.decode(text)
    return value
