"""A store for files that is away, refuses, or is somebody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from potluck.core.errors import OperatorError, StorageAway
from potluck.storage.blobs.s3 import S3Blobs, open_bucket
from tests.servers.s3 import S3Server, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        running.make_bucket("house")
        yield running


async def one() -> AsyncIterator[bytes]:
    yield b"one"


async def test_what_others_keep_in_the_bucket_is_no_blob(server: S3Server, tmp_path: Path) -> None:
    blobs = S3Blobs(open_bucket(server.url("house")), tmp_path)
    assert [each async for each in blobs.all()] == []


async def test_a_wrong_secret_is_the_owners_to_mend_and_is_not_repeated(server: S3Server, tmp_path: Path) -> None:
    blobs = S3Blobs(open_bucket(server.url("house", secret="hunter2")), tmp_path)
    with pytest.raises(OperatorError, match="refuses us") as caught:
        await blobs.put(one(), most_bytes=10)
    assert not isinstance(caught.value, StorageAway)
    assert "hunter2" not in f"{caught.value}{caught.value.detail}"


async def test_a_server_that_is_away_is_told_and_leaves_nothing_behind(server: S3Server, tmp_path: Path) -> None:
    blobs = S3Blobs(open_bucket(server.url("house")), tmp_path)
    blob = await blobs.put(one(), most_bytes=10)
    server.stop()
    with pytest.raises(StorageAway):
        await blobs.put(one(), most_bytes=10)
    with pytest.raises(StorageAway):
        await blobs.size(blob.digest)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["s3://", "s3:bucket", "http://bucket", "nonsense", "s3://key:hunter2@?endpoint=x"])
def test_what_is_no_bucket_is_told_without_its_secret(url: str) -> None:
    with pytest.raises(OperatorError, match="not understood") as caught:
        open_bucket(url)
    assert "hunter2" not in str(caught.value)
