"""``/api/v1/audit``: what happened to people, keys and machines. For owners and admins."""

from __future__ import annotations

from typing import Annotated

import msgspec

from potluck.core.audit import Entry, Fact, Head, read_head
from potluck.core.errors import BadRequest
from potluck.storage.records import AuditFilter
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339

MOST = 1000
"""Entries of one page."""


class AuditQuery(msgspec.Struct):
    """Newest first, those before entry ``before``; or, with ``after``, oldest first from the one behind that, for who
    verifies. ``event`` may be the beginning of one (``key.``), ``user`` the id of who did it."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 100
    before: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    event: str = ""
    user: str = ""


class AuditEntry(msgspec.Struct):
    """``at`` is ``time_ms`` for people. ``user`` is who did it, ``name`` what that one was called then, ``key`` the
    beginning of the key that was shown. docs/guides/audit.md says how ``hash`` is made."""

    seq: int
    at: str
    time_ms: int
    id: str
    event: str
    user: str
    name: str
    key: str
    address: str
    subject: str
    detail: dict[str, str | int]
    previous: str
    hash: str


class AuditList(msgspec.Struct):
    """``head`` is the end of the chain, ``anchor`` what this gateway noted of it beside the database; both as
    ``number:hash``, empty for none."""

    entries: list[AuditEntry]
    head: str
    anchor: str


async def list_entries(exchange: Exchange, query: AuditQuery) -> Reply:
    store, audit = exchange.services.storage.audit, exchange.services.audit
    if query.after is not None:
        if query.before is not None or query.event or query.user:
            raise BadRequest("With 'after' nothing else is chosen: the chain has no gaps.", param="after")
        entries = await store.page(after=query.after, limit=query.limit)
    else:
        where = AuditFilter(query.event or None, query.user or None, before=query.before)
        entries = await store.recent(limit=query.limit, where=where)
    noted = audit.anchor()
    listed = [audit_entry(entry) for entry in entries]
    return Reply(AuditList(listed, shown_head(await store.head()), shown_head(noted) if noted is not None else ""))


def shown_head(head: Head) -> str:
    return str(head) if head.seq else ""


def anchor_of(text: str) -> Head | None:
    """The other way round. Raises `BadRequest`."""
    return read_head(text) if text else None


def audit_entry(entry: Entry) -> AuditEntry:
    fact = entry.fact
    return AuditEntry(
        entry.seq,
        _shown_time(entry.time_ms),
        entry.time_ms,
        entry.id,
        str(fact.event),
        fact.actor,
        fact.name,
        fact.key,
        fact.address,
        fact.subject,
        dict(fact.detail),
        entry.previous,
        entry.hash,
    )


def _shown_time(time_ms: int) -> str:
    try:
        return rfc3339(time_ms / 1000)
    except (ValueError, OverflowError, OSError):  # no time at all: somebody changed the entry
        return ""


def core_entry(told: AuditEntry) -> Entry:
    """The entry again, from what was told of it, to verify it."""
    fact = Fact(told.event, told.user, told.name, told.key, told.address, told.subject, told.detail)
    return Entry(told.seq, told.time_ms, told.id, fact, told.previous, told.hash)
