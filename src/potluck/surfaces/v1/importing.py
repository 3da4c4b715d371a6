"""``/api/v1/conversations/import``: conversations from elsewhere, each once however often it comes."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator

from potluck.core.call import Message, TextPart
from potluck.core.errors import Conflict
from potluck.core.model import ModelId, UserId
from potluck.storage.conversation_records import Titled
from potluck.storage.records import Conversation, ConversationId, MessageId, NewMessage, StoredMessage
from potluck.surfaces.uploads import Upload
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.portal_shapes import ImportQuery, ImportReport, ImportSkipped, LeftOut
from potluck.wire.imports import own
from potluck.wire.imports.port import ForeignThread, Unreadable
from potluck.wire.imports.reading import MOST_BYTES, conversations_of, read

# Of those that were not taken, so many are named.
_MOST_NAMED = 100
_TITLE_CHARS = 200


async def import_conversations(exchange: Exchange, upload: Upload, query: ImportQuery) -> Reply:
    """One by one: what was taken before something breaks stays, and is known when the file comes again."""
    content = b"".join([chunk async for chunk in upload.chunks(MOST_BYTES)])
    # A large file takes seconds to read, and others are waiting.
    found = await asyncio.to_thread(conversations_of, content)
    del content
    report, left_out = ImportReport(), Counter[str]()
    for raw in found:
        thread = await asyncio.to_thread(_read, bytes(raw))
        if isinstance(thread, Unreadable):
            report.skipped += 1
            if len(report.why) < _MOST_NAMED:
                report.why.append(ImportSkipped(thread.title, thread.why))
            continue
        left_out.update(thread.left_out)
        new = await _take_in(exchange, thread)
        report.messages += new
        if new:
            report.conversations += 1
        else:
            report.known += 1
    report.left_out = [LeftOut(what, count) for what, count in left_out.most_common() if count]
    return Reply(report)


def _read(raw: bytes) -> ForeignThread | Unreadable:
    try:
        return read(raw)
    except Unreadable as unreadable:
        return unreadable


async def _take_in(exchange: Exchange, thread: ForeignThread) -> int:
    """How many of its messages are new here. Our own come back under the ids that they had, unless somebody else has
    those here."""
    store, user = exchange.services.storage.conversations, exchange.caller.user
    for as_it_was in (True, False) if thread.source == own.SOURCE else (False,):
        conversation, messages = _kept(thread, user, as_it_was=as_it_was)
        try:
            new = await store.take_in(conversation, messages)
        except Conflict:
            if not as_it_was:
                raise
        else:
            if new:
                exchange.services.announcements.conversation(user, conversation.id)
            return new
    raise AssertionError("the second way ends it")


def _kept(thread: ForeignThread, user: UserId, *, as_it_was: bool) -> tuple[Conversation, list[StoredMessage]]:
    def named(*what: str) -> str:
        """The same for the same user and the same thing, however often it comes."""
        told = "\0".join((user, thread.source, thread.id, *what))
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]

    conversation = ConversationId(thread.id if as_it_was else named())
    ids = {each.id: MessageId(each.id if as_it_was else named(each.id)) for each in thread.messages}
    created_s = thread.created_s or 1.0
    about = Conversation(
        conversation,
        user,
        " ".join(thread.title.split())[:_TITLE_CHARS] or "Conversation",
        created_s,
        thread.updated_s or created_s,
        thread.model,
        leaf=ids[thread.leaf] if thread.leaf is not None else ids[thread.messages[-1].id],
        pinned_s=thread.updated_s or created_s if thread.pinned else None,
        archived_s=thread.updated_s or created_s if thread.archived else None,
        tags=thread.tags,
        system=thread.system,
        titled=Titled.PERSON if thread.title.strip() else Titled.WORDS,
    )
    return about, list(_messages(thread, conversation, ids, created_s))


def _messages(
    thread: ForeignThread, conversation: ConversationId, ids: dict[str, MessageId], created_s: float
) -> Iterator[StoredMessage]:
    for seq, each in enumerate(thread.messages, start=1):
        message = Message(each.role, (TextPart(each.text),) if each.text else (), reasoning=each.reasoning)
        new = NewMessage(ids[each.id], message, model=ModelId(each.model) if each.model else None)
        parent = ids[each.parent] if each.parent is not None else None
        yield StoredMessage(conversation, seq, parent, each.created_s or created_s, new)
