"""Remove bytes that nobody refers to: first noted as unused, then, after a grace, removed one by one.

Any number of gateways and commands may do this at once, while files come and go (`storage.file_ports.FileStore`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from potluck.core.errors import PotluckError
from potluck.storage.blobs.port import BlobStore
from potluck.storage.file_ports import FileStore
from potluck.storage.records import Digest

log = structlog.get_logger(__name__)

EVERY_S = 3_600.0
GRACE_S = 3_600.0
"""How long bytes stay that nothing refers to: longer than any upload takes from its claim to its end."""
CLAIM_S = 86_400.0
"""After so long, an upload that never became a file is given up: its gateway has died."""
_AT_ONCE = 500


class Collected(msgspec.Struct, frozen=True):
    """What was done. ``strays`` lay in the store and were not known; they count as unused from now on."""

    given_up: int = 0
    strays: int = 0
    marked: int = 0
    removed: int = 0


async def collect(
    blobs: BlobStore,
    store: FileStore,
    clock: Callable[[], float],
    *,
    grace_s: float = GRACE_S,
    with_strays: bool = False,
) -> Collected:
    """One round. ``with_strays`` takes up what lies in the store without being known: that may be another
    installation's, so somebody must say so. Raises `StorageAway` and `OperatorError`; what was done is done."""
    now = clock()
    # 1. Files that are over, and uploads that nobody will end.
    given_up = await store.give_up(claimed_before_s=now - CLAIM_S, now=now)
    # 2. What a restored backup of the database does not know.
    strays = await _adopt_strays(blobs, store, clock, grace_s) if with_strays else 0
    # 3. What nothing refers to begins its grace.
    marked = await store.mark_unused(clock())
    # 4. What has been unused for long is removed; each is asked about once more, for it may be used again.
    removed = 0
    while digests := await store.unused(now - grace_s, clock(), limit=_AT_ONCE):
        for digest in digests:
            removed += await _remove(blobs, store, digest, clock)
        if len(digests) < _AT_ONCE:
            break
    return Collected(given_up, strays, marked, removed)


async def _adopt_strays(blobs: BlobStore, store: FileStore, clock: Callable[[], float], grace_s: float) -> int:
    strays, some = 0, list[tuple[Digest, int]]()
    async for each in blobs.all():
        # A claim stands before its bytes do, so what is new and unknown was put by others.
        if each.kept_s < clock() - grace_s:
            some.append((each.digest, each.size_bytes))
        if len(some) == _AT_ONCE:
            strays += await store.adopt(some, clock())
            some = []
    return strays + await store.adopt(some, clock())


async def _remove(blobs: BlobStore, store: FileStore, digest: Digest, clock: Callable[[], float]) -> bool:
    if not await store.begin_removal(digest, clock()):
        return False
    await blobs.delete(digest)
    await store.end_removal(digest)
    return True


async def collecting(blobs: BlobStore, store: FileStore, clock: Callable[[], float]) -> None:
    """A round each hour, for ever."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            done = await collect(blobs, store, clock)
        except PotluckError as error:
            log.warning("unused files were not removed", why=error.message, detail=error.detail)
        else:
            if done.removed or done.strays:
                log.info("unused files removed", **msgspec.structs.asdict(done))
