"""What every gallery promises: everybody's own, found again in many ways, and gone with its bytes."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.core.errors import BadRequest, NotFound, QuotaExceeded
from potluck.core.files import PICTURE, PICTURE_INPUT
from potluck.core.model import UserId
from potluck.core.people import Role
from potluck.storage.pictures import (
    MOST_TAGS,
    Counted,
    PictureChange,
    PictureFilter,
    PictureId,
    PictureRecord,
    PictureStore,
)
from potluck.storage.ports import Storage
from potluck.storage.records import BlobState, Digest, FileId, FileRecord, UserRecord

ANNA, BERT = UserId("anna"), UserId("bert")
ALL = PictureFilter()
MUCH = 1 << 62


@pytest.fixture
async def store(storage: Storage) -> Storage:
    for user in (ANNA, BERT):
        await storage.users.add(UserRecord(user, user, Role.MEMBER, 1.0))
    return storage


@pytest.fixture
def pictures(store: Storage) -> PictureStore:
    return store.pictures


def claimed(name: str, user: UserId = ANNA, at: float = 10.0, **values: Any) -> FileRecord:
    fields: dict[str, Any] = {"size_bytes": 5, "name": name, "media_type": "image/png", "purpose": PICTURE}
    return FileRecord(FileId(name), user, Digest(f"{name:0>64}"), created_s=at, **{**fields, **values})


async def kept(store: Storage, name: str, user: UserId = ANNA, at: float = 10.0, **values: Any) -> PictureRecord:
    files = [claimed(f"{name}-{which}", user, at) for which in ("whole", "small", "large")]
    for each in files:
        await store.files.claim(each, MUCH)
    whole, small, large = (each.id for each in files)
    fields: dict[str, Any] = {"job": "", "size_bytes": 5, "media_type": "image/png", "width": 64, "height": 32}
    made = PictureRecord(
        id=PictureId(name),
        user=user,
        file=whole,
        digest=files[0].digest,
        created_s=at,
        small=small,
        large=large,
        **{**fields, **values},
    )
    return await store.pictures.add(made, [(each, True) for each in (whole, small, large)], at)


async def seen(pictures: PictureStore, where: PictureFilter = ALL, **options: Any) -> list[str]:
    return [each.id for each in (await pictures.list(ANNA, where, limit=100, **options)).pictures]


async def test_a_picture_comes_back_as_it_was_kept_and_its_files_can_be_read(store: Storage) -> None:
    made = await kept(
        store,
        "p",
        job="j1",
        task="txt2img",
        prompt="Ein Fuchs \U0001f98a \0",
        negative="blurry",
        parameters='{"steps":20}',
        model="sdxl",
        hash="31e35c80fc",
        engine="comfyui",
        node="orin0",
        seconds=3.5,
        seed=2**64 - 1,
        tags=("Best", "fox"),
        parent=PictureId("older"),
    )
    assert made.prompt == "Ein Fuchs \U0001f98a "
    assert (made.seed, made.tags, made.parent, made.favourite) == (2**64 - 1, ("Best", "fox"), "older", False)
    assert await store.pictures.get(made.id, ANNA) == made
    for file in (made.file, made.small, made.large):
        assert file is not None
        assert (await store.files.get(file, 20.0, ANNA))[1] is BlobState.STORED


async def test_a_picture_that_is_kept_twice_is_there_once(store: Storage) -> None:
    first = await kept(store, "p", prompt="one")
    again = await store.pictures.add(first, [(FileId("nothing"), True)], 20.0)
    assert again == first
    assert await seen(store.pictures) == ["p"]


async def test_a_picture_whose_file_was_given_up_is_not_kept(store: Storage) -> None:
    made = await kept(store, "p")
    other = PictureRecord(**{**_fields(made), "id": PictureId("q")})
    with pytest.raises(NotFound):
        await store.pictures.add(other, [(FileId("gone"), True)], 20.0)
    stranger = PictureRecord(**{**_fields(made), "id": PictureId("r"), "user": UserId("nobody")})
    with pytest.raises(NotFound):
        await store.pictures.add(stranger, [], 20.0)
    assert await seen(store.pictures) == ["p"]


def _fields(record: PictureRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


async def test_nobody_else_has_hold_of_a_picture(store: Storage) -> None:
    made = await kept(store, "p", tags=("x",))
    pictures = store.pictures
    with pytest.raises(NotFound):
        await pictures.get(made.id, BERT)
    assert await pictures.some([made.id], BERT) == ()
    assert await pictures.change([made.id], BERT, PictureChange(favourite=True)) == 0
    assert await pictures.delete([made.id], BERT) == 0
    assert (await pictures.list(BERT, ALL, limit=9)).pictures == ()
    assert (await pictures.tags(BERT, limit=9), await pictures.models(BERT, limit=9)) == ((), ())
    assert await pictures.get(made.id, ANNA) == made


async def test_pictures_are_listed_page_by_page_in_both_directions(store: Storage) -> None:
    for number in range(7):
        await kept(store, f"p{number}", at=10.0 + number // 2)
    await kept(store, "other", BERT)
    order = ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]
    pictures, found, after = store.pictures, list[str](), None
    for _ in range(4):
        page = await pictures.list(ANNA, ALL, limit=2, after=after)
        found += [each.id for each in page.pictures]
        after = page.pictures[-1].id
    assert (found, page.more) == (order, False)
    assert await seen(pictures, oldest_first=True) == order[::-1]
    assert await seen(pictures, oldest_first=True, after=PictureId("p4")) == ["p5", "p6"]
    for unknown in ("other", "nothing"):
        with pytest.raises(BadRequest):
            await pictures.list(ANNA, ALL, limit=2, after=PictureId(unknown))


async def test_pictures_are_found_by_words_and_by_all_that_is_known_of_them(store: Storage) -> None:
    await kept(store, "a", prompt="A GRÜNER Frosch, 100% green", model="sdxl", task="txt2img")
    await kept(store, "b", at=20.0, prompt="a red fox", model="flux", task="upscale", node="agx0", job="j1")
    await kept(store, "c", at=30.0, prompt="a green fox_", tags=("Größe",), parent=PictureId("b"))
    await store.pictures.change([PictureId("c")], ANNA, PictureChange(favourite=True))

    async def found(**where: Any) -> str:
        return "".join(await seen(store.pictures, PictureFilter(**where), oldest_first=True))

    assert await found(text="green") == "ac"
    assert await found(text=" FOX  green ") == "c"
    assert await found(text="grüner") == "a"
    assert await found(text="%") == "a", "a sign of LIKE means itself"
    assert await found(text="x_") == "c"
    assert await found(model="flux") == "b"
    assert await found(task="txt2img") == "a"
    assert await found(node="agx0") == "b"
    assert await found(job="j1") == "b"
    assert await found(parent=PictureId("b")) == "c"
    assert await found(tag="GRÖSSE") == "c"
    assert await found(favourite=True) == "c"
    assert await found(favourite=False) == "ab"
    assert await found(since_s=20.0, until_s=30.0) == "b"
    assert await found(text="green", favourite=False) == "a"


async def test_many_pictures_are_marked_at_once(store: Storage) -> None:
    for name in ("a", "b", "c"):
        await kept(store, name, tags=("old",), model="sdxl")
    await kept(store, "d", model="flux")
    pictures = store.pictures
    two = [PictureId("a"), PictureId("b"), PictureId("a"), PictureId("nothing")]
    assert await pictures.change(two, ANNA, PictureChange(favourite=True, tag=("New", "OLD"))) == 2
    assert await pictures.tags(ANNA, limit=9) == (Counted("old", 3), Counted("New", 2))
    assert await pictures.tags(ANNA, limit=1) == (Counted("old", 3),)
    assert await pictures.change(two, ANNA, PictureChange(untag=("oLd",))) == 2
    assert (await pictures.get(PictureId("a"), ANNA)).tags == ("New",)
    assert await pictures.change([PictureId("a")], ANNA, PictureChange(favourite=False, tags=("just", "this"))) == 1
    one = await pictures.get(PictureId("a"), ANNA)
    assert (one.tags, one.favourite) == (("just", "this"), False)
    assert (await pictures.get(PictureId("b"), ANNA)).favourite
    assert await pictures.models(ANNA, limit=9) == (Counted("sdxl", 3), Counted("flux", 1))
    assert [each.id for each in await pictures.some([PictureId("d"), PictureId("x"), PictureId("a")], ANNA)] == [
        "d",
        "a",
    ]
    assert await pictures.change([], ANNA, PictureChange(favourite=True)) == 0


async def test_a_picture_has_a_bounded_number_of_tags(store: Storage) -> None:
    made = await kept(store, "p", tags=("first",))
    more = tuple(f"t{number}" for number in range(MOST_TAGS))
    with pytest.raises(BadRequest):
        await store.pictures.change([made.id], ANNA, PictureChange(tag=more, favourite=True))
    assert await store.pictures.get(made.id, ANNA) == made, "all of it or nothing"
    assert await store.pictures.change([made.id], ANNA, PictureChange(tags=more)) == 1


async def test_a_deleted_picture_takes_its_files_along(store: Storage) -> None:
    made, stays = await kept(store, "p"), await kept(store, "q")
    totals = await store.pictures.totals(ANNA)
    assert (totals.pictures, totals.bytes) == (2, 30)
    assert await store.pictures.delete([made.id, PictureId("nothing")], ANNA) == 1
    with pytest.raises(NotFound):
        await store.pictures.get(made.id, ANNA)
    with pytest.raises(NotFound):
        await store.files.get(made.file, 20.0)
    assert (await store.pictures.totals(ANNA)).bytes == 15
    assert await store.files.mark_unused(30.0) == 3
    assert await store.pictures.get(stays.id, ANNA) == stays


async def test_old_pictures_are_over_but_for_favourites(store: Storage) -> None:
    for number in range(5):
        await kept(store, f"p{number}", at=10.0 + number)
    await kept(store, "other", BERT, at=1.0)
    await store.pictures.change([PictureId("p1")], ANNA, PictureChange(favourite=True))
    assert await store.pictures.expire(ANNA, 13.0, limit=1) == 1
    assert await store.pictures.expire(ANNA, 13.0, limit=10) == 1
    assert await store.pictures.expire(ANNA, 13.0, limit=10) == 0
    assert await seen(store.pictures) == ["p4", "p3", "p1"]
    assert (await store.pictures.list(BERT, ALL, limit=9)).pictures


async def test_pictures_files_are_apart_from_all_others(store: Storage) -> None:
    made = await kept(store, "p")
    await store.files.claim(claimed("mine", purpose="user_data"), MUCH)
    await store.files.ready(FileId("mine"), 11.0, stored=True)
    assert [each.id for each in (await store.files.list(ANNA, 20.0, limit=9)).files] == ["mine"]
    assert (await store.files.totals(ANNA)).files == 1
    assert (await store.files.totals(ANNA, hidden=True)).files == 3
    with pytest.raises(NotFound):
        await store.files.delete(made.file, ANNA)
    with pytest.raises(QuotaExceeded):
        await store.files.claim(claimed("in", purpose=PICTURE_INPUT), 19)
    await store.files.claim(claimed("in", purpose=PICTURE_INPUT), 20)
    await store.files.claim(claimed("more", purpose="user_data"), 10)


async def test_who_leaves_takes_all_pictures_along(store: Storage) -> None:
    made = await kept(store, "p", tags=("x",))
    await store.users.remove(ANNA)
    with pytest.raises(NotFound):
        await store.pictures.get(made.id, ANNA)
    assert await store.files.mark_unused(30.0) == 3
