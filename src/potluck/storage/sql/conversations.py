"""`ConversationStore` in SQL."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.answer import FinishReason
from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.model import ModelId, NodeId, RequestId, UserId
from potluck.storage.conversation_records import (
    NO_DETAILS,
    NO_PARAMS,
    ChatParams,
    ConversationChange,
    MessageDetails,
    Titled,
)
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
    below,
    newest_leaf,
)
from potluck.storage.sql.content import clean, decode, encode, fold, snippet
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import conversations, messages

# Longer ones are pasted by mistake, and a LIKE over every message is not the tool for them.
_LONGEST_SEARCH = 200

# Below what any database takes as arguments of one statement.
_IDS_AT_ONCE = 500

T = TypeVar("T")

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
            removed=0,
            pinned_s=conversation.pinned_s,
            archived_s=conversation.archived_s,
            folder_id=conversation.folder,
            tags=clean(msgspec.json.encode(conversation.tags).decode()),
            system=clean(conversation.system),
            params=_optional(conversation.params, NO_PARAMS),
            titled=conversation.titled.value,
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

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        values = _values(change, now)

        def work(connection: Connection) -> Conversation:
            before = _one(connection, conversation, user)
            if isinstance(change.leaf, str):
                _parent(connection, conversation, MessageId(change.leaf), 0)
            taken = dict(values)
            if change.titled is Titled.MODEL and before.titled is Titled.PERSON:
                for column in ("title", "title_folded", "titled"):
                    taken.pop(column, None)
            if taken:
                connection.execute(update(conversations).where(*_is(conversation, user)).values(**taken))
            return _one(connection, conversation, user)

        return await self._database.write(work)

    async def delete_messages(
        self, conversation: ConversationId, user: UserId, root: MessageId
    ) -> tuple[Conversation, frozenset[MessageId]]:
        tree = select(messages.c.id, messages.c.parent_id).where(messages.c.conversation_id == conversation)

        def work(connection: Connection) -> tuple[Conversation, frozenset[MessageId]]:
            # 1. Lock the conversation's row, as an append does.
            _take(connection, conversation, user, 0)
            about = _one(connection, conversation, user)
            # 2. Find what goes, and where the leaf is then.
            rows = connection.execute(tree.order_by(messages.c.seq)).all()
            parents = {MessageId(row.id): row.parent_id for row in rows}
            if root not in parents:
                raise _no_message(root)
            gone = below(parents, root)
            left = {each: parent for each, parent in parents.items() if each not in gone}
            leaf = about.leaf if about.leaf not in gone else newest_leaf(left, parents[root])
            # 3. Let it go.
            _delete(connection, conversation, gone)
            values = {"removed": conversations.c.removed + len(gone), "leaf_id": leaf}
            connection.execute(update(conversations).where(*_is(conversation, user)).values(**values))
            return _one(connection, conversation, user), gone

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
        follows: bool = False,
        replaces: MessageId | None = None,
    ) -> tuple[StoredMessage, ...]:
        def work(connection: Connection) -> tuple[StoredMessage, ...]:
            # 1. Take the numbers. This locks the conversation's row, so that appends come one after another.
            last = _take(connection, conversation, user, len(messages), updated_s=now, model=model)
            # 2. Find what the first one follows.
            parent = _parent(connection, conversation, after, last)
            # 3. Write them in a row.
            stored = _chain(conversation, messages, now, last, parent)
            _insert(connection, stored)
            # 4. Show them.
            _lead(connection, conversation, stored[-1].id, (parent, replaces) if follows else None)
            if replaces is not None:
                _replace(connection, conversation, replaces)
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


def _no_message(message: str) -> NotFound:
    return NotFound(f"There is no message {message!r} in this conversation.", hint="Read it again to see them.")


def _one(connection: Connection, conversation: ConversationId, user: UserId) -> Conversation:
    row = connection.execute(select(conversations).where(*_is(conversation, user))).first()
    if row is None:
        raise _missing(conversation)
    return _conversation(row)


def _take(
    connection: Connection,
    conversation: ConversationId,
    user: UserId,
    count: int,
    *,
    updated_s: float | None = None,
    model: str = "",
) -> int:
    """Take ``count`` numbers; the last one that was taken before."""
    values: dict[str, object] = {"last_seq": conversations.c.last_seq + count}
    if updated_s is not None:
        values["updated_s"] = updated_s
    if model:
        values["model"] = clean(model)
    connection.execute(update(conversations).where(*_is(conversation, user)).values(values))
    last = connection.execute(select(conversations.c.last_seq).where(*_is(conversation, user))).scalar()
    if last is None:
        raise _missing(conversation)
    return int(last) - count


def _lead(
    connection: Connection,
    conversation: ConversationId,
    leaf: MessageId,
    only_from: tuple[MessageId | None, MessageId | None] | None,
) -> None:
    """Make a message the conversation's leaf; where ``only_from`` is given, only if the leaf is one of these."""
    statement = update(conversations).where(conversations.c.id == conversation).values(leaf_id=leaf)
    if only_from is not None:
        known = [each for each in only_from if each is not None]
        statement = statement.where(or_(conversations.c.leaf_id.is_(None), conversations.c.leaf_id.in_(known)))
    connection.execute(statement)


def _replace(connection: Connection, conversation: ConversationId, replaced: MessageId) -> None:
    here = messages.c.conversation_id == conversation
    if connection.execute(select(messages.c.id).where(here, messages.c.parent_id == replaced).limit(1)).first():
        return
    gone = connection.execute(delete(messages).where(here, messages.c.id == replaced)).rowcount
    values = {"removed": conversations.c.removed + gone}
    connection.execute(update(conversations).where(conversations.c.id == conversation).values(**values))


def _delete(connection: Connection, conversation: ConversationId, gone: Collection[MessageId]) -> None:
    ids = sorted(gone)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = messages.c.id.in_(ids[start : start + _IDS_AT_ONCE])
        connection.execute(delete(messages).where(messages.c.conversation_id == conversation, some))


def _values(change: ConversationChange, now: float) -> dict[str, object]:
    """A change in the table's terms."""
    values: dict[str, object] = {}
    if change.title is not UNSET:
        values |= {"title": clean(change.title), "title_folded": fold(change.title), "titled": change.titled.value}
        if change.titled is Titled.PERSON:
            values["updated_s"] = now
    if change.model is not UNSET:
        values["model"] = clean(change.model)
    if change.tags is not UNSET:
        values["tags"] = clean(msgspec.json.encode(change.tags).decode())
    if change.system is not UNSET:
        values["system"] = clean(change.system)
    if change.params is not UNSET:
        values["params"] = _optional(change.params, NO_PARAMS)
    plain = {
        "leaf_id": change.leaf,
        "pinned_s": change.pinned_s,
        "archived_s": change.archived_s,
        "folder_id": change.folder,
    }
    return values | {column: value for column, value in plain.items() if value is not UNSET}


def _optional(value: T, nothing: T) -> str | None:
    """JSON of a record, null of one that says nothing."""
    return None if value == nothing else clean(msgspec.json.encode(value).decode())


def _parent(
    connection: Connection, conversation: ConversationId, after: MessageId | Place, last: int
) -> MessageId | None:
    if after is Place.START:
        return None
    place = messages.c.seq == last if after is Place.END else messages.c.id == after
    found = connection.execute(select(messages.c.id).where(messages.c.conversation_id == conversation, place)).scalar()
    if found is None and isinstance(after, str):
        raise _no_message(after)
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
            "details": _optional(each.new.details, NO_DETAILS),
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
        messages=row.last_seq - row.removed,
        leaf=MessageId(row.leaf_id) if row.leaf_id is not None else None,
        pinned_s=row.pinned_s,
        archived_s=row.archived_s,
        folder=row.folder_id,
        tags=msgspec.json.decode(row.tags, type=tuple[str, ...]),
        system=row.system,
        params=NO_PARAMS if row.params is None else msgspec.json.decode(row.params, type=ChatParams),
        titled=Titled(row.titled),
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
        details=NO_DETAILS if row.details is None else msgspec.json.decode(row.details, type=MessageDetails),
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
