"""Blobs in a folder of this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import islice
from pathlib import Path

from potluck.core.errors import NotFound
from potluck.storage.blobs.port import CHUNK_BYTES, Blob, Listed, Spooled, is_digest, key_of
from potluck.storage.blobs.spool import INCOMING, disk_errors, spooled
from potluck.storage.records import Digest

_LISTED_AT_ONCE = 500


class DiskBlobs:
    """See `potluck.storage.blobs.port.BlobStore`. ``folder`` is made when it is first needed, for its owner's eyes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def look(self) -> None:
        """A disk answers, or the next `put` says why not."""

    def spooled(self, chunks: AsyncIterable[bytes], *, most_bytes: int) -> AbstractAsyncContextManager[Spooled]:
        return spooled(chunks, self._folder / INCOMING, most_bytes=most_bytes)

    async def add(self, whole: Spooled) -> None:
        await asyncio.to_thread(self._keep, whole)

    async def put(self, chunks: AsyncIterable[bytes], *, most_bytes: int) -> Blob:
        async with self.spooled(chunks, most_bytes=most_bytes) as whole:
            await self.add(whole)
        return whole.blob

    def _keep(self, whole: Spooled) -> None:
        place = self._place(whole.blob.digest)
        with disk_errors():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Also over one that is there: it is the same, and counts as put now.
            whole.file.replace(place)
            for folder in (place.parent, place.parent.parent):  # or a power cut forgets the name
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    async def size(self, digest: Digest) -> int:
        try:
            return (await asyncio.to_thread(self._place(digest).stat)).st_size
        except FileNotFoundError:
            raise _missing() from None

    async def read(self, digest: Digest, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        try:
            file = await asyncio.to_thread(self._place(digest).open, "rb")
        except FileNotFoundError:
            raise _missing() from None
        with file:
            file.seek(start)
            left = None if end is None else max(0, end - start)
            while left is None or left > 0:
                chunk = await asyncio.to_thread(file.read, CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk

    async def delete(self, digest: Digest) -> None:
        await asyncio.to_thread(self._place(digest).unlink, missing_ok=True)

    async def link(self, digest: Digest, within_s: float) -> str | None:
        return None

    async def all(self) -> AsyncGenerator[Listed, None]:
        found = self._found()
        while some := await asyncio.to_thread(lambda: list(islice(found, _LISTED_AT_ONCE))):
            for each in some:
                yield each

    def _found(self) -> Iterator[Listed]:
        for file in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            try:
                status = file.stat()
            except FileNotFoundError:  # deleted meanwhile
                continue
            if is_digest(file.name):
                yield Listed(Digest(file.name), status.st_size, status.st_mtime)

    def _place(self, digest: Digest) -> Path:
        return self._folder / key_of(digest)


def _missing() -> NotFound:
    return NotFound("This file is not stored here.", hint="It may have been deleted.")
