"""Pictures come in whole or not at all, and go out as they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from potluck.core.errors import BadRequest, NotFound, QuotaExceeded
from potluck.core.model import UserId
from potluck.gateway.blob_collection import CLAIM_S, collect
from potluck.gateway.gallery import INPUT_KEPT_S, LARGE, SMALL, sweep
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.pictures import PictureChange, PictureFilter
from tests.pictures import ANNA, BERT, Shop, image, read, shop


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path) as opened:
        yield opened


async def test_a_picture_is_kept_with_copies_for_lists(world: Shop) -> None:
    content = image(1024, 640)
    made = await world.keep("j1-0", content=content, prompt="A fox", job="j1", seed=7)
    assert (made.width, made.height, made.media_type, made.job, made.seed) == (1024, 640, "image/png", "j1", 7)
    assert await world.gallery.content(made) == content
    for side in (SMALL, LARGE):
        copy = await world.gallery.file(made, side)
        seen = read(await world.files.whole(copy.id, ANNA, 10**6))
        assert (seen.format, max(seen.size)) == ("WEBP", side)
    assert (await world.gallery.file(made)).name == "a-fox-j1-0.png"
    assert (await world.gallery.file(made, 4096)).id == made.file


async def test_what_is_small_needs_no_copies(world: Shop) -> None:
    made = await world.keep("p", content=image(SMALL, 10))
    assert (made.small, made.large) == (None, None)
    assert (await world.gallery.file(made, 64)).id == made.file
    middle = await world.keep("q", content=image(300, 300))
    assert middle.small is not None
    assert (await world.gallery.file(middle, LARGE)).id == middle.file


async def test_a_picture_that_comes_twice_is_there_once_even_at_the_same_time(world: Shop) -> None:
    one, two = await asyncio.gather(world.keep("p", content=image(300)), world.keep("p", content=image(300)))
    assert one == two
    page = await world.gallery.list(ANNA, PictureFilter(), limit=9)
    assert [each.id for each in page.pictures] == ["p"]
    world.now[0] += 2 * CLAIM_S
    blobs = DiskBlobs(Path("nowhere"))
    assert (await collect(blobs, world.storage.files, lambda: world.now[0])).given_up <= 2, "what lost is given up"
    assert await world.gallery.content(one) == image(300)


async def test_nothing_is_left_of_what_is_no_picture(world: Shop) -> None:
    with pytest.raises(BadRequest):
        await world.keep("p", content=b"<svg/>")
    assert (await world.gallery.totals(ANNA))[0].bytes == 0


async def test_a_gallery_that_is_full_takes_what_was_promised_and_no_more(world: Shop) -> None:
    world.quotas[ANNA] = 100
    await world.gallery.room(ANNA)
    await world.keep("p", content=image(600))
    with pytest.raises(QuotaExceeded):
        await world.gallery.room(ANNA)
    with pytest.raises(QuotaExceeded):
        await world.gallery.take_in(ANNA, image(8))
    with pytest.raises(QuotaExceeded):
        await world.gallery.room(UserId("nobody"))
    totals, quota = await world.gallery.totals(ANNA)
    assert (totals.pictures, quota, totals.bytes > 100) == (1, 100, True)


async def test_an_image_to_begin_with_is_cleaned_and_kept_for_a_while(world: Shop) -> None:
    file, _ = await world.gallery.take_in(ANNA, image(64, 32, format="jpeg"), "holiday.jpg")
    record = await world.files.get(file, ANNA)
    assert (record.media_type, record.expires_s) == ("image/png", 1000.0 + INPUT_KEPT_S)
    assert (await world.files.list(ANNA, limit=9)).files == ()
    with pytest.raises(BadRequest):
        await world.gallery.take_in(ANNA, b"nothing")


async def test_the_same_image_is_the_same_file_for_a_while(world: Shop) -> None:
    one = await world.gallery.take_in(ANNA, image(64))
    two, three = await asyncio.gather(*(world.gallery.take_in(ANNA, image(9)) for _ in range(2)))
    assert await world.gallery.take_in(ANNA, image(64)) == one
    assert (await world.gallery.take_in(BERT, image(64)))[0] != one[0]
    assert len({one[0], two[0], three[0]}) >= 2
    world.now[0] += INPUT_KEPT_S
    assert (await world.gallery.take_in(ANNA, image(64)))[0] != one[0]


async def test_files_and_pictures_are_both_sources_and_only_ones_own(world: Shop) -> None:
    made = await world.keep("p")
    file, _ = await world.gallery.take_in(ANNA, image(9))
    assert await world.gallery.source("p", ANNA) == (made.file, "p")
    assert await world.gallery.source(file, ANNA) == (file, None)
    for named, user in (("p", BERT), (file, BERT), ("a/b", ANNA), ("file-0", ANNA), ("\0", ANNA)):
        with pytest.raises(NotFound):
            await world.gallery.source(named, user)
    with pytest.raises(BadRequest):
        await world.gallery.list(ANNA, PictureFilter(), limit=9, after="a/b")


async def test_old_pictures_are_swept_for_who_keeps_them_so_long(world: Shop) -> None:
    await world.keep("old")
    await world.keep("dear")
    await world.keep("berts", BERT)
    await world.gallery.change(["dear", "a/b"], ANNA, PictureChange(favourite=True))
    world.now[0] += 100.0
    await world.keep("new")
    assert await sweep(world.storage.pictures, lambda: [(ANNA, 50.0)], lambda: world.now[0]) == 1
    page = await world.gallery.list(ANNA, PictureFilter(), limit=9)
    assert [each.id for each in page.pictures] == ["new", "dear"]
    assert (await world.gallery.list(BERT, PictureFilter(), limit=9)).pictures
    assert await world.gallery.delete(["new", "berts"], ANNA) == 1
    assert [each.id for each in await world.gallery.some(["dear", "new"], ANNA)] == ["dear"]
