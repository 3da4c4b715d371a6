"""What every store for bytes promises."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from potluck.core.errors import BadRequest, NotFound, PayloadTooLarge
from potluck.storage.blobs.port import BlobStore, Digest, digest_of

LARGE = bytes(range(256)) * 80_000
"""20 MB: in several parts on S3."""

MOST = 10**9


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def whole(blobs: BlobStore, digest: Digest, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(digest, start, end)])


async def listed(blobs: BlobStore) -> dict[str, int]:
    return {each.digest: each.size_bytes async for each in blobs.all()}


@pytest.mark.parametrize("data", [b"", b"x", "ä\0\r\n".encode(), LARGE], ids=["empty", "one", "odd", "large"])
async def test_what_is_put_comes_back_by_the_name_of_its_bytes(blobs: BlobStore, data: bytes) -> None:
    blob = await blobs.put(pieces(data), most_bytes=MOST)
    assert (blob.digest, blob.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert await blobs.size(blob.digest) == len(data)
    assert await whole(blobs, blob.digest) == data


async def test_the_same_bytes_are_kept_once(blobs: BlobStore) -> None:
    first = await blobs.put(pieces(b"twice"), most_bytes=MOST)
    assert await blobs.put(pieces(b"twice", 2), most_bytes=MOST) == first
    assert await listed(blobs) == {first.digest: 5}


@pytest.mark.parametrize(
    ("start", "end"), [(0, 5), (3, 4), (7, None), (0, None), (8, 100), (10, None), (10, 20), (50, 60), (4, 4), (5, 2)]
)
async def test_a_range_is_what_a_slice_of_the_bytes_is(blobs: BlobStore, start: int, end: int | None) -> None:
    blob = await blobs.put(pieces(b"0123456789"), most_bytes=MOST)
    assert await whole(blobs, blob.digest, start, end) == b"0123456789"[start:end]


async def test_a_range_in_the_middle_of_a_large_one(blobs: BlobStore) -> None:
    blob = await blobs.put(pieces(LARGE), most_bytes=MOST)
    assert await whole(blobs, blob.digest, 9_999_999, 12_345_678) == LARGE[9_999_999:12_345_678]


async def test_what_is_too_large_is_refused_and_leaves_nothing(blobs: BlobStore, tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(PayloadTooLarge):
        await blobs.put(endless(), most_bytes=5_500)
    assert taken == 6, "no more is read than is needed to know"
    assert await listed(blobs) == {}
    assert not list(tmp_path.rglob("incoming-*"))


async def test_an_upload_that_breaks_leaves_nothing(blobs: BlobStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise ConnectionResetError("the client left")

    with pytest.raises(ConnectionResetError):
        await blobs.put(broken(), most_bytes=MOST)
    assert await listed(blobs) == {}
    assert not list(tmp_path.rglob("incoming-*"))


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(blobs: BlobStore) -> None:
    blob = await blobs.put(pieces(b"gone"), most_bytes=MOST)
    await blobs.delete(blob.digest)
    await blobs.delete(blob.digest)
    assert await listed(blobs) == {}
    with pytest.raises(NotFound):
        await blobs.size(blob.digest)
    with pytest.raises(NotFound):
        await whole(blobs, blob.digest)


async def test_all_are_listed_with_their_sizes(blobs: BlobStore) -> None:
    put = [await blobs.put(pieces(bytes([number]) * number), most_bytes=MOST) for number in range(1, 20)]
    assert await listed(blobs) == {each.digest: each.size_bytes for each in put}


async def test_a_link_gives_the_bytes_to_who_has_no_key(blobs: BlobStore) -> None:
    blob = await blobs.put(pieces(b"for all"), most_bytes=MOST)
    link = await blobs.link(blob.digest, 60.0)
    if link is None:
        pytest.skip("this store has no links")
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.read() == b"for all"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a" * 65])
async def test_no_other_name_reaches_a_store(blobs: BlobStore, name: str) -> None:
    with pytest.raises(BadRequest):
        digest_of(name)
    with pytest.raises(BadRequest):
        await blobs.size(Digest(name))
    with pytest.raises(BadRequest):
        await whole(blobs, Digest(name))
    with pytest.raises(BadRequest):
        await blobs.delete(Digest(name))
