"""Conversations while their database is away: what can be kept goes into a journal, and to the database when it is
back, in the order in which it came and once.

An entry says which ids it makes, so one that the database has already is found out when it comes again: after a
connection that broke between a commit and its answer, and after a crash in the middle of handing over.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

import msgspec
import structlog

from potluck.core.answer import FinishReason
from potluck.core.call import AudioPart, ImagePart, Message, Role
from potluck.core.errors import Conflict, NotFound, OperatorError, StorageAway
from potluck.core.model import ModelId, NodeId, RequestId, UserId
from potluck.storage.conversation_ports import ConversationStore
from potluck.storage.conversation_records import (
    EVERY,
    NO_DETAILS,
    ConversationChange,
    ConversationFilter,
    MessageDetails,
)
from potluck.storage.journal import Journal
from potluck.storage.records import (
    Conversation,
    ConversationId,
    ConversationPage,
    MessageId,
    MessageState,
    NewMessage,
    Place,
    SearchPage,
    StoredMessage,
    Thread,
)
from potluck.storage.sql import content

log = structlog.get_logger(__name__)

# Conversations that people are in just now, so that they can go on while the database is away.
REMEMBERED = 64
MOST_OWED_BYTES = 1 << 30
# One with a book pasted into it is not kept beside.
_LONGEST = 200_000
_RETRY_S = 1.0


class _Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `NewMessage` as it is kept; ``content`` as in the table of messages."""

    id: MessageId
    role: Role
    content: str
    state: MessageState
    model: ModelId | None = None
    node: NodeId | None = None
    request: RequestId | None = None
    finish: FinishReason | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    details: MessageDetails = NO_DETAILS

    @classmethod
    def of(cls, new: NewMessage) -> _Written:
        return cls(
            new.id,
            new.message.role,
            content.encode(new.message),
            new.state,
            new.model,
            new.node,
            new.request,
            new.finish,
            new.prompt_tokens,
            new.completion_tokens,
            new.error,
            new.details,
        )

    def message(self) -> NewMessage:
        return NewMessage(
            self.id,
            content.decode(self.role, self.content),
            self.state,
            self.model,
            self.node,
            self.request,
            self.finish,
            self.prompt_tokens,
            self.completion_tokens,
            self.error,
            self.details,
        )


class _Create(msgspec.Struct, frozen=True, tag="create"):
    conversation: Conversation


class _Append(msgspec.Struct, frozen=True, tag="append"):
    """``after`` is None for the beginning; the end is never written down: it was somewhere when the entry was made."""

    conversation: ConversationId
    user: UserId
    messages: tuple[_Written, ...]
    now: float
    after: MessageId | None
    model: str
    follows: bool = False
    replaces: MessageId | None = None


_Entry: TypeAlias = _Create | _Append
_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[_Entry] = msgspec.json.Decoder(_Entry)


class OwedConversations:
    """A `ConversationStore` that outlasts its database's absence.

    While it is away, new conversations and messages are kept in ``journal``, and the ``remembered`` conversations that
    were used last can be read. Everything else raises `StorageAway` as before.
    """

    def __init__(self, store: ConversationStore, journal: Journal, *, remembered: int = REMEMBERED) -> None:
        self._store = store
        self._journal = journal
        self._remembered = remembered
        self._handing = asyncio.Lock()
        self._owes = bool(journal.sealed)
        # Entries of the oldest file that the database has: they are not asked about again.
        self._handed = 0
        self._known: OrderedDict[ConversationId, Thread] = OrderedDict()

    @property
    def owes(self) -> bool:
        """Whether there is something that the database has not got."""
        return self._owes

    @property
    def owed_bytes(self) -> int:
        """As they lie on the disk."""
        return self._journal.size_bytes

    # --- writing ---

    async def create(self, conversation: Conversation) -> None:
        try:
            await self._settled()
            await self._store.create(conversation)
        except StorageAway as away:
            self._owe(_Create(conversation), away)
        self._remember(Thread(conversation, ()))

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
        try:
            await self._settled()
            stored = await self._store.append(
                conversation, user, messages, now, after=after, model=model, follows=follows, replaces=replaces
            )
        except StorageAway as away:
            written = tuple(map(_Written.of, messages))
            entry = _Append(conversation, user, written, now, None, model, follows, replaces)
            stored = self._owed(entry, messages, after, away)
        known = self._known.get(conversation)
        if known is not None and stored:
            self._remember(longer(known, stored, now, model, follows=follows, replaces=replaces))
        return stored

    def _owed(
        self, entry: _Append, messages: Sequence[NewMessage], after: MessageId | Place, away: StorageAway
    ) -> tuple[StoredMessage, ...]:
        conversation = entry.conversation
        known = self._known.get(conversation)
        if known is not None and known.conversation.user != entry.user:
            raise NotFound(f"There is no conversation {conversation!r}.")
        if after is Place.END:
            if known is None:  # where its end is, only the database knows
                raise away
            after = known.messages[-1].id if known.messages else Place.START
        parent = after if not isinstance(after, Place) else None
        self._owe(msgspec.structs.replace(entry, after=parent), away)
        last = known.messages[-1].seq if known is not None and known.messages else 0
        return in_a_row(conversation, messages, entry.now, parent=parent, last=last)

    def _owe(self, entry: _Entry, away: StorageAway) -> None:
        """Keep an entry for later. Raises ``away`` where that cannot be: then nothing was accepted."""
        try:
            self._journal.append(_encode(entry))
        except OperatorError as error:
            log.error("the journal cannot be written", error=error.message)
            raise away from error
        if not self._owes:
            log.warning("the database is away; what is said is kept on this machine until it is back", error=str(away))
        self._owes = True

    # --- handing over ---

    async def handing_over(self) -> None:
        """Hand over what is owed as soon as the database is back, for ever."""
        while True:
            if self._owes:
                try:
                    await self._settled()
                except StorageAway as away:
                    log.debug("the database is still away", error=str(away))
                except OperatorError as error:
                    log.error("what is owed to the database cannot be handed over", error=error.message)
            await asyncio.sleep(_RETRY_S)

    async def _settled(self) -> None:
        """Return when nothing is owed. Raises `StorageAway`, at once while the database is known to be away."""
        if not self._owes:
            return
        async with self._handing:
            if not self._journal.size_bytes:  # another one handed it over meanwhile
                return
            self._journal.seal()
            for segment in self._journal.sealed:
                for place, line in enumerate(self._journal.read(segment)):
                    if place >= self._handed:
                        await self._hand(line)
                        self._handed = place + 1
                self._journal.drop(segment)
                self._handed = 0
            # Meanwhile nothing new was owed, or else it stands in a file of its own by now.
            self._owes = self._journal.size_bytes > 0
        if not self._owes:
            log.info("the database has all that was said while it was away")

    async def _hand(self, line: bytes) -> None:
        try:
            entry = _decoder.decode(line)
        except msgspec.DecodeError as error:
            log.error("an entry of the journal cannot be read and is passed over", error=str(error))
            return
        try:
            match entry:
                case _Create(conversation):
                    await self._store.create(conversation)
                case _Append():
                    await self._store.append(
                        entry.conversation,
                        entry.user,
                        [each.message() for each in entry.messages],
                        entry.now,
                        after=Place.START if entry.after is None else entry.after,
                        model=entry.model,
                        follows=entry.follows,
                        replaces=entry.replaces,
                    )
        except Conflict:
            pass  # the database has it
        except NotFound as error:
            log.info("what was said has no place any more", error=error.message)

    # --- reading ---

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        try:
            await self._settled()
            thread = await self._store.get(conversation, user)
        except StorageAway:
            known = self._known.get(conversation)
            if known is None or known.conversation.user != user:
                raise
            return known
        self._remember(thread)
        return thread

    async def list(
        self, user: UserId, *, limit: int, cursor: str | None = None, where: ConversationFilter = EVERY
    ) -> ConversationPage:
        await self._settled()
        return await self._store.list(user, limit=limit, cursor=cursor, where=where)

    async def search(self, user: UserId, text: str, *, limit: int, cursor: str | None = None) -> SearchPage:
        await self._settled()
        return await self._store.search(user, text, limit=limit, cursor=cursor)

    async def take_in(self, conversation: Conversation, messages: Sequence[StoredMessage]) -> int:
        await self._settled()
        self._known.pop(conversation.id, None)
        return await self._store.take_in(conversation, messages)

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        await self._settled()
        changed = await self._store.change(conversation, user, change, now)
        known = self._known.get(conversation)
        if known is not None:
            self._known[conversation] = Thread(changed, known.messages)
        return changed

    async def delete_messages(
        self, conversation: ConversationId, user: UserId, root: MessageId
    ) -> tuple[Conversation, frozenset[MessageId]]:
        await self._settled()
        self._known.pop(conversation, None)
        return await self._store.delete_messages(conversation, user, root)

    async def delete(self, conversation: ConversationId, user: UserId) -> None:
        await self._settled()
        await self._store.delete(conversation, user)
        self._known.pop(conversation, None)

    def _remember(self, thread: Thread) -> None:
        about = thread.conversation.id
        self._known.pop(about, None)
        if sum(_size(each.message) for each in thread.messages) > _LONGEST:  # costs less than reading it did
            return
        self._known[about] = thread
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)


def _size(message: Message) -> int:
    """About the bytes that it takes in memory."""
    return len(message.text) + sum(
        len(part.data_b64) for part in message.parts if isinstance(part, ImagePart | AudioPart)
    )


def in_a_row(
    conversation: ConversationId, messages: Sequence[NewMessage], now: float, *, parent: MessageId | None, last: int
) -> tuple[StoredMessage, ...]:
    """``messages`` one behind the other and behind ``parent``, numbered from ``last`` on, which is not theirs."""
    parents = [parent, *(each.id for each in messages)]
    return tuple(
        StoredMessage(conversation, last + place + 1, parents[place], now, each) for place, each in enumerate(messages)
    )


def longer(
    thread: Thread,
    stored: Sequence[StoredMessage],
    now: float,
    model: str,
    *,
    follows: bool,
    replaces: MessageId | None,
) -> Thread:
    """As the database makes of it (`ConversationStore.append`)."""
    about = thread.conversation
    followed = {each.parent for each in thread.messages}
    kept = [each for each in thread.messages if each.id != replaces or each.id in followed]
    leads = not follows or about.leaf is None or about.leaf in (stored[0].parent, replaces)
    about = msgspec.structs.replace(
        about,
        messages=about.messages + len(stored) - (len(thread.messages) - len(kept)),
        updated_s=now,
        model=model or about.model,
        leaf=stored[-1].id if leads else about.leaf,
    )
    return Thread(about, (*kept, *stored))
