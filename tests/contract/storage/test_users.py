import asyncio

import msgspec
import pytest

from potluck.core.errors import Conflict, NotFound
from potluck.core.keys import digest
from potluck.core.limits import Limits
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind
from potluck.storage.ports import Storage
from potluck.storage.records import Conversation, ConversationId, KeyRecord, UserRecord


def user(name: str, *, id: str = "", role: Role = Role.MEMBER, created_s: float = 1.0) -> UserRecord:
    return UserRecord(UserId(id or name), name, role, created_s)


async def test_users_come_back_whole_and_oldest_first(storage: Storage) -> None:
    newer, older = user("newer", role=Role.GUEST, created_s=2.5), UserRecord(UserId("o"), "Ölder", Role.OWNER, 1.0, 1.5)
    await storage.users.add(newer)
    await storage.users.add(older)
    assert await storage.users.all() == (older, newer)


async def test_a_name_is_taken_whatever_its_case(storage: Storage) -> None:
    await storage.users.add(user("STRASSE", id="1"))
    with pytest.raises(Conflict, match="'Straße'"):
        await storage.users.add(user("Straße", id="2"))
    assert len(await storage.users.all()) == 1


async def test_of_two_adds_at_once_one_gets_the_name(storage: Storage) -> None:
    adds = (storage.users.add(user("a", id=str(number))) for number in range(4))
    outcomes = await asyncio.gather(*adds, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict"] * 3 + ["NoneType"]


async def test_role_and_disabling_change_and_tell_the_whole_user(storage: Storage) -> None:
    await storage.users.add(user("a"))
    assert await storage.users.set_role(UserId("a"), Role.ADMIN) == user("a", role=Role.ADMIN)
    disabled = await storage.users.set_disabled(UserId("a"), 5.0)
    assert (disabled.disabled, disabled.role) == (True, Role.ADMIN)
    assert not (await storage.users.set_disabled(UserId("a"), None)).disabled
    assert await storage.users.all() == (user("a", role=Role.ADMIN),)
    with pytest.raises(NotFound):
        await storage.users.set_role(UserId("b"), Role.ADMIN)
    with pytest.raises(NotFound):
        await storage.users.set_disabled(UserId("b"), 5.0)


async def test_limits_are_kept_and_taken_away(storage: Storage) -> None:
    limits = Limits(requests_per_minute=20, models=("chat", "ä"), priority=Kind.BATCH)
    await storage.users.add(msgspec.structs.replace(user("a"), limits=limits))
    assert (await storage.users.all())[0].limits == limits
    changed = await storage.users.set_limits(UserId("a"), Limits(concurrent=1))
    assert changed.limits == Limits(concurrent=1)
    assert (await storage.users.set_limits(UserId("a"), None)).limits is None
    assert await storage.users.all() == (user("a"),)
    with pytest.raises(NotFound):
        await storage.users.set_limits(UserId("b"), None)


async def test_a_user_goes_with_keys_and_conversations_and_nobody_elses(storage: Storage) -> None:
    for name in ("a", "b"):
        await storage.users.add(user(name))
        await storage.keys.add(KeyRecord(KeyId(name), name, "pk", digest(name), 1.0, user=UserId(name)))
        await storage.conversations.create(Conversation(ConversationId(name), UserId(name), "t", 1.0, 1.0))
    await storage.users.remove(UserId("a"))
    assert [each.id for each in await storage.users.all()] == ["b"]
    assert [each.user for each in await storage.keys.all()] == ["b"]
    assert not (await storage.conversations.list(UserId("a"), limit=5)).conversations
    assert (await storage.conversations.list(UserId("b"), limit=5)).conversations
    with pytest.raises(NotFound):
        await storage.users.remove(UserId("a"))
