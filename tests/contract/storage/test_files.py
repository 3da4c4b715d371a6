"""What every file store promises: above all that nothing which is referred to can be removed."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from potluck.core.errors import BadRequest, Conflict, NotFound, QuotaExceeded
from potluck.core.model import UserId
from potluck.core.people import Role
from potluck.storage.file_ports import REMOVAL_S, FileStore
from potluck.storage.ports import Storage
from potluck.storage.records import BlobState, Digest, FileId, FileRecord, UserRecord

ANNA, BERT = UserId("anna"), UserId("bert")
ONE, TWO = Digest("1" * 64), Digest("2" * 64)
MUCH = 1 << 62


@pytest.fixture
async def files(storage: Storage) -> FileStore:
    for user in (ANNA, BERT):
        await storage.users.add(UserRecord(user, user, Role.MEMBER, 1.0))
    return storage.files


def record(id: str, digest: Digest = ONE, user: UserId = ANNA, at: float = 10.0, **values: Any) -> FileRecord:
    fields: dict[str, Any] = {"size_bytes": 5, "name": id, "media_type": "text/plain", "purpose": "user_data"}
    return FileRecord(FileId(id), user, digest, created_s=at, **{**fields, **values})


async def kept(files: FileStore, name: str, *args: Any, **values: Any) -> FileRecord:
    made = record(name, *args, **values)
    await files.claim(made, MUCH)
    return await files.ready(made.id, made.created_s, stored=True)


async def seen(files: FileStore, **options: Any) -> list[str]:
    return [each.id for each in (await files.list(ANNA, 50.0, limit=10, **options)).files]


async def test_a_file_is_seen_when_its_bytes_are_in_the_store(files: FileStore) -> None:
    made = record("a", name="Größe \0.txt", size_bytes=3_000_000_000, expires_s=99.0)
    assert await files.claim(made, MUCH) is BlobState.COMING
    with pytest.raises(NotFound):
        await files.get(made.id, 11.0)
    assert await seen(files) == []
    ready = await files.ready(made.id, 12.0, stored=True)
    assert (ready.name, ready.size_bytes, ready.ready_s, ready.expires_s) == ("Größe .txt", 3_000_000_000, 12.0, 99.0)
    assert await files.get(made.id, 13.0, ANNA) == (ready, BlobState.STORED)
    assert await files.claim(record("b"), MUCH) is BlobState.STORED


async def test_bytes_that_wait_elsewhere_are_told_from_those_in_the_store(files: FileStore) -> None:
    made = record("a")
    await files.claim(made, MUCH)
    await files.ready(made.id, 12.0, stored=False)
    assert (await files.get(made.id, 13.0))[1] is BlobState.COMING
    await files.stored(ONE, 14.0)
    await files.stored(TWO, 14.0)
    assert (await files.get(made.id, 15.0))[1] is BlobState.STORED


async def test_nobody_else_has_hold_of_a_file(files: FileStore) -> None:
    made = await kept(files, "a")
    with pytest.raises(NotFound):
        await files.get(made.id, 20.0, BERT)
    with pytest.raises(NotFound):
        await files.delete(made.id, BERT)
    await files.delete(made.id, ANNA)
    with pytest.raises(NotFound):
        await files.get(made.id, 20.0)
    with pytest.raises(NotFound):
        await files.ready(made.id, 20.0, stored=True)


async def test_files_are_listed_newest_first_page_by_page(files: FileStore) -> None:
    for number in range(5):
        await kept(files, f"f{number}", at=10.0 + number // 2, purpose="batch" if number == 3 else "user_data")
    await kept(files, "other", user=BERT)
    page = await files.list(ANNA, 50.0, limit=2)
    assert ([each.id for each in page.files], page.more) == (["f4", "f3"], True)
    assert await seen(files, after=FileId("f3")) == ["f2", "f1", "f0"]
    assert await seen(files, oldest_first=True, after=FileId("f0")) == ["f1", "f2", "f3", "f4"]
    assert await seen(files, purpose="batch") == ["f3"]
    for unknown in ("other", "nothing"):
        with pytest.raises(BadRequest):
            await files.list(ANNA, 50.0, limit=2, after=FileId(unknown))


async def test_what_is_over_is_not_seen_and_is_given_up(files: FileStore) -> None:
    await kept(files, "over", expires_s=40.0)
    await kept(files, "later", expires_s=60.0)
    await files.claim(record("left", at=20.0), MUCH)
    await files.claim(record("under way", at=45.0), MUCH)
    assert await seen(files) == ["later"]
    assert await files.give_up(claimed_before_s=30.0, now=50.0) == 2
    assert (await files.totals(ANNA)).files == 2


async def test_a_quota_holds_what_is_on_its_way_in_too(files: FileStore) -> None:
    await files.claim(record("a", size_bytes=6), 10)
    with pytest.raises(QuotaExceeded, match="6 of 10"):
        await files.claim(record("b", size_bytes=5), 10)
    await files.claim(record("c", user=BERT, size_bytes=5), 10)
    await files.claim(record("d", size_bytes=4), 10)
    assert (await files.totals(ANNA)).bytes == 10
    with pytest.raises(NotFound, match="no such user"):
        await files.claim(record("e", user=UserId("nobody")), 10)


async def test_a_quota_is_exact_however_many_come_at_once(files: FileStore) -> None:
    claims = [files.claim(record(f"f{each}", Digest(f"{each:064}"), size_bytes=3), 20) for each in range(30)]
    results = await asyncio.gather(*claims, return_exceptions=True)
    assert sum(each is BlobState.COMING for each in results) == 6
    assert all(each is BlobState.COMING or isinstance(each, QuotaExceeded) for each in results)
    assert (await files.totals(ANNA)).bytes == 18


async def test_an_id_is_taken_once(files: FileStore) -> None:
    await files.claim(record("a"), MUCH)
    with pytest.raises(Conflict):
        await files.claim(record("a", TWO), MUCH)
    assert (await files.totals(ANNA)).files == 1


async def test_bytes_are_removed_only_when_no_file_refers_to_them_for_a_while(files: FileStore) -> None:
    await kept(files, "a")
    await kept(files, "b", user=BERT)
    assert await files.mark_unused(20.0) == 0
    await files.delete(FileId("a"))
    assert await files.mark_unused(20.0) == 0
    await files.delete(FileId("b"))
    assert await files.mark_unused(21.0) == 1
    assert await files.mark_unused(22.0) == 0
    assert await files.unused(21.0, 30.0, limit=9) == ()
    assert await files.unused(21.5, 30.0, limit=9) == (ONE,)
    assert await files.begin_removal(ONE, 30.0)
    assert await files.unused(99.0, 31.0, limit=9) == (), "one removes it already"
    assert not await files.begin_removal(ONE, 31.0)
    await files.end_removal(ONE)
    assert await files.blobs(limit=9) == ()


async def test_what_is_claimed_again_in_time_stays(files: FileStore) -> None:
    made = await kept(files, "a")
    await files.delete(made.id)
    await files.mark_unused(20.0)
    assert await files.claim(record("b", at=21.0), MUCH) is BlobState.STORED
    assert await files.unused(99.0, 99.0, limit=9) == ()
    assert not await files.begin_removal(ONE, 30.0)


async def test_bytes_under_removal_are_not_referred_to_before_they_are_gone(files: FileStore) -> None:
    await kept(files, "a")
    await files.delete(FileId("a"))
    await files.mark_unused(20.0)
    assert await files.begin_removal(ONE, 30.0)
    assert await files.claim(record("b", at=31.0), MUCH) is BlobState.REMOVING
    assert (await files.totals(ANNA)).files == 0
    await files.end_removal(ONE)
    assert await files.claim(record("b", at=32.0), MUCH) is BlobState.COMING, "the bytes must come anew"
    await files.end_removal(ONE)
    assert [each.files for each in await files.blobs(limit=9)] == [1]


async def test_a_removal_that_nobody_ends_is_taken_over(files: FileStore) -> None:
    for digest in (ONE, TWO):
        await kept(files, digest[0], digest)
        await files.delete(FileId(digest[0]))
    await files.mark_unused(20.0)
    assert await files.begin_removal(ONE, 30.0)
    assert await files.begin_removal(TWO, 30.0)
    late = 31.0 + REMOVAL_S
    assert set(await files.unused(99.0, late, limit=9)) == {ONE, TWO}
    assert await files.begin_removal(ONE, late)
    assert await files.claim(record("again", TWO, at=late), MUCH) is BlobState.COMING
    await files.end_removal(TWO)
    (two,) = [each for each in await files.blobs(limit=9) if each.digest == TWO]
    assert (two.state, two.files) == (BlobState.COMING, 1)


async def test_claims_and_removals_that_race_never_remove_what_is_referred_to(files: FileStore) -> None:
    """Whoever comes first: the reference stands and the bytes stay, or they go and the claim is told so."""
    for turn in range(15):
        digest, old = Digest(f"{turn:064}"), f"old{turn}"
        await kept(files, old, digest)
        await files.delete(FileId(old))
        await files.mark_unused(20.0)
        claims = [files.claim(record(f"{turn}-{each}", digest, at=30.0), MUCH) for each in range(3)]
        removals = [files.begin_removal(digest, 30.0) for _ in range(2)]
        *states, first, second = await asyncio.gather(*claims, *removals)
        assert (first, second) != (True, True)
        (blob,) = [each for each in await files.blobs(limit=99) if each.digest == digest]
        if first or second:
            assert (set(states), blob.files) == ({BlobState.REMOVING}, 0)
        else:
            assert (set(states), blob.files, blob.unused_s) == ({BlobState.STORED}, 3, None)


async def test_bytes_that_nobody_knows_are_taken_up_as_unused(files: FileStore) -> None:
    await kept(files, "a")
    assert await files.adopt([(ONE, 5), (TWO, 7)], 20.0) == 1
    assert await files.adopt([(ONE, 5), (TWO, 7)], 30.0) == 0
    assert await files.adopt([], 30.0) == 0
    assert await files.unused(25.0, 40.0, limit=9) == (TWO,)


async def test_blobs_are_listed_by_digest_with_how_they_stand(files: FileStore) -> None:
    await kept(files, "a")
    await kept(files, "b")
    await files.adopt([(TWO, 7)], 20.0)
    everything = await files.blobs(limit=9)
    assert [(each.digest, each.size_bytes, each.state, each.files, each.unused_s) for each in everything] == [
        (ONE, 5, BlobState.STORED, 2, None),
        (TWO, 7, BlobState.STORED, 0, 20.0),
    ]
    assert await files.blobs(limit=9, after=ONE) == everything[1:]
    assert all(first.digest < second.digest for first, second in pairwise(everything))


async def test_a_users_files_go_with_the_user(files: FileStore, storage: Storage) -> None:
    await kept(files, "a")
    await kept(files, "b", user=BERT)
    await storage.users.remove(ANNA)
    assert await files.totals(ANNA) == type(await files.totals(ANNA))()
    assert (await files.totals(BERT)).files == 1
