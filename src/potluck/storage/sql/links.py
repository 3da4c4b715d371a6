"""`LinkStore` in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.core.model import UserId
from potluck.core.people import Role, folded
from potluck.storage.records import LinkId, LinkKind, LinkRecord, PasswordRecord, UserRecord
from potluck.storage.sql.credentials import write_password
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import links, passwords, users


class SqlLinks:
    """See `potluck.storage.people_ports.LinkStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: LinkRecord) -> None:
        def work(connection: Connection) -> None:
            connection.execute(delete(links).where(links.c.expires_s <= record.created_s))
            if record.user:
                same = links.c.kind == record.kind.value, links.c.user_id == record.user
                connection.execute(delete(links).where(*same))
            connection.execute(
                insert(links).values(
                    id=record.id,
                    kind=record.kind.value,
                    digest=record.digest,
                    made_by=record.by,
                    created_s=record.created_s,
                    expires_s=record.expires_s,
                    user_id=record.user,
                    role=record.role.value,
                    name=record.name,
                )
            )

        await self._database.write(work)

    async def all(self) -> tuple[LinkRecord, ...]:
        statement = select(links).order_by(links.c.created_s, links.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_record(row) for row in rows)

    async def find(self, digest: bytes) -> LinkRecord | None:
        statement = select(links).where(links.c.digest == digest)
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        return None if row is None else _record(row)

    async def remove(self, link: LinkId) -> None:
        statement = delete(links).where(links.c.id == link)
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise NotFound("There is no such link.", hint="It may have been used.")

    async def redeem(self, digest: bytes, user: UserRecord, password: PasswordRecord) -> None:
        def work(connection: Connection) -> None:
            # 1. It is gone with its use: whoever comes second at the same moment waits here, and finds nothing.
            fits = links.c.digest == digest, links.c.expires_s > password.changed_s
            kind = connection.execute(select(links.c.kind).where(*fits)).scalar()
            if kind is None or connection.execute(delete(links).where(*fits)).rowcount == 0:
                raise _gone()
            # 2. The owner is set up once.
            held = select(passwords.c.user_id).where(passwords.c.user_id == user.id)
            if kind == LinkKind.SETUP and connection.execute(held).first() is not None:
                raise _gone()
            # 3. The user, by this name.
            named = {"name": user.name, "name_folded": folded(user.name)}
            if kind == LinkKind.INVITE:
                made = {"id": user.id, "role": user.role.value, "created_s": user.created_s}
                connection.execute(insert(users).values(**made, **named))
            elif connection.execute(update(users).where(users.c.id == user.id).values(**named)).rowcount == 0:
                raise _gone()
            write_password(connection, password)

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise Conflict(
                f"There is a user named {user.name!r} already.", hint="Choose another name; case does not matter."
            ) from error


def _gone() -> NotFound:
    return NotFound("This link is not valid any more.", hint="Ask whoever made it for another one.")


def _record(row: Row[Any]) -> LinkRecord:
    return LinkRecord(
        id=LinkId(row.id),
        kind=LinkKind(row.kind),
        digest=bytes(row.digest),
        by=UserId(row.made_by),
        created_s=row.created_s,
        expires_s=row.expires_s,
        user=UserId(row.user_id),
        role=Role(row.role),
        name=row.name,
    )
