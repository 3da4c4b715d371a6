import asyncio

import pytest

from potluck.core.errors import Conflict, NotFound
from potluck.core.keys import digest
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.storage.ports import Storage
from potluck.storage.records import (
    FactorRecord,
    PasswordRecord,
    SessionId,
    SessionRecord,
    SignInWays,
    UserRecord,
)

ANNA, BERT = UserId("anna"), UserId("bert")


async def people(storage: Storage) -> None:
    """Anna with two sessions, Bert with one."""
    for user in (ANNA, BERT):
        await storage.users.add(UserRecord(user, user, Role.MEMBER, 1.0))
    for name, user in (("a1", ANNA), ("a2", ANNA), ("b1", BERT)):
        await storage.sessions.add(SessionRecord(SessionId(name), user, KeyId("k"), digest(name), "Browser", 1.0, 1.0))


async def sessions(storage: Storage) -> list[str]:
    return [each.id for each in await storage.sessions.all()]


async def test_a_password_is_set_changed_and_ends_the_other_sessions(storage: Storage) -> None:
    await people(storage)
    assert await storage.credentials.password(ANNA) is None
    await storage.credentials.set_password(PasswordRecord(ANNA, "one", 2.0), keep=SessionId("a2"))
    assert await storage.credentials.password(ANNA) == PasswordRecord(ANNA, "one", 2.0)
    assert await sessions(storage) == ["a2", "b1"]
    await storage.credentials.set_password(PasswordRecord(ANNA, "two", 3.0))
    assert await storage.credentials.password(ANNA) == PasswordRecord(ANNA, "two", 3.0)
    assert await sessions(storage) == ["b1"]
    with pytest.raises(NotFound):
        await storage.credentials.set_password(PasswordRecord(UserId("nobody"), "x", 3.0))


async def test_another_hash_of_a_password_does_not_undo_its_change(storage: Storage) -> None:
    await people(storage)
    old = PasswordRecord(ANNA, "old", 2.0)
    await storage.credentials.set_password(old)
    assert await storage.credentials.rehash(old, "old, stronger")
    assert await storage.credentials.password(ANNA) == PasswordRecord(ANNA, "old, stronger", 2.0)
    assert not await storage.credentials.rehash(old, "older")


async def test_a_second_factor_is_begun_anew_until_it_is_confirmed(storage: Storage) -> None:
    await people(storage)
    first, second = FactorRecord(ANNA, b"\x00one", 1.0), FactorRecord(ANNA, b"\xfftwo", 2.0)
    for each in (first, second):
        await storage.credentials.begin_factor(each)
    assert await storage.credentials.factor(ANNA) == second
    assert await storage.credentials.standing() == {}
    with pytest.raises(Conflict):
        await storage.credentials.confirm_factor(first, 5, [b"c1"], 3.0)
    await storage.credentials.confirm_factor(second, 5, [b"c1", b"c2"], 3.0)
    assert await storage.credentials.factor(ANNA) == FactorRecord(ANNA, b"\xfftwo", 2.0, 3.0, 5)
    for again in (storage.credentials.begin_factor(first), storage.credentials.confirm_factor(second, 6, [b"x"], 4.0)):
        with pytest.raises(Conflict):
            await again
    assert await storage.credentials.codes_left(ANNA) == 2
    await storage.credentials.set_password(PasswordRecord(BERT, "hash", 2.0))
    assert await storage.credentials.standing() == {ANNA: SignInWays(factor=True), BERT: SignInWays(password=True)}


async def test_a_step_and_a_recovery_code_are_taken_once_however_many_ask(storage: Storage) -> None:
    await people(storage)
    begun = FactorRecord(ANNA, b"s", 1.0)
    await storage.credentials.begin_factor(begun)
    await storage.credentials.confirm_factor(begun, 5, [b"c1", b"c2"], 3.0)
    assert not await storage.credentials.take_step(ANNA, 5)
    taken = await asyncio.gather(*(storage.credentials.take_step(ANNA, 6) for _ in range(5)))
    used = await asyncio.gather(*(storage.credentials.take_code(ANNA, b"c1") for _ in range(5)))
    assert (sorted(taken), sorted(used)) == ([False] * 4 + [True], [False] * 4 + [True])
    assert not await storage.credentials.take_code(BERT, b"c2")
    assert await storage.credentials.codes_left(ANNA) == 1


async def test_a_second_factor_goes_with_its_codes(storage: Storage) -> None:
    await people(storage)
    begun = FactorRecord(ANNA, b"s", 1.0)
    await storage.credentials.begin_factor(begun)
    await storage.credentials.confirm_factor(begun, 5, [b"c1"], 3.0)
    await storage.credentials.drop_factor(ANNA)
    assert await storage.credentials.factor(ANNA) is None
    assert await storage.credentials.codes_left(ANNA) == 0
    with pytest.raises(NotFound):
        await storage.credentials.drop_factor(ANNA)


async def test_a_removed_user_leaves_nothing_to_sign_in_with(storage: Storage) -> None:
    await people(storage)
    await storage.credentials.set_password(PasswordRecord(ANNA, "hash", 2.0))
    begun = FactorRecord(ANNA, b"s", 1.0)
    await storage.credentials.begin_factor(begun)
    await storage.credentials.confirm_factor(begun, 5, [b"c1"], 3.0)
    await storage.users.remove(ANNA)
    assert await storage.credentials.password(ANNA) is None
    assert await storage.credentials.factor(ANNA) is None
    assert await storage.credentials.codes_left(ANNA) == 0
