"""`PromptStore` in SQL."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from potluck.core.errors import NotFound
from potluck.core.model import UserId
from potluck.storage.conversation_records import Prompt, PromptChange
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import prompts


class SqlPrompts:
    """See `potluck.storage.conversation_ports.PromptStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def visible(self, user: UserId) -> tuple[Prompt, ...]:
        statement = (
            select(prompts)
            .where(or_(prompts.c.user_id == user, prompts.c.shared))
            .order_by(prompts.c.name, prompts.c.created_s, prompts.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_prompt(row) for row in rows)

    async def add(self, prompt: Prompt) -> None:
        statement = insert(prompts).values(
            id=prompt.id,
            user_id=prompt.user,
            name=clean(prompt.name),
            text=clean(prompt.text),
            shared=prompt.shared,
            created_s=prompt.created_s,
            updated_s=prompt.updated_s,
        )
        await self._database.write(lambda connection: connection.execute(statement).close())

    async def change(self, prompt: str, user: UserId | None, change: PromptChange, now: float) -> Prompt:
        values: dict[str, object] = {"updated_s": now}
        if change.name is not UNSET:
            values["name"] = clean(change.name)
        if change.text is not UNSET:
            values["text"] = clean(change.text)
        if change.shared is not UNSET:
            values["shared"] = change.shared

        def work(connection: Connection) -> Prompt:
            if connection.execute(update(prompts).where(*_its(prompt, user)).values(**values)).rowcount == 0:
                raise _missing(prompt)
            return _prompt(connection.execute(select(prompts).where(prompts.c.id == prompt)).one())

        return await self._database.write(work)

    async def remove(self, prompt: str, user: UserId | None) -> None:
        statement = delete(prompts).where(*_its(prompt, user))
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise _missing(prompt)


def _its(prompt: str, user: UserId | None) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return prompts.c.id == prompt, prompts.c.shared.is_(True) if user is None else prompts.c.user_id == user


def _missing(prompt: str) -> NotFound:
    return NotFound(f"There is no prompt {prompt!r}.", hint="It may have been removed, or be another user's.")


def _prompt(row: Row[Any]) -> Prompt:
    return Prompt(row.id, UserId(row.user_id), row.name, row.text, row.created_s, row.updated_s, row.shared)
