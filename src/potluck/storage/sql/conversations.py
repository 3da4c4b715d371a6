"""`ConversationStore` in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.model import UserId
from potluck.core.searching import LONGEST_QUERY, terms_of
from potluck.storage.conversation_records import EVERY, ConversationChange, ConversationFilter, Titled
from potluck.storage.records import (
    Conversation,
    ConversationId,
    ConversationPage,
    MessageId,
    NewMessage,
    Place,
    SearchPage,
    StoredMessage,
    Thread,
    below,
    newest_leaf,
)
from potluck.storage.sql.content import clean, fold
from potluck.storage.sql.conversation_pages import next_of, page_of, search
from potluck.storage.sql.conversation_rows import (
    change_values,
    conversation_of,
    conversation_row,
    message_of,
    message_rows,
)
from potluck.storage.sql.database import Database
from potluck.storage.sql.folders import no_folder
from potluck.storage.sql.schema import conversations, folders, messages
from potluck.storage.sql.word_index import forget_words, note_words

# Below what any database takes as arguments of one statement.
_IDS_AT_ONCE = 500


class SqlConversations:
    """See `potluck.storage.conversation_ports.ConversationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, conversation: Conversation) -> None:
        statement = insert(conversations).values(**conversation_row(conversation))
        try:
            await self._database.write(lambda connection: connection.execute(statement).close())
        except IntegrityError as error:
            raise Conflict("There is a conversation with this id already.") from error

    async def list(
        self, user: UserId, *, limit: int, cursor: str | None = None, where: ConversationFilter = EVERY
    ) -> ConversationPage:
        statement = page_of(user, limit, cursor).where(*_wanted(where))
        rows = await self._database.read_lagging(lambda connection: connection.execute(statement).all())
        found = tuple(conversation_of(row) for row in rows)
        return ConversationPage(found[:limit], next_of(found, limit))

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        return await self._database.read(lambda connection: read_thread(connection, conversation, user))

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        values = change_values(change, now)

        def work(connection: Connection) -> Conversation:
            before = _one(connection, conversation, user)
            if isinstance(change.leaf, str):
                _parent(connection, conversation, MessageId(change.leaf), 0)
            if isinstance(change.folder, str):
                _check_folder(connection, change.folder, user)
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
            _delete(connection, gone)
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
            self._insert(connection, conversation, stored)
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

    async def search(self, user: UserId, text: str, *, limit: int, cursor: str | None = None) -> SearchPage:
        if not text.strip() or len(text) > LONGEST_QUERY:
            raise BadRequest(f"A search wants 1 to {LONGEST_QUERY} characters.", param="q")
        terms = terms_of(fold(text))
        if not terms:
            return SearchPage(())
        traits = self._database.traits
        return await self._database.read_lagging(
            lambda connection: search(connection, traits, user, terms, limit=limit, cursor=cursor)
        )

    async def take_in(self, conversation: Conversation, messages: Sequence[StoredMessage]) -> int:
        def work(connection: Connection) -> int:
            # 1. The conversation, which nobody else writes to then.
            connection.execute(self._database.traits.insert_new(conversations), conversation_row(conversation))
            try:
                last = _take(connection, conversation.id, conversation.user, 0)
            except NotFound as error:
                raise Conflict("Another user has a conversation with this id.") from error
            # 2. What of it is new.
            known = {each.id for each in read_thread(connection, conversation.id, conversation.user).messages}
            new = [each for each in messages if each.id not in known]
            if not new:
                return 0
            # 3. Behind what is there.
            stored = [msgspec.structs.replace(each, seq=last + place) for place, each in enumerate(new, start=1)]
            _take(connection, conversation.id, conversation.user, len(stored))
            for start in range(0, len(stored), _IDS_AT_ONCE):
                self._insert(connection, conversation.id, stored[start : start + _IDS_AT_ONCE])
            if not known and conversation.leaf is not None:
                _lead(connection, conversation.id, conversation.leaf, None)
            return len(stored)

        try:
            return await self._database.write(work)
        except IntegrityError as error:
            raise Conflict("There is a message with this id already.") from error

    def _insert(self, connection: Connection, conversation: ConversationId, stored: Sequence[StoredMessage]) -> None:
        connection.execute(insert(messages), message_rows(stored))
        note_words(connection, self._database.traits, conversation, [(each.id, each.message.text) for each in stored])


def _is(conversation: ConversationId, user: UserId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return conversations.c.id == conversation, conversations.c.user_id == user


def _missing(conversation: ConversationId) -> NotFound:
    return NotFound(
        f"There is no conversation {conversation!r}.", hint="It may have been deleted, or be another user's."
    )


def _no_message(message: str) -> NotFound:
    return NotFound(f"There is no message {message!r} in this conversation.", hint="Read it again to see them.")


def _wanted(where: ConversationFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if where.folder is not UNSET:
        found.append(conversations.c.folder_id == where.folder)
    if where.archived is not None:
        found.append(conversations.c.archived_s.is_not(None) == where.archived)
    if where.pinned is not None:
        found.append(conversations.c.pinned_s.is_not(None) == where.pinned)
    if where.tag:
        # As it stands in a JSON list of texts.
        found.append(conversations.c.tags.contains(msgspec.json.encode(clean(where.tag)).decode(), autoescape=True))
    return found


def _check_folder(connection: Connection, folder: str, user: UserId) -> None:
    statement = select(folders.c.id).where(folders.c.id == folder, folders.c.user_id == user)
    if connection.execute(statement).first() is None:
        raise no_folder(folder)


def read_thread(connection: Connection, conversation: ConversationId, user: UserId) -> Thread:
    """Raises `NotFound`."""
    about = _one(connection, conversation, user)
    statement = select(messages).where(messages.c.conversation_id == conversation).order_by(messages.c.seq)
    return Thread(about, tuple(message_of(row) for row in connection.execute(statement)))


def check_message(connection: Connection, conversation: ConversationId, user: UserId, message: MessageId) -> None:
    """Raises `NotFound` unless the message is in that user's conversation."""
    _one(connection, conversation, user)
    _parent(connection, conversation, message, 0)


def _one(connection: Connection, conversation: ConversationId, user: UserId) -> Conversation:
    row = connection.execute(select(conversations).where(*_is(conversation, user))).first()
    if row is None:
        raise _missing(conversation)
    return conversation_of(row)


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
    forget_words(connection, [replaced])
    values = {"removed": conversations.c.removed + gone}
    connection.execute(update(conversations).where(conversations.c.id == conversation).values(**values))


def _delete(connection: Connection, gone: Collection[MessageId]) -> None:
    ids = sorted(gone)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        connection.execute(delete(messages).where(messages.c.id.in_(some)))
        forget_words(connection, some)


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
