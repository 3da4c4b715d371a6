"""Copy blobs from one store into another: what is there is not copied again, and what was copied is read back."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, Callable, Sequence

import msgspec

from potluck.core.errors import NotFound, OperatorError
from potluck.storage.blobs.port import BlobStore
from potluck.storage.file_ports import FileStore
from potluck.storage.records import BlobRecord, Digest

_AT_ONCE = 500
# No blob is larger: it was kept before.
_ANY_SIZE = 1 << 62


class Copied(msgspec.Struct):
    """What was done. ``missing`` are digests that files refer to, and that no source has whole."""

    copied: int = 0
    copied_bytes: int = 0
    there: int = 0
    missing: list[str] = []


async def copy(
    sources: Sequence[BlobStore],
    target: BlobStore,
    store: FileStore,
    tell: Callable[[Copied], None],
    *,
    read_back: bool = True,
) -> Copied:
    """Bring all that files refer to into ``target``, from the first of ``sources`` that has it.

    Broken off at any moment, it may be called again. ``read_back`` has every blob's digest taken from what the target
    gives, of those that were there before, too. Raises `StorageAway`, `NoRoom` and `OperatorError`.
    """
    done, after = Copied(), ""
    while some := await store.blobs(limit=_AT_ONCE, after=after):
        after = some[-1].digest
        for blob in some:
            if blob.files:
                await _one(sources, target, blob, done, read_back=read_back)
                tell(done)
    return done


async def _one(
    sources: Sequence[BlobStore], target: BlobStore, blob: BlobRecord, done: Copied, *, read_back: bool
) -> None:
    if await _is_whole(target, blob, read_back=read_back):
        done.there += 1
        return
    for source in sources:
        try:
            async with target.spooled(source.read(blob.digest), most_bytes=_ANY_SIZE) as whole:
                if whole.blob.digest != blob.digest:  # damaged: it is not spread any further
                    continue
                await target.add(whole)
        except NotFound:
            continue
        if not await _is_whole(target, blob, read_back=read_back):
            raise OperatorError("The target gives other bytes than it was given.", detail=blob.digest)
        done.copied += 1
        done.copied_bytes += blob.size_bytes
        return
    done.missing.append(blob.digest)


async def _is_whole(target: BlobStore, blob: BlobRecord, *, read_back: bool) -> bool:
    try:
        if await target.size(blob.digest) != blob.size_bytes:
            return False
        return not read_back or await _digest(target.read(blob.digest)) == blob.digest
    except NotFound:
        return False


async def _digest(chunks: AsyncIterable[bytes]) -> Digest:
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
    return Digest(digest.hexdigest())
