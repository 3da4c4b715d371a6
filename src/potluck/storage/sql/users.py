"""`UserStore` in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.core.limits import Limits
from potluck.core.model import UserId
from potluck.core.people import Role, folded
from potluck.storage.records import UserRecord
from potluck.storage.sql.database import Database
from potluck.storage.sql.kept_limits import read_limits, write_limits
from potluck.storage.sql.schema import (
    api_keys,
    conversations,
    files,
    folders,
    identities,
    jobs,
    links,
    passwords,
    pictures,
    preferences,
    prompts,
    recovery_codes,
    second_factors,
    sessions,
    shares,
    users,
)


class SqlUsers:
    """See `potluck.storage.people_ports.UserStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: UserRecord) -> None:
        statement = insert(users).values(
            id=record.id,
            name=record.name,
            name_folded=folded(record.name),
            role=record.role.value,
            created_s=record.created_s,
            disabled_s=record.disabled_s,
            limits=write_limits(record.limits),
        )
        try:
            await self._database.write(lambda connection: connection.execute(statement).close())
        except IntegrityError as error:
            raise Conflict(
                f"There is a user named {record.name!r} already.", hint="Choose another name; case does not matter."
            ) from error

    async def all(self) -> tuple[UserRecord, ...]:
        statement = select(users).order_by(users.c.created_s, users.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_record(row) for row in rows)

    async def set_role(self, user: UserId, role: Role) -> UserRecord:
        return await self._set(user, {"role": role.value})

    async def set_disabled(self, user: UserId, disabled_s: float | None) -> UserRecord:
        return await self._set(user, {"disabled_s": disabled_s})

    async def set_limits(self, user: UserId, limits: Limits | None) -> UserRecord:
        return await self._set(user, {"limits": write_limits(limits)})

    async def remove(self, user: UserId) -> None:
        def work(connection: Connection) -> None:
            if connection.execute(delete(users).where(users.c.id == user)).rowcount == 0:
                raise _missing()
            connection.execute(delete(api_keys).where(api_keys.c.user_id == user))
            for table in (
                sessions,
                passwords,
                second_factors,
                recovery_codes,
                links,
                identities,
                pictures,
                files,
                jobs,
                folders,
                shares,
                prompts,
                preferences,
                conversations,
            ):
                connection.execute(delete(table).where(table.c.user_id == user))

        await self._database.write(work)

    async def _set(self, user: UserId, values: dict[str, object]) -> UserRecord:
        def work(connection: Connection) -> UserRecord:
            connection.execute(update(users).where(users.c.id == user).values(**values))
            row = connection.execute(select(users).where(users.c.id == user)).first()
            if row is None:
                raise _missing()
            return _record(row)

        return await self._database.write(work)


def _missing() -> NotFound:
    return NotFound("There is no such user.", hint="'potluck users ls' lists them.")


def _record(row: Row[Any]) -> UserRecord:
    return UserRecord(UserId(row.id), row.name, Role(row.role), row.created_s, row.disabled_s, read_limits(row.limits))
