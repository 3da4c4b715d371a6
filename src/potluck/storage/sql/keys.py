"""`KeyStore` in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.core.limits import Limits
from potluck.core.model import KeyId, UserId
from potluck.storage.records import KeyRecord
from potluck.storage.sql.database import Database
from potluck.storage.sql.kept_limits import read_limits, write_limits
from potluck.storage.sql.schema import api_keys

_TAKEN = "There is such a key already."


class SqlKeys:
    """See `potluck.storage.people_ports.KeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: KeyRecord) -> None:
        try:
            await self._database.write(lambda connection: _insert(connection, record))
        except IntegrityError as error:
            raise Conflict(_TAKEN) from error

    async def all(self) -> tuple[KeyRecord, ...]:
        statement = select(api_keys).order_by(api_keys.c.created_s, api_keys.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_record(row) for row in rows)

    async def revoke(self, key: KeyId, now: float) -> KeyRecord:
        return await self._database.write(lambda connection: _revoke(connection, key, now))

    async def replace(self, old: KeyId, new: KeyRecord, now: float) -> None:
        def work(connection: Connection) -> None:
            _revoke(connection, old, now)
            _insert(connection, new)

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise Conflict(_TAKEN) from error

    async def set_limits(self, key: KeyId, limits: Limits | None) -> KeyRecord:
        def work(connection: Connection) -> KeyRecord:
            connection.execute(update(api_keys).where(api_keys.c.id == key).values(limits=write_limits(limits)))
            return _kept(connection, key)

        return await self._database.write(work)

    async def touch(self, used: Mapping[KeyId, float]) -> None:
        if not used:
            return
        last = api_keys.c.last_used_s
        statement = (
            update(api_keys)
            .where(api_keys.c.id == bindparam("key"), or_(last.is_(None), last < bindparam("at")))
            .values(last_used_s=bindparam("at"))
        )
        times = [{"key": key, "at": at} for key, at in used.items()]
        await self._database.write(lambda connection: connection.execute(statement, times).close())


def _insert(connection: Connection, record: KeyRecord) -> None:
    # Looked up first for a message with the name in it; the unique index decides where two come at once.
    taken = select(api_keys.c.id).where(api_keys.c.name == record.name, api_keys.c.revoked_s.is_(None))
    if record.live and connection.execute(taken).first() is not None:
        raise Conflict(
            f"There is a key named {record.name!r} already.", hint="Choose another name, or revoke that key."
        )
    connection.execute(
        insert(api_keys).values(
            id=record.id,
            name=record.name,
            prefix=record.prefix,
            digest=record.digest,
            owner=record.owner,
            created_s=record.created_s,
            revoked_s=record.revoked_s,
            last_used_s=record.last_used_s,
            user_id=record.user,
            expires_s=record.expires_s,
            surfaces=_json(record.surfaces),
            models=_json(record.models),
            limits=write_limits(record.limits),
        )
    )


def _revoke(connection: Connection, key: KeyId, now: float) -> KeyRecord:
    live = api_keys.c.id == key, or_(api_keys.c.revoked_s.is_(None), api_keys.c.revoked_s > now)
    connection.execute(update(api_keys).where(*live).values(revoked_s=now))
    return _kept(connection, key)


def _kept(connection: Connection, key: KeyId) -> KeyRecord:
    row = connection.execute(select(api_keys).where(api_keys.c.id == key)).first()
    if row is None:
        raise NotFound(f"There is no key {key!r}.")
    return _record(row)


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(
        id=KeyId(row.id),
        user=UserId(row.user_id),
        name=row.name,
        prefix=row.prefix,
        digest=bytes(row.digest),
        created_s=row.created_s,
        owner=row.owner,
        revoked_s=row.revoked_s,
        last_used_s=row.last_used_s,
        expires_s=row.expires_s,
        surfaces=_names(row.surfaces),
        models=_names(row.models),
        limits=read_limits(row.limits),
    )


def _json(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else msgspec.json.encode(names).decode()


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else msgspec.json.decode(text, type=tuple[str, ...])
