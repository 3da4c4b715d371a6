"""Kept bytes on their way out: whole or a range, as a browser may have them without harm to anybody."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import formatdate

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from potluck.core.files import disposition
from potluck.gateway.files import Files
from potluck.storage.records import FileRecord
from potluck.wire.ranges import matches, read_range

# What a file says is its uploader's, and is shown to others under our name: nothing in it may run, nor load anything.
HARMLESS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Content:
    """An answer of kept bytes. ``chunks`` is None where only the head goes out."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None] | None = None

    async def send(self, send: Send) -> None:
        """A client that leaves cancels this; bytes that the store fails to give cut the connection."""
        head = [(name.encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        if self.chunks is not None:
            async with aclosing(self.chunks) as chunks:
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class ContentResponse(Response):
    """The same, as Starlette's routes return it."""

    def __init__(self, content: Content) -> None:
        self.status_code = content.status
        self._content = content
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._content.send(send)


async def content_of(files: Files, record: FileRecord, method: str, asked: Mapping[bytes, bytes]) -> Content:
    """What to answer to a GET or HEAD with the headers ``asked``. The first bytes have been read when this returns.

    Raises `RangeNotSatisfiable`, `StorageAway`.
    """
    etag = f'"{record.digest}"'
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "last-modified": formatdate(record.created_s, usegmt=True),
        **HARMLESS,
    }
    if (known := asked.get(b"if-none-match")) is not None and matches(known.decode("latin-1"), etag):
        return Content(304, headers)
    wanted = None
    if asked.get(b"if-range", etag.encode()) == etag.encode():
        wanted = read_range(asked.get(b"range", b"").decode("latin-1"), record.size_bytes)
    start, end = wanted or (0, record.size_bytes)
    headers |= {
        "content-type": f"{record.media_type}; charset=utf-8"
        if record.media_type == "text/plain"
        else record.media_type,
        "content-disposition": disposition(record.name, record.media_type),
        "content-length": str(end - start),
        "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(record.digest)).decode()}:",
    }
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{record.size_bytes}"
    chunks = await files.read(record, start, end) if method != "HEAD" else None
    return Content(206 if wanted is not None else 200, headers, chunks)
