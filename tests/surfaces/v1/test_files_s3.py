"""Files in a bucket of a real server, which goes away and comes back; and as others' clients see the bucket."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from minio import Minio

from potluck.core.errors import StorageAway
from potluck.gateway.blob_collection import collect
from potluck.gateway.files import Description
from potluck.storage.blobs.port import key_of
from potluck.storage.blobs.s3 import S3Blobs, open_bucket
from potluck.storage.records import Digest
from tests.servers.s3 import KEY, SECRET, S3Server, s3_server
from tests.surfaces.filing import ANNA, Filing, filing

PATH = "/api/v1/files"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        running.make_bucket("house")
        yield running


@pytest.fixture
async def house(server: S3Server, tmp_path: Path) -> AsyncIterator[Filing]:
    blobs = S3Blobs(open_bucket(server.url(f"house/{tmp_path.name}")), tmp_path / "blobs" / "incoming")
    async with filing(tmp_path, blobs, with_waiting=True) as made:
        yield made


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def upload(house: Filing, data: bytes) -> httpx.Response:
    async with house.client() as client:
        return await client.post(PATH, content=data, params={"name": "a.bin"})


async def test_a_files_link_is_the_buckets_own(house: Filing) -> None:
    file = (await upload(house, b"0123456789")).json()
    async with house.client() as client:
        link = (await client.post(f"{PATH}/{file['id']}/link", json={"expires_in": 60})).json()["url"]
    assert "X-Amz-Signature=" in link
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(link, headers={"range": "bytes=2-4"})).content == b"234"
        assert (await anybody.get(link[:-1] + ("0" if link[-1] != "0" else "1"))).status_code == 403


async def test_minios_client_reads_what_we_write_and_we_what_it_writes(
    house: Filing, server: S3Server, tmp_path: Path
) -> None:
    place = tmp_path.name
    client = Minio(server.endpoint.removeprefix("http://"), KEY, SECRET, secure=False)
    record = await house.files.upload(ANNA.user, one(b"ours"), lambda: Description("a.txt"))
    ours = await asyncio.to_thread(client.get_object, "house", f"{place}/{key_of(record.digest)}")
    assert ours.read() == b"ours"
    theirs = Digest(hashlib.sha256(b"theirs").hexdigest())
    await asyncio.to_thread(client.put_object, "house", f"{place}/{key_of(theirs)}", io.BytesIO(b"theirs"), 6)
    blobs, files, clock = house.files._blobs, house.storage.files, house.world._tick
    assert await blobs.size(theirs) == 6
    link = await asyncio.to_thread(client.presigned_get_object, "house", f"{place}/{key_of(theirs)}")
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(link)).content == b"theirs"
    # What is not known is left alone, unless somebody says that nothing of others' is there.
    assert (await collect(blobs, files, clock, grace_s=-(10**10))).removed == 0
    assert (await collect(blobs, files, clock, grace_s=-(10**10), with_strays=True)).strays == 1
    await collect(blobs, files, clock, grace_s=-(10**10))
    assert [each.digest async for each in blobs.all()].count(theirs) == 0
    assert await blobs.size(record.digest) == 4


async def test_while_the_server_is_away_uploads_are_refused_and_our_own_results_wait(
    house: Filing, server: S3Server
) -> None:
    before = (await upload(house, b"before")).json()
    server.stop()
    refused = await upload(house, b"meanwhile")
    assert (refused.status_code, refused.json()["error"]["type"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    async with house.client() as client:
        unread = await client.get(f"{PATH}/{before['id']}/content")
        assert (unread.status_code, "retry-after" in unread.headers) == (503, True)
        assert (await client.get(f"{PATH}/{before['id']}")).status_code == 200, "what is known of it is"
        image = await house.files.keep(ANNA.user, one(b"an image"), Description("i.png", "image/png", "vision"))
        again = await house.files.keep(ANNA.user, one(b"an image"), Description("j.png", "image/png", "vision"))
        standing = house.files.standing()
        assert (standing.answers, standing.waiting, standing.waiting_bytes) == (False, 1, 8)
        assert (await client.get(f"{PATH}/{image.id}/content")).content == b"an image"
        link = (await client.post(f"{PATH}/{image.id}/link")).json()["url"]
        assert (await client.get(link)).content == b"an image"
    waiting = house.files.waiting
    assert waiting is not None
    with pytest.raises(StorageAway):
        await waiting.move()
    assert house.left() == [], "nothing lies about"
    await asyncio.to_thread(server.start)
    moved = 0
    while not moved:  # the port is open before the server has found its own parts
        with suppress(StorageAway):
            moved = await waiting.move()
    async with house.client() as client:
        for file, content in ((image.id, b"an image"), (again.id, b"an image"), (before["id"], b"before")):
            assert (await client.get(f"{PATH}/{file}/content")).content == content
    assert (house.files.standing().waiting, house.files.standing().moved) == (0, 1)
    assert await house.files._blobs.size(image.digest) == 8
    assert (await upload(house, b"afterwards")).status_code == 201
    assert house.files.standing().answers


async def test_what_waited_when_the_gateway_ended_is_brought_by_the_next(house: Filing) -> None:
    waiting = house.files.waiting
    assert waiting is not None
    async with house.files._blobs.spooled(one(b"left"), most_bytes=9) as whole:
        await waiting.add(whole)
    await waiting.restore()
    moving = asyncio.create_task(waiting.moving())
    while waiting.standing().blobs:
        await asyncio.sleep(0.01)
    moving.cancel()
    assert await house.files._blobs.size(whole.blob.digest) == 4
    clock = house.world._tick
    assert (await collect(house.files._blobs, house.storage.files, clock, grace_s=-(10**10))).removed == 1, "nobody's"
    assert [each for each in (house.folder / "waiting").rglob("*") if each.is_file()] == []
