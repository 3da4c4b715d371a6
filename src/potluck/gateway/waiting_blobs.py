"""Blobs of our own making that wait on this machine until their store answers again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec
import structlog

from potluck.core.errors import NotFound, OperatorError, PotluckError
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.port import Blob, BlobStore, Spooled
from potluck.storage.file_ports import FileStore
from potluck.storage.records import Digest

log = structlog.get_logger(__name__)

# How soon, and at last how seldom, a store that is away is tried again.
RETRY_FIRST_S = 2.0
RETRY_MOST_S = 60.0
# No file is larger than its own disk; the bound is `Files.most_bytes` of when it came.
_ANY_SIZE = 1 << 62


class Waiting(msgspec.Struct, frozen=True):
    """How it stands. ``moved`` counts those that were brought to the store since the start."""

    blobs: int = 0
    bytes: int = 0
    moved: int = 0


class WaitingBlobs:
    """Owns the folder of ``local``, and the list of what is in it: few look-ups need a disk."""

    def __init__(self, local: DiskBlobs, remote: BlobStore, store: FileStore, clock: Callable[[], float]) -> None:
        self._local = local
        self._remote = remote
        self._store = store
        self._clock = clock
        self._waiting: dict[Digest, int] = {}
        self._moved = 0
        self._some = asyncio.Event()

    async def restore(self) -> None:
        """Find what an earlier run left."""
        async for each in self._local.all():
            self._waiting[each.digest] = each.size_bytes
        if self._waiting:
            self._some.set()

    def standing(self) -> Waiting:
        return Waiting(len(self._waiting), sum(self._waiting.values()), self._moved)

    def has(self, digest: Digest) -> bool:
        return digest in self._waiting

    async def add(self, whole: Spooled) -> None:
        """Take in what could not be brought to the store. Raises `NoRoom`."""
        await self._local.add(whole)
        self._waiting[whole.blob.digest] = whole.blob.size_bytes
        self._some.set()

    def read(self, digest: Digest, start: int, end: int) -> AsyncGenerator[bytes, None]:
        return self._local.read(digest, start, end)

    async def moving(self) -> None:
        """Bring what waits to the store as soon as it answers; for ever."""
        pause_s = RETRY_FIRST_S
        while True:
            await self._some.wait()
            try:
                await self.move()
            except PotluckError as error:
                log.warning("files wait for their store", why=error.message, **_told(self.standing()))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MOST_S)
            else:
                pause_s = RETRY_FIRST_S

    async def move(self) -> int:
        """Bring all that waits to the store; how many it was. Raises `StorageAway` and `OperatorError`."""
        before = self._moved
        for digest in list(self._waiting):
            await self._move(digest)
            self._moved += 1
        self._some.clear()
        if self._waiting:  # came meanwhile
            self._some.set()
        if self._moved > before:
            log.info("files that waited are in their store", blobs=self._moved - before)
        return self._moved - before

    async def _move(self, digest: Digest) -> None:
        try:
            blob = await self._remote.put(self._local.read(digest), most_bytes=_ANY_SIZE)
        except NotFound:  # somebody tidied the folder
            self._waiting.pop(digest, None)
            raise OperatorError("A file that waited for its store is gone from this machine.", detail=digest) from None
        if blob != Blob(digest, blob.size_bytes):
            self._waiting.pop(digest, None)
            raise OperatorError("A file that waited for its store is damaged.", hint="Look at its disk.", detail=digest)
        # In this order: whoever reads meanwhile finds it here or there. What was deleted meanwhile is rubbish there.
        await self._store.adopt([(digest, blob.size_bytes)], self._clock())
        await self._store.stored(digest, self._clock())
        self._waiting.pop(digest, None)
        await self._local.delete(digest)


def _told(standing: Waiting) -> dict[str, int]:
    return {"blobs": standing.blobs, "bytes": standing.bytes}
