"""One file from the web onto disk: begun where it was left, tried again when the line breaks, checked at the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

from potluck.backends.local.gguf import Gguf, NotGguf, read
from potluck.backends.local.hub import Offer, refused
from potluck.backends.local.part import Note, Part, check_room, disk_error
from potluck.backends.outward import Answer, Ask, Outward
from potluck.core.errors import BadRequest, NodeFailed, NodeTimeout, NodeUnreachable
from potluck.core.model_sources import read_sha256

log = structlog.get_logger(__name__)

_PIECE_BYTES = 1 << 20
# Between two looks at the disk while the file comes, for other programs write to it too; and what a power cut may cost.
_LOOK_BYTES = 32 << 20
_MAGIC = b"GGUF"

# A line that comes back within half a minute costs nothing but the pauses; one that brought new bytes starts counting
# anew, so a poor line is slow and not hopeless.
_TRIES = 5
_FIRST_PAUSE_S = 1.0

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_HEX_ETAG = re.compile(r'"?([0-9a-f]{64})"?')


@dataclass(frozen=True, slots=True)
class Sample:
    """So much is here now. ``total`` 0: the server does not tell."""

    completed: int
    total: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The line broke; it is tried again in so many seconds."""

    seconds: float


Progress: TypeAlias = Sample | Waiting


@dataclass(slots=True)
class Fetched:
    """What became of a download: filled in while it goes."""

    size: int | None = None
    linked_sha256: str = ""
    validator: str = ""
    facts: Gguf | None = None


class Download:
    """``free`` says what is free on a folder's disk; ``pause`` waits some seconds before another try."""

    def __init__(
        self,
        outward: Outward,
        *,
        free: Callable[[Path], int],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._outward = outward
        self._free = free
        self._pause = pause

    async def fetch(self, offer: Offer, part: Part, fetched: Fetched, *, inside: bool) -> AsyncGenerator[Progress]:
        """Get the whole file into ``part``, open and noted in ``fetched``. Whoever stops here can go on later.

        Raises `NoRoom` before the first byte and later, `ModelNotFound`, `BadRequest`, `Forbidden`, `NodeError`.
        """
        await asyncio.to_thread(part.open)
        tries = 0
        while True:
            before = part.size
            try:
                async with aclosing(self._attempt(offer, part, fetched, inside=inside)) as samples:
                    async for sample in samples:
                        yield sample
                return
            except (NodeUnreachable, NodeTimeout) as error:
                tries = 1 if part.size > before else tries + 1
                if tries >= _TRIES:
                    raise
                log.info("download broke off; going on", model=offer.name, here=part.size, why=error.message)
            pause_s = _FIRST_PAUSE_S * 2 ** (tries - 1)
            yield Waiting(pause_s)
            await self._pause(pause_s)

    async def _attempt(self, offer: Offer, part: Part, fetched: Fetched, *, inside: bool) -> AsyncGenerator[Sample]:
        """1. Ask for the rest. 2. See what comes. 3. See that there is room. 4. Take it."""
        note = part.note
        resumed = part.size > 0 and bool(note.validator)
        headers = {"range": f"bytes={part.size}-", "if-range": note.validator} if resumed else {}
        ask = Ask(offer.url, inside=inside or offer.trusted, headers=headers, secret=offer.secret or {})
        async with self._outward.get(ask) as answer:
            if answer.status == 416 and _range(answer)[1] in (None, part.size) and note.size == part.size:
                fetched.size, fetched.validator = note.size, note.validator
                return
            if answer.status == 416:
                await asyncio.to_thread(part.begin, Note(part.url))
                raise NodeUnreachable("The file on the server is not what it was.")
            if answer.status not in (200, 206):
                raise refused(answer.status, offer.name, hub=offer.trusted)
            await self._settle_start(answer, offer, part, fetched)
            total = fetched.size
            await self._see_room(part, total)
            yield Sample(part.size, total or 0)
            async with aclosing(self._take(answer, part, total)) as samples:
                async for sample in samples:
                    yield sample
        if total is not None and part.size != total:
            raise NodeUnreachable("The download broke off.", hint="Pull again: what is here is kept.")

    async def _settle_start(self, answer: Answer, offer: Offer, part: Part, fetched: Fetched) -> None:
        """Either the rest of what is here, or the whole file anew."""
        note = part.note
        if answer.headers.get("content-encoding", "identity") not in ("identity", ""):
            raise NodeFailed("The server sends the file packed, which cannot be checked.")
        fetched.linked_sha256 = _linked(answer) or fetched.linked_sha256
        fetched.validator = _validator(answer)
        start, total = _range(answer)
        if answer.status == 206:
            if start != part.size:
                raise NodeFailed("The server sends another part of the file than it was asked for.")
            if fetched.validator not in ("", note.validator) or note.size not in (None, total):
                # It should have sent the whole new file, but there are servers that overlook If-Range.
                await asyncio.to_thread(part.begin, Note(part.url))
                raise NodeUnreachable("The file on the server is not what it was.")
            fetched.size, fetched.validator = total, note.validator
            return
        length = answer.headers.get("content-length", "")
        fetched.size = int(length) if length.isdecimal() else None
        await asyncio.to_thread(part.begin, Note(part.url, fetched.validator, fetched.size))

    async def _take(self, answer: Answer, part: Part, total: int | None) -> AsyncGenerator[Sample]:
        looked = part.size
        async for piece in answer.pieces(_PIECE_BYTES):
            await asyncio.to_thread(part.append, piece)
            if part.size - len(piece) < len(_MAGIC) and not part.starts_like(_MAGIC):
                await asyncio.to_thread(part.drop)
                raise BadRequest("What lies there is not a GGUF file.", param="model")
            if total is not None and part.size > total:
                await asyncio.to_thread(part.drop)
                raise NodeFailed("The server sends more than it said.")
            if part.size - looked >= _LOOK_BYTES:
                looked = part.size
                await asyncio.to_thread(part.secure)
                await self._see_room(part, total)
            yield Sample(part.size, total or 0)

    async def _see_room(self, part: Part, total: int | None) -> None:
        try:
            free = await asyncio.to_thread(self._free, part.folder)
        except OSError as error:
            raise disk_error(error) from error
        # Of a file whose size nobody tells, as much may come as the disk holds.
        check_room(max(0, (total or part.size) - part.size), free)


async def checked(offer: Offer, part: Part, fetched: Fetched, wanted_sha256: str) -> Gguf:
    """What the whole file says of itself, if it is what it should be; else it is dropped.

    Raises `NodeFailed` for a wrong checksum, `BadRequest` for a file that is no model.
    """
    expected = {digest for digest in (wanted_sha256, offer.sha256, fetched.linked_sha256) if digest}
    if expected - {part.sha256}:
        await asyncio.to_thread(part.drop)
        raise NodeFailed(
            "What came does not have the SHA-256 that it should have, and was thrown away.",
            hint="Pull again; if it stays so, its source is not what it says.",
            detail=f"wanted {', '.join(sorted(expected))}, got {part.sha256}",
        )
    try:
        return await asyncio.to_thread(read, part.path)
    except NotGguf as error:
        await asyncio.to_thread(part.drop)
        raise BadRequest(f"What lies there is not a GGUF file that can be used. {error}", param="model") from error


def _validator(answer: Answer) -> str:
    """What tells that the file is still the same: a strong ETag, else the time of its last change."""
    etag = answer.headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("last-modified", "")


def _linked(answer: Answer) -> str:
    """The hub says a file's SHA-256 in the redirect to where it lies (``x-linked-etag``)."""
    found = _HEX_ETAG.fullmatch(answer.headers.get("x-linked-etag", ""))
    return read_sha256(found[1]) if found else ""


def _range(answer: Answer) -> tuple[int | None, int | None]:
    """First byte and whole length of a partial answer, or of none (``bytes */1000``)."""
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if found is None:
        return None, None
    return None if found[1] is None else int(found[1]), None if found[3] == "*" else int(found[3])
