"""Pages of conversations, the newest first, listed or searched."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from potluck.core.errors import BadRequest
from potluck.core.model import UserId
from potluck.core.searching import Term, snippet
from potluck.storage.records import Conversation, SearchHit, SearchPage, StoredMessage
from potluck.storage.sql.conversation_rows import conversation_of, message_of
from potluck.storage.sql.database import Traits
from potluck.storage.sql.schema import conversations, messages
from potluck.storage.sql.word_index import containing

_NEWEST_FIRST = (conversations.c.updated_s.desc(), conversations.c.id.desc())


def page_of(user: UserId, limit: int, cursor: str | None) -> Select[Any]:
    """One more than a page, by which it is known whether others follow. Raises `BadRequest`."""
    statement = select(conversations).where(conversations.c.user_id == user).order_by(*_NEWEST_FIRST).limit(limit + 1)
    if cursor is None:
        return statement
    updated_s, last = _read_cursor(cursor)
    before = conversations.c.updated_s < updated_s
    same = and_(conversations.c.updated_s == updated_s, conversations.c.id < last)
    return statement.where(or_(before, same))


def next_of(found: Sequence[Conversation], limit: int) -> str | None:
    """The cursor behind a page, if something follows."""
    return _cursor(found[limit - 1]) if len(found) > limit else None


def search(
    connection: Connection, traits: Traits, user: UserId, terms: tuple[Term, ...], *, limit: int, cursor: str | None
) -> SearchPage:
    """By the index; if that knows nothing at all, by looking at each text of the user's."""
    page = _search(connection, traits, user, terms, limit, cursor, scan=False)
    if page.hits or cursor is not None:
        return page
    return _search(connection, traits, user, terms, limit, cursor, scan=True)


def _search(
    connection: Connection,
    traits: Traits,
    user: UserId,
    terms: tuple[Term, ...],
    limit: int,
    cursor: str | None,
    *,
    scan: bool,
) -> SearchPage:
    matching = containing(traits, terms, scan=scan)
    titled = and_(*(conversations.c.title_folded.contains(term.text, autoescape=True) for term in terms))
    here = messages.c.conversation_id == conversations.c.id
    # With the index, those that have it are few; without it, each conversation's texts are looked at until one has it.
    inside = (
        select(messages.c.id).where(here, matching).exists()
        if scan
        else conversations.c.id.in_(select(messages.c.conversation_id).where(matching))
    )
    found = page_of(user, limit, cursor).where(or_(titled, inside))
    hits = [conversation_of(row) for row in connection.execute(found)]
    newest = (
        select(messages.c.conversation_id, func.max(messages.c.seq).label("seq"))
        .where(messages.c.conversation_id.in_([hit.id for hit in hits[:limit]]), matching)
        .group_by(messages.c.conversation_id)
        .subquery()
    )
    joined = and_(messages.c.conversation_id == newest.c.conversation_id, messages.c.seq == newest.c.seq)
    rows = connection.execute(select(messages).join(newest, joined))
    by_conversation = {row.conversation_id: message_of(row) for row in rows}
    shown = tuple(_hit(each, by_conversation.get(each.id), terms) for each in hits[:limit])
    return SearchPage(shown, next_of(hits, limit))


def _hit(conversation: Conversation, found: StoredMessage | None, terms: tuple[Term, ...]) -> SearchHit:
    text = found.message.text if found is not None else conversation.title
    return SearchHit(conversation, found.id if found is not None else None, snippet(text, terms))


def _cursor(last: Conversation) -> str:
    """Where a page ended, opaque to clients: the time exactly, in hexadecimal, and the id."""
    return base64.urlsafe_b64encode(f"{last.updated_s.hex()} {last.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        time, _, last = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(" ")
        return float.fromhex(time), last
    except (binascii.Error, UnicodeError, ValueError, OverflowError) as error:
        raise BadRequest("This cursor is not one of ours.", param="cursor", hint="Begin without one.") from error
