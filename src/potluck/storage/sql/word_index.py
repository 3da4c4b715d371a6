"""The words of messages, in tables and in each database's own full text search over them (`Traits.has_words`)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, and_, delete, select, true

from potluck.core.searching import Term, words_of
from potluck.storage.records import ConversationId, MessageId
from potluck.storage.sql.content import fold
from potluck.storage.sql.database import Traits
from potluck.storage.sql.schema import message_words, messages

INDEX_TABLES = "message_fts"
"""What the names of tables begin with that SQLite makes for its index: nobody else's, and made anew wherever it is."""


def note_words(
    connection: Connection, traits: Traits, conversation: ConversationId, said: Iterable[tuple[MessageId, str]]
) -> None:
    """Let messages be found. Of two whose numbers are the same, by a chance of one in 2^63, the second is not."""
    rows = [
        {
            "id": number_of(message),
            "conversation_id": conversation,
            "message_id": message,
            "words": " ".join(words_of(fold(text))),
        }
        for message, text in said
    ]
    connection.execute(traits.insert_new(message_words), rows)


def forget_words(connection: Connection, gone: Collection[MessageId]) -> None:
    """``gone`` are as many as a statement takes."""
    connection.execute(delete(message_words).where(message_words.c.id.in_([number_of(each) for each in gone])))


def number_of(message: str) -> int:
    """A message's key in the index: 63 bits of its id's digest."""
    return int.from_bytes(hashlib.sha256(message.encode()).digest()[:8]) >> 1


def containing(traits: Traits, terms: Collection[Term], *, scan: bool) -> ColumnElement[bool]:
    """That a row of ``messages`` has all terms: by the index, or with ``scan`` by looking at each text, which finds
    what stands inside of words, too."""
    words = [word for term in terms for word in term.words]
    literal = [messages.c.folded.contains(term.text, autoescape=True) for term in terms if scan or term.exact]
    if scan or not words:
        return and_(true(), *literal)
    found = select(message_words.c.message_id).where(traits.has_words(words))
    return and_(messages.c.id.in_(found), *literal)
