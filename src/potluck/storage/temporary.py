"""Temporary conversations: in memory alone, in no list and no search, and gone when nobody has gone on with them for a
while, or with the process.

Their ids tell them from others, so whoever is handed one knows that nothing of it is to be written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET

from potluck.core.call import AudioPart, ImagePart, Message
from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.generations import Bounds as Kept
from potluck.core.generations import EndedLog, forgotten
from potluck.core.model import UserId
from potluck.storage.conversation_ports import ConversationStore
from potluck.storage.conversation_records import EVERY, ConversationChange, ConversationFilter
from potluck.storage.owed import in_a_row, longer
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

_PREFIX = "temporary-"
# An hour after the last word, as the events of answers are: long enough for a reload, or a train in a tunnel.
KEPT_S = 3600.0
# A hundred chats of a novel each, or a dozen with pictures in them. The oldest go first.
_MOST_BYTES = 32_000_000
_MOST_BYTES_PER_USER = 16_000_000
# What a message takes beside its text.
_MESSAGE_BYTES = 1_000
_LOOK_S = 60.0


def temporary_id(conversation: str) -> ConversationId:
    return ConversationId(_PREFIX + conversation)


def is_temporary(conversation: str) -> bool:
    return conversation.startswith(_PREFIX)


class WithTemporary:
    """A `ConversationStore` whose temporary conversations are here, and all others in ``store``.

    ``clock`` is Unix seconds. One that was forgotten is `NotFound`, as if it had never been.
    """

    def __init__(self, store: ConversationStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._threads: dict[ConversationId, Thread] = {}

    # --- forgetting ---

    async def forgetting(self) -> None:
        """Forget those that are over, again and again."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._forget_old()

    def _forget_old(self) -> None:
        """Those that are too old, and the oldest where somebody's, or all together, take too much."""
        now = self._clock()
        of_users: dict[UserId, list[EndedLog]] = {}
        for each in self._threads.values():
            about = each.conversation
            of_users.setdefault(about.user, []).append(EndedLog(about.id, about.updated_s, _size(each)))
        gone = [each for own in of_users.values() for each in forgotten(own, _bounds(_MOST_BYTES_PER_USER), now)]
        every = [each for own in of_users.values() for each in own]
        for over in (*gone, *forgotten(every, _bounds(_MOST_BYTES), now)):
            self._threads.pop(ConversationId(over), None)

    # --- temporary or not ---

    async def create(self, conversation: Conversation) -> None:
        if not is_temporary(conversation.id):
            return await self._store.create(conversation)
        if conversation.id in self._threads:
            raise Conflict("There is a conversation with this id already.")
        self._threads[conversation.id] = Thread(msgspec.structs.replace(conversation, messages=0), ())
        self._forget_old()
        return None

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        if not is_temporary(conversation):
            return await self._store.get(conversation, user)
        return self._own(conversation, user)

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        if not is_temporary(conversation):
            return await self._store.change(conversation, user, change, now)
        thread = self._own(conversation, user)
        changes = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        for listed, param in (("pinned_s", "pinned"), ("archived_s", "archived"), ("folder", "folder")):
            if changes.get(listed) is not None:
                raise BadRequest("A temporary conversation is in no list.", param=param, hint="Begin one that is kept.")
        if "leaf" in changes and all(each.id != changes["leaf"] for each in thread.messages):
            raise NotFound(f"There is no message {changes['leaf']!r} in this conversation.")
        changed = msgspec.structs.replace(thread.conversation, **changes)
        self._threads[conversation] = Thread(changed, thread.messages)
        return changed

    async def delete(self, conversation: ConversationId, user: UserId) -> None:
        if not is_temporary(conversation):
            return await self._store.delete(conversation, user)
        self._own(conversation, user)
        del self._threads[conversation]
        return None

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
        if not is_temporary(conversation):
            return await self._store.append(
                conversation, user, messages, now, after=after, model=model, follows=follows, replaces=replaces
            )
        thread = self._own(conversation, user)
        known = {each.id for each in thread.messages}
        if any(each.id in known for each in messages):
            raise Conflict("There is a message with this id already.")
        if isinstance(after, str) and after not in known:
            raise NotFound(f"There is no message {after!r} in this conversation.")
        last = thread.messages[-1] if thread.messages else None
        first = last.id if last is not None and after is Place.END else None if isinstance(after, Place) else after
        seq = last.seq if last is not None else 0
        stored = in_a_row(conversation, messages, now, parent=first, last=seq)
        if stored:
            self._threads[conversation] = longer(thread, stored, now, model, follows=follows, replaces=replaces)
            self._forget_old()
        return stored

    async def delete_messages(
        self, conversation: ConversationId, user: UserId, root: MessageId
    ) -> tuple[Conversation, frozenset[MessageId]]:
        if not is_temporary(conversation):
            return await self._store.delete_messages(conversation, user, root)
        thread = self._own(conversation, user)
        parents = {each.id: each.parent for each in thread.messages}
        if root not in parents:
            raise NotFound(f"There is no message {root!r} in this conversation.")
        gone = below(parents, root)
        left = tuple(each for each in thread.messages if each.id not in gone)
        leaf = thread.conversation.leaf
        if leaf in gone:
            leaf = newest_leaf({each.id: each.parent for each in left}, parents[root])
        changed = msgspec.structs.replace(thread.conversation, messages=len(left), leaf=leaf)
        self._threads[conversation] = Thread(changed, left)
        return changed, gone

    def _own(self, conversation: ConversationId, user: UserId) -> Thread:
        found = self._threads.get(conversation)
        over = found is not None and self._clock() - found.conversation.updated_s >= KEPT_S
        if found is None or over or found.conversation.user != user:
            raise NotFound(
                f"There is no conversation {conversation!r}.",
                hint="A temporary one is gone an hour after its last message, or when Potluck is started anew.",
            )
        return found

    # --- never temporary ---

    async def list(
        self, user: UserId, *, limit: int, cursor: str | None = None, where: ConversationFilter = EVERY
    ) -> ConversationPage:
        return await self._store.list(user, limit=limit, cursor=cursor, where=where)

    async def search(self, user: UserId, text: str, *, limit: int, cursor: str | None = None) -> SearchPage:
        return await self._store.search(user, text, limit=limit, cursor=cursor)

    async def take_in(self, conversation: Conversation, messages: Sequence[StoredMessage]) -> int:
        """One that was temporary where it comes from is kept here."""
        if is_temporary(conversation.id):
            kept = ConversationId(conversation.id.removeprefix(_PREFIX))
            conversation = msgspec.structs.replace(conversation, id=kept)
            messages = [msgspec.structs.replace(each, conversation=kept) for each in messages]
        return await self._store.take_in(conversation, messages)


def _bounds(most_bytes: int) -> Kept:
    return Kept(keep_s=KEPT_S, keep_bytes=most_bytes)


def _size(thread: Thread) -> int:
    """About the bytes that it takes in memory."""
    return sum(_MESSAGE_BYTES + _size_of(each.message) for each in thread.messages)


def _size_of(message: Message) -> int:
    files = sum(len(part.data_b64) for part in message.parts if isinstance(part, ImagePart | AudioPart))
    return len(message.text) + len(message.reasoning) + files
