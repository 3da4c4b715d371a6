"""``/api/v1/images`` on a real database: what a gallery does, and for whom."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.pictures import Shop, image, read, shop

from .world import ANNA, BERT, GUEST, Served, World

PATH = "/api/v1/images"


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[tuple[Shop, World]]:
    async with shop(tmp_path) as opened:
        world = World(storage=opened.storage, gallery=opened.gallery, files=opened.files)
        yield opened, world


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Shop, World]]:
    async with served(tmp_path) as made:
        yield made


async def ids(world: World, query: str = "") -> list[str]:
    return [each["id"] for each in (await world.ask("GET", f"{PATH}?{query}")).json()["images"]]


async def test_a_gallery_is_listed_searched_and_paged(both: tuple[Shop, World]) -> None:
    shop, world = both
    for number in range(5):
        shop.now[0] = 1000.0 + number
        await shop.keep(f"p{number}", prompt=f"fox {number}", model="sdxl" if number else "flux", seed=number)
    first = (await world.ask("GET", f"{PATH}?limit=2")).json()
    assert [each["id"] for each in first["images"]] == ["p4", "p3"]
    assert (first["next"], first["total"], first["quota_bytes"]) == ("p3", 5, 10_000_000)
    assert first["images"][0] == {
        "id": "p4",
        "content": "/api/v1/images/p4/content",
        "task": "",
        "prompt": "fox 4",
        "negative": "",
        "model": "sdxl",
        "width": 64,
        "height": 64,
        "media_type": "image/png",
        "size_bytes": len(image()),
        "seed": 4,
        "node": "",
        "engine": "",
        "seconds": 0.0,
        "favourite": False,
        "tags": [],
        "parent": None,
        "job": None,
        "created_at": "1970-01-01T00:16:44.000Z",
    }
    assert await ids(world, "limit=3&after=p3&order=newest") == ["p2", "p1", "p0"]
    assert await ids(world, "order=oldest&limit=1") == ["p0"]
    assert await ids(world, "q=FOX%203") == ["p3"]
    assert await ids(world, "model=flux") == ["p0"]
    assert await ids(world, "since=1970-01-01T00:16:43Z") == ["p4", "p3"]
    assert (await world.ask("GET", f"{PATH}?after=nothing")).status == 400
    assert (await world.ask("GET", f"{PATH}?limit=501")).status == 400
    assert (await world.ask("GET", PATH, caller=BERT)).json()["images"] == []
    assert (await world.ask("GET", PATH, caller=GUEST)).status == 403


async def test_one_picture_is_told_of_with_all_its_parameters_marked_and_deleted(both: tuple[Shop, World]) -> None:
    shop, world = both
    made = await shop.keep("p", parameters='{"steps":20,"cfg":7.5}', hash="31e35c80fc", tags=("fox",))
    told = (await world.ask("GET", f"{PATH}/p")).json()
    assert (told["parameters"], told["model_hash"], told["sha256"]) == (
        {"steps": 20, "cfg": 7.5},
        "31e35c80fc",
        made.digest,
    )
    changed = (await world.ask("PATCH", f"{PATH}/p", {"favourite": True, "tag": ["Best", "FOX"]})).json()
    assert (changed["favourite"], changed["tags"]) == (True, ["Best", "fox"])
    facets = (await world.ask("GET", f"{PATH}/facets")).json()
    assert facets == {"tags": [{"name": "Best", "images": 1}, {"name": "fox", "images": 1}], "models": []}
    refused = await world.ask("PATCH", f"{PATH}/p", {"untag": [""]})
    assert (refused.status, refused.json()["error"]["param"]) == (400, "untag")
    for path in (f"{PATH}/q", f"{PATH}/a%00b"):
        assert (await world.ask("GET", path)).status == 404
        assert (await world.ask("PATCH", path, {"favourite": True})).status == 404
        assert (await world.ask("DELETE", path)).status == 404
    assert (await world.ask("DELETE", f"{PATH}/p", caller=BERT)).status == 404
    assert (await world.ask("DELETE", f"{PATH}/p")).status == 204
    assert await ids(world) == []


async def test_many_are_marked_and_deleted_at_once(both: tuple[Shop, World]) -> None:
    shop, world = both
    for name in ("a", "b", "c"):
        await shop.keep(name)
    answer = await world.ask(
        "POST", f"{PATH}/bulk", {"images": ["a", "b", "nothing", "\0"], "favourite": True, "tags": ["x"]}
    )
    assert answer.json() == {"images": 2}
    assert sorted(await ids(world, "favourite=true&tag=X")) == ["a", "b"]
    assert (await world.ask("POST", f"{PATH}/bulk", {"images": ["a", "c"], "delete": True})).json() == {"images": 2}
    assert await ids(world) == ["b"]
    assert (await world.ask("POST", f"{PATH}/bulk", {"images": []})).status == 400


async def content(world: World, query: str = "", **headers: str) -> Served:
    return await world.ask("GET", f"{PATH}/p/content?{query}", headers=headers)


async def test_bytes_come_as_they_are_and_never_change(both: tuple[Shop, World]) -> None:
    shop, world = both
    whole = image(700, 350)
    made = await shop.keep("p", content=whole, prompt="A fox!")
    answer = await content(world)
    assert (answer.status, answer.body) == (200, whole)
    heads = dict(answer.headers)
    assert heads["content-type"] == "image/png"
    assert heads["etag"] == f'"{made.digest}"'
    assert "immutable" in heads["cache-control"]
    assert heads["content-disposition"].startswith('inline; filename="a-fox-p.png"')
    again = await content(world, **{"if-none-match": heads["etag"]})
    assert (again.status, again.body) == (304, b"")
    part = await content(world, range="bytes=0-7")
    assert (part.status, part.body) == (206, whole[:8])
    saved = dict((await content(world, "download=true")).headers)
    assert saved["content-disposition"].startswith("attachment;")
    assert (await world.ask("GET", f"{PATH}/p/content", caller=BERT)).status == 404


@pytest.mark.parametrize(
    ("query", "format", "side"),
    [
        ("size=256", "WEBP", 256),
        ("size=512&format=webp", "WEBP", 512),
        ("size=256&format=jpeg", "JPEG", 256),
        ("size=300", "PNG", 300),
        ("format=avif", "AVIF", 700),
        ("format=png&size=4096", "PNG", 700),
        ("format=webp&quality=10", "WEBP", 700),
    ],
)
async def test_bytes_come_smaller_and_in_other_formats(
    both: tuple[Shop, World], query: str, format: str, side: int
) -> None:
    shop, world = both
    await shop.keep("p", content=image(700, 350))
    answer = await content(world, query)
    seen = read(answer.body)
    assert (seen.format, max(seen.size)) == (format, side)
    heads = dict(answer.headers)
    assert heads["content-type"] == f"image/{format.lower()}"
    assert heads["content-length"] == str(len(answer.body))
    assert (await content(world, query, **{"if-none-match": heads["etag"]})).status == 304
    other = await content(world, "format=webp&quality=11", **{"if-none-match": heads["etag"]})
    assert other.status == 200, "each has its own tag"


async def test_unknown_formats_and_sizes_are_named(both: tuple[Shop, World]) -> None:
    shop, world = both
    await shop.keep("p")
    for query in ("format=tiff", "size=1", "quality=0", "size=9000"):
        refused = await content(world, query)
        assert (refused.status, refused.json()["error"]["param"]) == (400, query.partition("=")[0])


async def test_many_come_in_one_archive(both: tuple[Shop, World], monkeypatch: pytest.MonkeyPatch) -> None:
    shop, world = both
    for number in range(3):
        await shop.keep(f"p{number}", content=image(300, 300, number), prompt="a fox")
    archive = ZipFile(io.BytesIO((await world.ask("GET", f"{PATH}/zip?images=p0,p2,nothing")).body))
    assert archive.testzip() is None
    assert archive.namelist() == ["a-fox-p0.png", "a-fox-p2.png"]
    assert archive.read("a-fox-p2.png") == image(300, 300, 2)
    monkeypatch.setattr("potluck.surfaces.v1.pictures._PAGE", 2)
    answer = await world.ask("GET", f"{PATH}/zip?q=fox")
    assert len(ZipFile(io.BytesIO(answer.body)).namelist()) == 3
    assert dict(answer.headers)["content-type"] == "application/zip"
    assert (await world.ask("GET", f"{PATH}/zip?q=dog")).status == 404
    assert (await world.ask("GET", f"{PATH}/zip?images=p0", caller=BERT)).status == 404


async def test_what_is_deleted_meanwhile_is_left_out_of_an_archive(both: tuple[Shop, World]) -> None:
    shop, world = both
    for name in ("a", "b"):
        await shop.keep(name)
    record = await shop.gallery.get("b", ANNA.user)
    await shop.storage.files.delete(record.file)
    archive = ZipFile(io.BytesIO((await world.ask("GET", f"{PATH}/zip?images=a,b")).body))
    assert archive.namelist() == ["a.png"]
