import asyncio

import msgspec
import pytest

from potluck.core.errors import Conflict, NotFound
from potluck.core.keys import digest
from potluck.core.limits import Limits
from potluck.core.model import KeyId, UserId
from potluck.storage.ports import Storage
from potluck.storage.records import KeyRecord


def key(name: str, *, id: str = "", owner: bool = False, created_s: float = 1.0) -> KeyRecord:
    secret = f"pk-{id or name}"
    return KeyRecord(KeyId(id or name), name, secret[:9], digest(secret), created_s, owner=owner)


async def test_keys_come_back_whole_and_oldest_first(storage: Storage) -> None:
    newer, older = key("newer", owner=True, created_s=2.5), key("ölder", created_s=1.25)
    await storage.keys.add(newer)
    await storage.keys.add(older)
    assert await storage.keys.all() == (older, newer)


async def test_limits_are_kept_and_taken_away(storage: Storage) -> None:
    await storage.keys.add(msgspec.structs.replace(key("a"), limits=Limits(tokens_per_day=5)))
    assert (await storage.keys.all())[0].limits == Limits(tokens_per_day=5)
    assert (await storage.keys.set_limits(KeyId("a"), Limits(concurrent=2))).limits == Limits(concurrent=2)
    assert await storage.keys.set_limits(KeyId("a"), None) == key("a")
    with pytest.raises(NotFound):
        await storage.keys.set_limits(KeyId("b"), None)


async def test_a_name_is_taken_only_while_its_key_lives(storage: Storage) -> None:
    await storage.keys.add(key("a", id="1"))
    with pytest.raises(Conflict, match="'a'"):
        await storage.keys.add(key("a", id="2"))
    await storage.keys.revoke(KeyId("1"), 5.0)
    await storage.keys.add(key("a", id="2"))
    assert [(each.id, each.live) for each in await storage.keys.all()] == [("1", False), ("2", True)]


@pytest.mark.parametrize("same", ["id", "digest"])
async def test_an_id_and_a_digest_are_never_given_twice(storage: Storage, same: str) -> None:
    first = key("a")
    await storage.keys.add(first)
    await storage.keys.revoke(first.id, 2.0)
    second = KeyRecord(KeyId("a" if same == "id" else "b"), "b", "pk", first.digest if same == "digest" else b"b", 1.0)
    with pytest.raises(Conflict):
        await storage.keys.add(second)
    assert len(await storage.keys.all()) == 1


async def test_of_two_adds_at_once_one_gets_the_name(storage: Storage) -> None:
    adds = (storage.keys.add(key("a", id=str(number))) for number in range(5))
    outcomes = await asyncio.gather(*adds, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict"] * 4 + ["NoneType"]


async def test_the_first_revocation_stands(storage: Storage) -> None:
    await storage.keys.add(key("a"))
    assert (await storage.keys.revoke(KeyId("a"), 5.0)).revoked_s == 5.0
    assert (await storage.keys.revoke(KeyId("a"), 9.0)).revoked_s == 5.0
    with pytest.raises(NotFound):
        await storage.keys.revoke(KeyId("b"), 5.0)


async def test_a_replacement_takes_the_name_or_leaves_all_as_it_was(storage: Storage) -> None:
    await storage.keys.add(key("a", id="1"))
    await storage.keys.add(key("b", id="2"))
    with pytest.raises(Conflict):
        await storage.keys.replace(KeyId("1"), key("b", id="3"), 5.0)
    with pytest.raises(NotFound):
        await storage.keys.replace(KeyId("9"), key("c", id="3"), 5.0)
    assert all(each.live for each in await storage.keys.all())
    await storage.keys.replace(KeyId("1"), key("a", id="3"), 5.0)
    assert {each.id: each.revoked_s for each in await storage.keys.all()} == {"1": 5.0, "2": None, "3": None}


async def test_what_limits_a_key_comes_back(storage: Storage) -> None:
    limited = msgspec.structs.replace(key("a"), user=UserId("u"), expires_s=9.5, surfaces=("openai",), models=("ü",))
    await storage.keys.add(limited)
    assert await storage.keys.all() == (limited,)


async def test_a_key_that_another_follows_can_be_ended_before_its_time(storage: Storage) -> None:
    await storage.keys.add(key("a", id="1"))
    await storage.keys.replace(KeyId("1"), key("a", id="2"), 100.0)
    assert (await storage.keys.revoke(KeyId("1"), 50.0)).revoked_s == 50.0
    assert (await storage.keys.revoke(KeyId("1"), 60.0)).revoked_s == 50.0


async def test_the_time_of_use_never_goes_back(storage: Storage) -> None:
    await storage.keys.add(key("a"))
    await storage.keys.add(key("b"))
    await storage.keys.touch({})
    await storage.keys.touch({KeyId("a"): 5.0, KeyId("nobody"): 1.0})
    await storage.keys.touch({KeyId("a"): 4.0, KeyId("b"): 7.5})
    assert {each.id: each.last_used_s for each in await storage.keys.all()} == {"a": 5.0, "b": 7.5}
