"""What the rest may ask of a blob store. Every implementation passes tests/contract/blobs.

A blob's name is the SHA-256 of its bytes, so the same bytes are kept once, and what is read can be told from what was
kept. Who may see a blob, and who still needs it, is not known here: that stands in the database.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol

import msgspec

from potluck.core.errors import BadRequest
from potluck.storage.records import Digest

CHUNK_BYTES: Final = 1024 * 1024
"""About what is read and written at a time. A blob of any size takes no more memory than a few of these."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Blob(msgspec.Struct, frozen=True):
    """Bytes that are kept."""

    digest: Digest
    size_bytes: int


class Spooled(msgspec.Struct, frozen=True):
    """A whole blob in a file of this machine, on disk. Whoever moves the file away owns it."""

    blob: Blob
    file: Path


class Listed(msgspec.Struct, frozen=True):
    """A blob in a listing. ``kept_s`` is when it was last put, in Unix seconds on the store's clock."""

    digest: Digest
    size_bytes: int
    kept_s: float


class BlobStore(Protocol):
    """Raises `StorageAway` where its server does not answer, `NoRoom` where its disk is full."""

    async def look(self) -> None:
        """Raise what a `put` would raise now, if that can be known without one."""
        ...

    def spooled(self, chunks: AsyncIterable[bytes], *, most_bytes: int) -> AbstractAsyncContextManager[Spooled]:
        """All of ``chunks`` in a file that is gone at the end of the block, unless it was moved away meanwhile.

        Raises `PayloadTooLarge` as soon as there are more than ``most_bytes``, and whatever ``chunks`` raises.
        """
        ...

    async def add(self, whole: Spooled) -> None:
        """Keep what was `spooled` here, on disk when this returns. Again what is kept already: harmless."""
        ...

    async def put(self, chunks: AsyncIterable[bytes], *, most_bytes: int) -> Blob:
        """Both at once: keep all of ``chunks``; of a `put` that fails nothing is left. Raises as `spooled`."""
        ...

    async def size(self, digest: Digest) -> int:
        """Bytes. Raises `NotFound`."""
        ...

    def read(self, digest: Digest, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start`` up to ``end``, or to the blob's own end if that comes first. Raises `NotFound`."""
        ...

    async def delete(self, digest: Digest) -> None:
        """Forget the bytes; harmless if they are not there."""
        ...

    async def link(self, digest: Digest, within_s: float) -> str | None:
        """A URL under which anybody gets the bytes for ``within_s`` seconds, None where a store has no such thing."""
        ...

    def all(self) -> AsyncGenerator[Listed, None]:
        """Every blob, in no order. One that is put or deleted meanwhile may come or not; what is no blob does not."""
        ...


def is_digest(text: str) -> bool:
    return _DIGEST.match(text) is not None


def digest_of(text: str) -> Digest:
    """A digest from outside. Raises `BadRequest` for anything else: it becomes part of a path."""
    if not is_digest(text):
        raise BadRequest("This is not the name of a stored file.", hint="It has 64 hexadecimal digits.")
    return Digest(text)


def key_of(digest: Digest) -> str:
    """Where a blob lies in its store: folders of a 256th each, which stay small."""
    return f"{digest[:2]}/{digest_of(digest)}"
