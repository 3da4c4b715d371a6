"""``/api/v1/conversations/export``: conversations to take along, one or all, as JSON or Markdown."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec

from potluck.core.call import Role
from potluck.core.errors import NotFound
from potluck.core.files import checked_file_name, disposition
from potluck.storage.records import Conversation, ConversationId, StoredMessage, Thread
from potluck.surfaces.contents import HARMLESS, Content
from potluck.surfaces.v1.conversations import shown_of, thread_info
from potluck.surfaces.v1.exchange import Exchange
from potluck.surfaces.v1.portal_shapes import ExportOneQuery, ExportQuery
from potluck.surfaces.v1.shapes import rfc3339
from potluck.surfaces.v1.zip_outlet import ZipOutlet
from potluck.wire.imports.own import FORMAT

_PAGE = 100
_NAMES = {Role.USER: "You", Role.SYSTEM: "System", Role.ASSISTANT: "Answer", Role.TOOL: "Tool"}
# A ZIP knows no time before.
_EARLIEST = (1980, 1, 1, 0, 0, 0)


async def export_one(exchange: Exchange, query: ExportOneQuery) -> Content:
    """JSON has every branch unless one is asked for; Markdown the one that is shown."""
    conversation = ConversationId(exchange.path["conversation"])
    thread = await exchange.services.storage.conversations.get(conversation, exchange.caller.user)
    if query.format == "markdown":
        text = as_markdown(thread, shown_of(thread, query.branch or "active"))
        return _content(_once(text.encode()), f"{thread.conversation.title[:80]}.md", "text/markdown; charset=utf-8")
    whole = msgspec.json.encode(thread_info(thread, shown_of(thread, query.branch)))
    pieces = _json(exchange.services.clock(), _once(whole))
    return _content(pieces, f"{thread.conversation.title[:80]}.json", "application/json")


async def export_all(exchange: Exchange, query: ExportQuery) -> Content:
    """One by one, as they are sent: never more than one of them in memory."""
    day = datetime.fromtimestamp(exchange.services.clock(), UTC).date()
    if query.format == "markdown":
        return _content(_zipped(exchange), f"conversations-{day}.zip", "application/zip")
    pieces = _json(exchange.services.clock(), _each_as_json(exchange))
    return _content(pieces, f"conversations-{day}.json", "application/json")


def _content(chunks: AsyncGenerator[bytes, None], name: str, media_type: str) -> Content:
    headers = {
        "content-type": media_type,
        "content-disposition": disposition(checked_file_name(name), "application/octet-stream"),
        "cache-control": "no-store",
        **HARMLESS,
    }
    return Content(200, headers, chunks)


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _json(now: float, threads: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """As `potluck.wire.imports.own` reads it."""
    yield f'{{"format":"{FORMAT}","version":1,"exported_at":"{rfc3339(now)}","conversations":['.encode()
    first = True
    async for each in threads:
        yield each if first else b"," + each
        first = False
    yield b"]}"


async def _threads(exchange: Exchange) -> AsyncGenerator[Thread, None]:
    store, user = exchange.services.storage.conversations, exchange.caller.user
    cursor: str | None = None
    while True:
        page = await store.list(user, limit=_PAGE, cursor=cursor)
        for conversation in page.conversations:
            try:
                yield await store.get(conversation.id, user)
            except NotFound:  # deleted meanwhile
                continue
        cursor = page.next
        if cursor is None:
            return


async def _each_as_json(exchange: Exchange) -> AsyncGenerator[bytes, None]:
    async for thread in _threads(exchange):
        yield msgspec.json.encode(thread_info(thread, thread.messages))


async def _zipped(exchange: Exchange) -> AsyncGenerator[bytes, None]:
    outlet = ZipOutlet()
    archive = ZipFile(outlet, "w", ZIP_DEFLATED)  # type: ignore[call-overload]  # it needs no more than `write`
    async for thread in _threads(exchange):
        archive.writestr(_entry(thread.conversation), as_markdown(thread, thread.branch()))
        yield outlet.take()
    archive.close()
    yield outlet.take()


def _entry(conversation: Conversation) -> ZipInfo:
    """Two of one title are told apart by the end of the id."""
    changed = datetime.fromtimestamp(conversation.updated_s, UTC).timetuple()[:6]
    name = checked_file_name(f"{conversation.title[:80]} {conversation.id[-6:]}.md")
    entry = ZipInfo(name, max(_EARLIEST, changed))
    entry.compress_type = ZIP_DEFLATED
    return entry


def as_markdown(thread: Thread, branch: tuple[StoredMessage, ...]) -> str:
    """A branch as a document to read."""
    about = thread.conversation
    lines = [f"# {_line(about.title) or 'Conversation'}", ""]
    for each in branch:
        message = each.message
        by = f" ({each.new.model})" if each.new.model else ""
        lines += [f"## {_NAMES[message.role]}{by}", ""]
        lines += [f"*{_line(file.name)}*\n" for file in each.new.details.attachments]
        if message.reasoning:
            quoted = message.reasoning.strip().replace("\n", "\n> ")
            lines += [f"> {quoted}", ""]
        lines += [message.text.strip(), ""]
        if each.new.error:
            lines += [f"*{each.new.error}*", ""]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())
