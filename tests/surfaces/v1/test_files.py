"""``/api/v1/files``: what is uploaded comes back, to whom it belongs, and nothing else stays."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import resource
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import NoRoom
from potluck.gateway.blob_collection import collect
from potluck.gateway.files import Description
from tests.surfaces.filing import ANNA, BERT, GUEST, QUOTA, Filing, filing

PATH = "/api/v1/files"
TEXT = b"0123456789"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Filing]:
    async with filing(tmp_path) as made:
        yield made


async def upload(house: Filing, content: Any = TEXT, caller: Any = ANNA, **options: Any) -> Any:
    options.setdefault("headers", {"content-type": "text/plain"})
    async with house.client(caller) as client:
        return await client.post(PATH, content=content, **options)


async def kept(house: Filing, content: Any = TEXT, name: str = "a.txt", **options: Any) -> str:
    answer = await upload(house, content, params={"name": name}, **options)
    assert answer.status_code == 201, answer.text
    file: str = answer.json()["id"]
    return file


async def get(house: Filing, path: str, caller: Any = ANNA, method: str = "GET", **headers: str) -> Any:
    async with house.client(caller) as client:
        return await client.request(method, path, headers=headers)


async def test_a_body_is_kept_with_its_name_and_type_and_comes_back(house: Filing) -> None:
    made = (await upload(house, params={"name": "../Größe.txt", "purpose": "vision"})).json()
    digest = hashlib.sha256(TEXT).hexdigest()
    assert (made["name"], made["media_type"], made["size_bytes"]) == ("Größe.txt", "text/plain", 10)
    assert (made["sha256"], made["purpose"], made["expires_at"]) == (digest, "vision", None)
    assert (await get(house, f"{PATH}/{made['id']}")).json() == made
    answer = await get(house, f"{PATH}/{made['id']}/content")
    assert answer.content == TEXT
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('inline; filename="Gr__e.txt";')
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(bytes.fromhex(digest)).decode()}:"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_form_is_kept_as_well_its_fields_in_any_order(house: Filing) -> None:
    async with house.client() as client:
        files = {"file": ("pic.png", b"\x89PNG", "image/png"), "purpose": (None, "vision"), "expires_in": (None, "60")}
        made = (await client.post(PATH, files=files)).json()
    assert (made["name"], made["media_type"], made["purpose"]) == ("pic.png", "image/png", "vision")
    assert made["expires_at"] is not None
    assert (await get(house, f"{PATH}/{made['id']}/content")).content == b"\x89PNG"


@pytest.mark.parametrize(
    ("files", "param"),
    [
        ({"purpose": (None, "vision")}, "file"),
        ([("file", ("a", b"1")), ("file", ("b", b"2"))], "file"),
        ({"file": ("a", b"1"), "purpose": (None, "evil")}, "purpose"),
        ({"file": ("a", b"1"), "expires_in": (None, "soon")}, "expires_in"),
        ({"file": ("a", b"1"), "much": (None, "x" * 70_000)}, "much"),
    ],
)
async def test_a_form_that_makes_no_sense_is_refused_and_nothing_is_kept(house: Filing, files: Any, param: str) -> None:
    async with house.client() as client:
        answer = await client.post(PATH, files=files)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert house.left() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "multipart/form-data"}, 400),
        ({"repr-digest": "sha-256=:AAAA:"}, 400),
        ({"content-digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}, 400),
        ({"content-length": str(3 * QUOTA)}, 413),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_is_kept(
    house: Filing, headers: dict[str, str], status: int
) -> None:
    assert (await upload(house, headers=headers)).status_code == status
    assert house.left() == []
    assert (await house.storage.files.totals(ANNA.user)).files == 0


async def test_bytes_that_are_not_those_that_were_announced_are_refused(house: Filing) -> None:
    good = hashlib.sha256(TEXT).hexdigest()
    assert (await upload(house, params={"sha256": good.upper()})).status_code == 201
    assert (await upload(house, b"other", params={"sha256": good})).status_code == 400
    assert (await upload(house, params={"sha256": "nonsense"})).status_code == 400
    assert len(house.left()) == 1


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(house: Filing) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"x" * 3_000_000, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await house.world.raw(receive, send, PATH)
    assert (sent, house.left()) == ([], [])
    assert (await house.storage.files.totals(ANNA.user)).files == 0


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ({"range": "bytes=2-4"}, 206, b"234", "bytes 2-4/10"),
        ({"range": "bytes=7-"}, 206, b"789", "bytes 7-9/10"),
        ({"range": "bytes=-2"}, 206, b"89", "bytes 8-9/10"),
        ({"range": "bytes=10-"}, 416, None, "bytes */10"),
        ({"range": "bytes=0-1,3-4"}, 200, TEXT, None),
        ({"range": "bytes=2-4", "if-range": '"other"'}, 200, TEXT, None),
        ({"if-none-match": f'"{hashlib.sha256(TEXT).hexdigest()}"'}, 304, b"", None),
        ({"if-none-match": '"other"'}, 200, TEXT, None),
    ],
)
async def test_a_range_and_what_is_known_already(
    house: Filing, asked: dict[str, str], status: int, content: bytes | None, told: str | None
) -> None:
    answer = await get(house, f"{PATH}/{await kept(house)}/content", **asked)
    assert (answer.status_code, answer.headers.get("content-range")) == (status, told)
    if content is not None:
        assert answer.content == content


async def test_a_head_tells_the_same_without_the_bytes(house: Filing) -> None:
    path = f"{PATH}/{await kept(house)}/content"
    whole, head = await get(house, path), await get(house, path, method="HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
    assert head.headers == whole.headers


async def test_what_a_browser_could_run_is_only_saved(house: Filing) -> None:
    file = await kept(house, b"<script>", name='x"\r\n.html', headers={"content-type": "text/html"})
    answer = await get(house, f"{PATH}/{file}/content")
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"] == "attachment; filename=\"x_.html\"; filename*=UTF-8''x%22.html"


async def test_nobody_else_sees_or_deletes_a_file(house: Filing) -> None:
    file = await kept(house)
    for method, path in (("GET", ""), ("GET", "/content"), ("HEAD", "/content"), ("DELETE", ""), ("POST", "/link")):
        assert (await get(house, f"{PATH}/{file}{path}", BERT, method)).status_code == 404
    assert (await get(house, PATH, BERT)).json()["files"] == []
    assert (await get(house, PATH, GUEST)).status_code == 403
    for path in ("..%2f..%2fpotluck.db", "%2e%2e", "file-x%00", "%ff"):
        assert (await get(house, f"{PATH}/{path}")).status_code == 404
        assert (await get(house, f"{PATH}/{path}", method="DELETE")).status_code == 404
    assert (await get(house, f"{PATH}?after=file-%00")).status_code == 400
    assert (await get(house, f"{PATH}?purpose=%00")).json()["files"] == []


async def test_files_are_listed_page_by_page_with_the_quota(house: Filing) -> None:
    ids = [await kept(house, f"{number}".encode()) for number in range(5)]
    first = (await get(house, f"{PATH}?limit=2")).json()
    assert [each["id"] for each in first["files"]] == [ids[4], ids[3]]
    rest = (await get(house, f"{PATH}?limit=9&after={first['next']}")).json()
    assert [each["id"] for each in rest["files"]] == [ids[2], ids[1], ids[0]]
    assert (rest["next"], rest["used_bytes"], rest["quota_bytes"]) == (None, 5, QUOTA)
    assert (await get(house, f"{PATH}?after=nothing")).status_code == 400


async def test_the_same_bytes_are_kept_once_until_the_last_file_of_them_is_gone(house: Filing) -> None:
    mine, theirs = await kept(house), await kept(house, caller=BERT)
    assert len(house.left()) == 1
    blobs, files, clock = house.files._blobs, house.storage.files, house.world._tick
    assert (await get(house, f"{PATH}/{mine}", method="DELETE")).status_code == 204
    assert (await collect(blobs, files, clock, grace_s=0)).removed == 0
    assert (await get(house, f"{PATH}/{theirs}/content", BERT)).content == TEXT
    await get(house, f"{PATH}/{theirs}", BERT, "DELETE")
    await collect(blobs, files, clock)
    assert len(house.left()) == 1, "the grace is not over"
    assert (await collect(blobs, files, clock, grace_s=-9)).removed == 1
    assert house.left() == []


async def test_a_quota_is_told_before_and_while_bytes_come(house: Filing) -> None:
    house.quotas["anna"] = 2_000_000

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 500_000

    for content in (b"x" * 2_000_001, endless()):
        refused = await upload(house, content)
        assert (refused.status_code, refused.json()["error"]["type"]) == (413, "quota_exceeded")
    await kept(house, b"x" * 2_000_000)
    assert (await upload(house, b"x")).json()["error"]["message"].startswith("Your files take 2000000 of 2000000")
    house.quotas["anna"] = 10**12
    assert (await upload(house, endless())).json()["error"]["type"] == "payload_too_large"
    assert len(house.left()) == 1


async def test_many_uploads_at_once_stay_within_the_quota(house: Filing) -> None:
    house.quotas["anna"] = 1_000
    answers = await asyncio.gather(*(upload(house, bytes([number]) * 300) for number in range(12)))
    assert sorted(each.status_code for each in answers) == [201] * 3 + [413] * 9
    assert (await house.storage.files.totals(ANNA.user)).bytes == 900


async def test_uploads_and_removals_that_race_lose_nothing_that_was_acknowledged(house: Filing) -> None:
    blobs, store = house.files._blobs, house.storage.files
    stop = asyncio.Event()

    async def collecting() -> None:
        while not stop.is_set():
            await collect(blobs, store, lambda: house.world.now, grace_s=-10_000)

    async def come_and_go() -> None:
        for _ in range(12):
            file = await kept(house)
            assert (await get(house, f"{PATH}/{file}/content")).content == TEXT
            await get(house, f"{PATH}/{file}", method="DELETE")

    collector = asyncio.create_task(collecting())
    await asyncio.gather(*(come_and_go() for _ in range(4)))
    last = await kept(house)
    stop.set()
    await collector
    assert (await get(house, f"{PATH}/{last}/content")).content == TEXT


async def test_a_link_lets_anybody_read_until_it_is_over(house: Filing) -> None:
    file = await kept(house)
    async with house.client() as client:
        link = (await client.post(f"{PATH}/{file}/link", json={"expires_in": 60})).json()
    nobody = house.client(GUEST)
    answer = await nobody.get(link["url"], headers={"range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (206, b"01")
    assert (await nobody.get(link["url"][:-1] + "?")).status_code == 404
    house.quotas.pop("anna")  # kept out
    assert (await nobody.get(link["url"])).status_code == 404
    house.quotas["anna"] = QUOTA
    house.world.now += 60
    assert (await nobody.get(link["url"])).status_code == 404
    async with house.client() as client:
        assert (await client.post(f"{PATH}/{file}/link", json={"expires_in": 700_000})).status_code == 400
        other = (await client.post(f"{PATH}/{file}/link")).json()
        await client.delete(f"{PATH}/{file}")
    assert (await nobody.get(other["url"])).status_code == 404


async def test_a_file_that_is_over_is_gone(house: Filing) -> None:
    file = (await upload(house, params={"expires_in": 10})).json()["id"]
    house.world.now += 10
    assert (await get(house, f"{PATH}/{file}")).status_code == 404


async def test_a_full_disk_is_told_and_leaves_everything_whole(house: Filing) -> None:
    """A limit on the size of this process's files is what a full disk is to who writes."""
    file = await kept(house)
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, most))
    try:
        refused = await upload(house, b"x" * 5_000_000)
        with pytest.raises(NoRoom):
            await house.files.keep(ANNA.user, pieces(b"x" * 5_000_000), Description())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    assert (refused.status_code, refused.json()["error"]["type"]) == (507, "no_room")
    assert len(house.left()) == 1
    assert (await house.storage.files.totals(ANNA.user)).files == 1
    assert (await get(house, f"{PATH}/{file}/content")).content == TEXT
    assert (await upload(house, b"x" * 5_000_000)).status_code == 201


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_large_file_never_sits_in_memory(house: Filing) -> None:
    """40 MB in and out: what is held of them meanwhile is a few pieces."""
    house.quotas["anna"] = house.files.most_bytes = 10**12
    piece, pieces = bytes(range(256)) * 1024, 160

    async def content() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield piece

    tracemalloc.start()
    record = await house.files.upload(ANNA.user, content(), Description)
    size, digest = 0, hashlib.sha256()
    async for chunk in await house.files.read(record, 0, record.size_bytes):
        size += len(chunk)
        digest.update(chunk)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (size, digest.hexdigest()) == (len(piece) * pieces, record.digest)
    assert most < 8_000_000
