"""`IdentityStore` in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.core.model import UserId
from potluck.core.people import folded
from potluck.storage.records import IdentityId, IdentityRecord, LinkKind, UserRecord
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import identities, links, users


class SqlIdentities:
    """See `potluck.storage.people_ports.IdentityStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, issuer: str, subject: str) -> IdentityRecord | None:
        statement = select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        return None if row is None else _record(row)

    async def of_user(self, user: UserId) -> tuple[IdentityRecord, ...]:
        statement = select(identities).where(identities.c.user_id == user)
        ordered = statement.order_by(identities.c.created_s, identities.c.id)
        rows = await self._database.read(lambda connection: connection.execute(ordered).all())
        return tuple(_record(row) for row in rows)

    async def add(self, record: IdentityRecord, *, user: UserRecord | None = None, invitation: bytes = b"") -> None:
        def work(connection: Connection) -> None:
            if invitation:
                fits = links.c.digest == invitation, links.c.kind == LinkKind.INVITE.value
                live = links.c.expires_s > record.created_s
                if connection.execute(delete(links).where(*fits, live)).rowcount == 0:
                    raise NotFound("This invitation is over.", hint="Ask for another one.")
            if user is not None:
                _add_user(connection, user)
            elif connection.execute(select(users.c.id).where(users.c.id == record.user)).first() is None:
                raise NotFound("There is no such user.", hint="'potluck users ls' lists them.")
            connection.execute(
                insert(identities).values(
                    id=record.id,
                    issuer=record.issuer,
                    subject=record.subject,
                    user_id=record.user,
                    email=clean(record.email),
                    created_s=record.created_s,
                    last_used_s=record.last_used_s,
                )
            )

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise Conflict("This account, or a user of that name, is known here already.") from error

    async def seen(self, identity: IdentityId, email: str, now: float) -> None:
        statement = update(identities).where(identities.c.id == identity).values(email=clean(email), last_used_s=now)
        await self._database.write(lambda connection: connection.execute(statement).close())

    async def remove(self, identity: IdentityId, user: UserId) -> None:
        statement = delete(identities).where(identities.c.id == identity, identities.c.user_id == user)
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise NotFound("There is no such account.", hint="GET /api/v1/users/me/identities lists them.")


def _add_user(connection: Connection, user: UserRecord) -> None:
    connection.execute(
        insert(users).values(
            id=user.id,
            name=user.name,
            name_folded=folded(user.name),
            role=user.role.value,
            created_s=user.created_s,
            disabled_s=user.disabled_s,
        )
    )


def _record(row: Row[Any]) -> IdentityRecord:
    return IdentityRecord(
        id=IdentityId(row.id),
        issuer=row.issuer,
        subject=row.subject,
        user=UserId(row.user_id),
        email=row.email,
        created_s=row.created_s,
        last_used_s=row.last_used_s,
    )
