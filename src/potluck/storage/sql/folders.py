"""`FolderStore` in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.core.model import UserId
from potluck.storage.conversation_records import Folder
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import conversations, folders

_COUNTED = (
    select(func.count()).where(conversations.c.folder_id == folders.c.id).scalar_subquery().label("conversations")
)


class SqlFolders:
    """See `potluck.storage.conversation_ports.FolderStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, user: UserId) -> tuple[Folder, ...]:
        statement = select(folders, _COUNTED).where(folders.c.user_id == user).order_by(folders.c.name, folders.c.id)
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_folder(row) for row in rows)

    async def add(self, folder: Folder) -> None:
        statement = insert(folders).values(
            id=folder.id, user_id=folder.user, name=clean(folder.name), created_s=folder.created_s
        )
        try:
            await self._database.write(lambda connection: connection.execute(statement).close())
        except IntegrityError as error:
            raise _taken(folder.name) from error

    async def rename(self, folder: str, user: UserId, name: str) -> Folder:
        here = folders.c.id == folder, folders.c.user_id == user

        def work(connection: Connection) -> Folder:
            connection.execute(update(folders).where(*here).values(name=clean(name)))
            row = connection.execute(select(folders, _COUNTED).where(*here)).first()
            if row is None:
                raise no_folder(folder)
            return _folder(row)

        try:
            return await self._database.write(work)
        except IntegrityError as error:
            raise _taken(name) from error

    async def remove(self, folder: str, user: UserId) -> None:
        def work(connection: Connection) -> None:
            gone = delete(folders).where(folders.c.id == folder, folders.c.user_id == user)
            if connection.execute(gone).rowcount == 0:
                raise no_folder(folder)
            connection.execute(
                update(conversations)
                .where(conversations.c.user_id == user, conversations.c.folder_id == folder)
                .values(folder_id=None)
            )

        await self._database.write(work)


def no_folder(folder: str) -> NotFound:
    return NotFound(f"There is no folder {folder!r}.", hint="It may have been removed, or be another user's.")


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a folder '{name}' already.", hint="Choose another name.")


def _folder(row: Row[Any]) -> Folder:
    return Folder(row.id, UserId(row.user_id), row.name, row.created_s, row.conversations)
