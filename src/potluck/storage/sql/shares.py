"""`ShareStore` in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from potluck.core.errors import NotFound
from potluck.core.model import UserId
from potluck.storage.conversation_records import Share
from potluck.storage.records import ConversationId, MessageId, Thread
from potluck.storage.sql.conversations import check_message, read_thread
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import shares


class SqlShares:
    """See `potluck.storage.conversation_ports.ShareStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, share: Share) -> None:
        def work(connection: Connection) -> None:
            check_message(connection, ConversationId(share.conversation), share.user, MessageId(share.leaf))
            connection.execute(
                insert(shares).values(
                    id=share.id,
                    user_id=share.user,
                    conversation_id=share.conversation,
                    leaf_id=share.leaf,
                    public=share.public,
                    created_s=share.created_s,
                    expires_s=share.expires_s,
                )
            )

        await self._database.write(work)

    async def all(self, user: UserId, conversation: ConversationId | None = None) -> tuple[Share, ...]:
        statement = select(shares).where(shares.c.user_id == user).order_by(shares.c.created_s.desc(), shares.c.id)
        if conversation is not None:
            statement = statement.where(shares.c.conversation_id == conversation)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_share(row) for row in rows)

    async def remove(self, share: str, user: UserId) -> None:
        statement = delete(shares).where(shares.c.id == share, shares.c.user_id == user)
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise _missing()

    async def open(self, share: str, now: float) -> tuple[Share, Thread]:
        statement = select(shares).where(shares.c.id == share)

        def work(connection: Connection) -> tuple[Share, Thread]:
            row = connection.execute(statement).first()
            if row is None or (row.expires_s is not None and row.expires_s <= now):
                raise _missing()
            found = _share(row)
            thread = read_thread(connection, ConversationId(found.conversation), found.user)
            branch = thread.branch(MessageId(found.leaf))
            if not branch:  # its last message was deleted
                raise _missing()
            return found, Thread(thread.conversation, branch)

        return await self._database.read(work)


def _missing() -> NotFound:
    return NotFound("There is no such share.", hint="It may have been withdrawn, or be over.")


def _share(row: Row[Any]) -> Share:
    return Share(
        row.id, UserId(row.user_id), row.conversation_id, row.leaf_id, row.created_s, row.expires_s, row.public
    )
