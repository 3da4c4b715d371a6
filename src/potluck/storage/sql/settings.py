"""`SettingsStore` in SQL."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.model import Json
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import settings


class SqlSettings:
    """See `potluck.storage.ports.SettingsStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Json:
        async with self._database.read() as connection:
            text = (await connection.execute(select(settings.c.value).where(settings.c.name == name))).scalar()
        return _read(text) if text is not None else None

    async def set(self, name: str, value: Json, now: float) -> None:
        fields = {"value": msgspec.json.encode(value).decode(), "updated_s": now}
        try:
            async with self._database.write() as connection:
                changed = await connection.execute(update(settings).where(settings.c.name == name).values(**fields))
                if changed.rowcount == 0:
                    await connection.execute(insert(settings).values(name=name, **fields))
        except IntegrityError:  # another writer made it in between, so now it is there to be changed
            async with self._database.write() as connection:
                await connection.execute(update(settings).where(settings.c.name == name).values(**fields))

    async def all(self) -> Mapping[str, Json]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(settings.c.name, settings.c.value).order_by(settings.c.name))
            return {row.name: _read(row.value) for row in rows}


def _read(text: str) -> Json:
    value: Json = msgspec.json.decode(text)
    return value
