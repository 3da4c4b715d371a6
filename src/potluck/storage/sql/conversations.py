"""`ConversationStore` in SQL."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.answer import FinishReason
from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.model import ModelId, NodeId, RequestId, UserId
from potluck.storage.records import (
    Conversation,
    ConversationId,
    ConversationPage,
    MessageId,
    MessageState,
    NewMessage,
    Place,
    SearchHit,
    StoredMessage,
    Thread,
)
from potluck.storage.sql.content import clean, decode, encode, fold, snippet
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import conversations, messages

# Longer ones are pasted by mistake, and a LIKE over every message is not the tool for them.
_LONGEST_SEARCH = 200

_NEWEST_FIRST = (conversations.c.updated_s.desc(), conversations.c.id.desc())


class SqlConversations:
    """See `potluck.storage.ports.ConversationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, conversation: Conversation) -> None:
        statement = insert(conversations).values(
            id=conversation.id,
            user_id=conversation.user,
            title=clean(conversation.title),
            title_folded=fold(conversation.title),
            model=clean(conversation.model),
            created_s=conversation.created_s,
            updated_s=conversation.updated_s,
            last_seq=0,
        )
        try:
            await self._database.write(lambda connection: connection.execute(statement).close())
        except IntegrityError as error:
            raise Conflict("There is a conversation with this id already.") from error

    async def list(self, user: UserId, *, limit: int, cursor: str | None = None) -> ConversationPage:
        statement = (
            select(conversations).where(conversations.c.user_id == user).order_by(*_NEWEST_FIRST).limit(limit + 1)
        )
        if cursor is not None:
            updated_s, last = _read_cursor(cursor)
            before = conversations.c.updated_s < updated_s
            same = and_(conversations.c.updated_s == updated_s, conversations.c.id < last)
            statement = statement.where(or_(before, same))
        rows = await self._database.read_lagging(lambda connection: connection.execute(statement).all())
        found = tuple(_conversation(row) for row in rows)
        return ConversationPage(found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None)

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        statement = select(messages).where(messages.c.conversation_id == conversation).order_by(messages.c.seq)

        def work(connection: Connection) -> Thread:
            about = _one(connection, conversation, user)
            return Thread(about, tuple(_message(row) for row in connection.execute(statement)))

        return await self._database.read(work)

    async def rename(self, conversation: ConversationId, user: UserId, title: str, now: float) -> Conversation:
        values = {"title": clean(title), "title_folded": fold(title), "updated_s": now}

        def work(connection: Connection) -> Conversation:
            connection.execute(update(conversations).where(*_is(conversation, user)).values(**values))
            return _one(connection, conversation, user)

        return await self._database.write(work)

    async def delete(self, conversation: ConversationId, user: UserId) -> None:
        statement = delete(conversations).where(*_is(conversation, user))
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise _missing(conversation)

    async def append(
        self,
        conversation: ConversationId,
        user: UserId,
        messages: Sequence[NewMessage],
        now: float,
        *,
        after: MessageId | Place = Place.END,
        model: str = "",
    ) -> tuple[StoredMessage, ...]:
        def work(connection: Connection) -> tuple[StoredMessage, ...]:
            # 1. Take the numbers. This locks the conversation's row, so that appends come one after another.
            last = _take(connection, conversation, user, len(messages), now, model)
            # 2. Find what the first one follows.
            parent = _parent(connection, conversation, after, last)
            # 3. Write them in a row.
            stored = _chain(conversation, messages, now, last, parent)
            _insert(connection, stored)
            return stored

        if not messages:
            return ()
        try:
            return await self._database.write(work)
        except IntegrityError as error:
            raise Conflict("There is a message with this id already.") from error

    async def search(self, user: UserId, text: str, *, limit: int) -> tuple[SearchHit, ...]:
        folded = fold(text.strip())
        if not folded or len(text) > _LONGEST_SEARCH:
            raise BadRequest(f"A search wants 1 to {_LONGEST_SEARCH} characters.", param="q")
        matching = messages.c.folded.contains(folded, autoescape=True)
        inside = select(messages.c.id).where(messages.c.conversation_id == conversations.c.id, matching).exists()
        titled = conversations.c.title_folded.contains(folded, autoescape=True)
        found = (
            select(conversations)
            .where(conversations.c.user_id == user, or_(titled, inside))
            .order_by(*_NEWEST_FIRST)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[SearchHit, ...]:
            hits = [_conversation(row) for row in connection.execute(found)]
            newest = (
                select(messages.c.conversation_id, func.max(messages.c.seq).label("seq"))
                .where(messages.c.conversation_id.in_([hit.id for hit in hits]), matching)
                .group_by(messages.c.conversation_id)
                .subquery()
            )
            joined = and_(messages.c.conversation_id == newest.c.conversation_id, messages.c.seq == newest.c.seq)
            rows = connection.execute(select(messages).join(newest, joined))
            by_conversation = {row.conversation_id: _message(row) for row in rows}
            return tuple(_hit(each, by_conversation.get(each.id), text.strip()) for each in hits)

        return await self._database.read_lagging(work)


def _is(conversation: ConversationId, user: UserId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return conversations.c.id == conversation, conversations.c.user_id == user


def _missing(conversation: ConversationId) -> NotFound:
    return NotFound(
        f"There is no conversation {conversation!r}.", hint="It may have been deleted, or be another user's."
    )


def _one(connection: Connection, conversation: ConversationId, user: UserId) -> Conversation:
    row = connection.execute(select(conversations).where(*_is(conversation, user))).first()
    if row is None:
        raise _missing(conversation)
    return _conversation(row)


def _take(
    connection: Connection, conversation: ConversationId, user: UserId, count: int, now: float, model: str
) -> int:
    """Take ``count`` numbers; the last one that was taken before."""
    values: dict[str, object] = {"last_seq": conversations.c.last_seq + count, "updated_s": now}
    if model:
        values["model"] = clean(model)
    connection.execute(update(conversations).where(*_is(conversation, user)).values(values))
    return _one(connection, conversation, user).messages - count


def _parent(
    connection: Connection, conversation: ConversationId, after: MessageId | Place, last: int
) -> MessageId | None:
    if after is Place.START:
        return None
    place = messages.c.seq == last if after is Place.END else messages.c.id == after
    found = connection.execute(select(messages.c.id).where(messages.c.conversation_id == conversation, place)).scalar()
    if found is None and after is not Place.END:
        raise NotFound(f"There is no message {after!r} in this conversation.", hint="Read it again to see them.")
    return MessageId(found) if found is not None else None


def _chain(
    conversation: ConversationId, new: Sequence[NewMessage], now: float, last: int, parent: MessageId | None
) -> tuple[StoredMessage, ...]:
    parents = [parent, *(message.id for message in new)]
    return tuple(
        StoredMessage(conversation, last + place + 1, parents[place], now, message) for place, message in enumerate(new)
    )


def _insert(connection: Connection, stored: Sequence[StoredMessage]) -> None:
    rows = [
        {
            "id": each.id,
            "conversation_id": each.conversation,
            "seq": each.seq,
            "parent_id": each.parent,
            "created_s": each.created_s,
            "role": each.message.role.value,
            "content": encode(each.message),
            "folded": fold(each.message.text),
            "state": each.new.state.value,
            "model": each.new.model,
            "node": each.new.node,
            "request_id": each.new.request,
            "finish": each.new.finish.value if each.new.finish is not None else None,
            "prompt_tokens": each.new.prompt_tokens,
            "completion_tokens": each.new.completion_tokens,
            "error": clean(each.new.error),
        }
        for each in stored
    ]
    connection.execute(insert(messages), rows)


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        id=ConversationId(row.id),
        user=UserId(row.user_id),
        title=row.title,
        created_s=row.created_s,
        updated_s=row.updated_s,
        model=row.model,
        messages=row.last_seq,
    )


def _message(row: Row[Any]) -> StoredMessage:
    new = NewMessage(
        id=MessageId(row.id),
        message=decode(row.role, row.content),
        state=MessageState(row.state),
        model=ModelId(row.model) if row.model is not None else None,
        node=NodeId(row.node) if row.node is not None else None,
        request=RequestId(row.request_id) if row.request_id is not None else None,
        finish=FinishReason(row.finish) if row.finish is not None else None,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        error=row.error,
    )
    parent = MessageId(row.parent_id) if row.parent_id is not None else None
    return StoredMessage(ConversationId(row.conversation_id), row.seq, parent, row.created_s, new)


def _hit(conversation: Conversation, found: StoredMessage | None, wanted: str) -> SearchHit:
    text = found.message.text if found is not None else conversation.title
    return SearchHit(conversation, found.id if found is not None else None, snippet(text, wanted))


def _cursor(last: Conversation) -> str:
    """Where a page ended, opaque to clients: the time exactly, in hexadecimal, and the id."""
    return base64.urlsafe_b64encode(f"{last.updated_s.hex()} {last.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        time, _, last = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(" ")
        return float.fromhex(time), last
    except (binascii.Error, UnicodeError, ValueError, OverflowError) as error:
        raise BadRequest("This cursor is not one of ours.", param="cursor", hint="Begin without one.") from error
