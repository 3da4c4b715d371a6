import asyncio

import pytest

from potluck.core.errors import Conflict, NotFound
from potluck.core.keys import digest
from potluck.core.model import KeyId, UserId
from potluck.core.people import OWNER_ID, Role
from potluck.storage.ports import Storage
from potluck.storage.records import (
    LinkId,
    LinkKind,
    LinkRecord,
    PasswordRecord,
    SessionId,
    SessionRecord,
    UserRecord,
)

OWNER = UserRecord(OWNER_ID, "owner", Role.OWNER, 1.0)


def link(
    name: str, kind: LinkKind = LinkKind.INVITE, *, created_s: float = 1.0, expires_s: float = 100.0, user: str = ""
) -> LinkRecord:
    made = LinkRecord(LinkId(name), kind, digest(name), OWNER_ID, created_s, expires_s, UserId(user))
    return (
        made if user else LinkRecord(*(getattr(made, field) for field in made.__struct_fields__[:7]), Role.GUEST, "Ä")
    )


def newcomer(id_: str, name: str = "Anna") -> tuple[UserRecord, PasswordRecord]:
    return UserRecord(UserId(id_), name, Role.GUEST, 2.0), PasswordRecord(UserId(id_), f"hash of {id_}", 2.0)


async def test_links_come_back_whole_and_those_that_are_over_go(storage: Storage) -> None:
    over, newer, older = link("over", expires_s=2.5), link("newer", created_s=2.5), link("older", created_s=2.0)
    for each in (over, older, newer):
        await storage.links.add(each)
    assert await storage.links.all() == (older, newer)
    assert await storage.links.find(digest("older")) == older
    assert await storage.links.find(digest("nobody's")) is None
    await storage.links.remove(LinkId("older"))
    with pytest.raises(NotFound):
        await storage.links.remove(LinkId("older"))


async def test_a_user_has_one_link_of_a_kind_and_invitations_are_many(storage: Storage) -> None:
    for each in (
        link("i1"),
        link("i2"),
        link("r1", LinkKind.RESET, user="anna"),
        link("r2", LinkKind.RESET, user="anna"),
        link("r3", LinkKind.RESET, user="bert"),
        link("s1", LinkKind.SETUP, user="owner"),
        link("s2", LinkKind.SETUP, user="owner"),
    ):
        await storage.links.add(each)
    assert [each.id for each in await storage.links.all()] == ["i1", "i2", "r2", "r3", "s2"]


async def test_an_invitation_makes_one_user_however_many_accept_it(storage: Storage) -> None:
    await storage.links.add(link("i"))
    accepts = (storage.links.redeem(digest("i"), *newcomer(f"u{number}", f"A{number}")) for number in range(5))
    outcomes = await asyncio.gather(*accepts, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", *["NotFound"] * 4]
    (made,) = await storage.users.all()
    assert (made.role, made.created_s) == (Role.GUEST, 2.0)
    password = await storage.credentials.password(made.id)
    assert password is not None
    assert password.hash == f"hash of {made.id}"


async def test_a_name_that_is_taken_leaves_the_link_as_it_was(storage: Storage) -> None:
    await storage.users.add(UserRecord(UserId("a"), "ANNA", Role.MEMBER, 1.0))
    await storage.links.add(link("i"))
    with pytest.raises(Conflict):
        await storage.links.redeem(digest("i"), *newcomer("u"))
    assert await storage.credentials.password(UserId("u")) is None
    await storage.links.redeem(digest("i"), *newcomer("u", "Anna 2"))
    assert [each.name for each in await storage.users.all()] == ["ANNA", "Anna 2"]


async def test_a_link_that_is_over_or_not_there_makes_nobody(storage: Storage) -> None:
    await storage.links.add(link("i", expires_s=2.0))
    for name in ("i", "nobody's"):
        with pytest.raises(NotFound):
            await storage.links.redeem(digest(name), *newcomer("u"))
    assert await storage.users.all() == ()


async def test_a_new_password_by_a_link_ends_the_users_sessions(storage: Storage) -> None:
    await storage.users.add(UserRecord(UserId("a"), "Anna", Role.MEMBER, 1.0))
    await storage.credentials.set_password(PasswordRecord(UserId("a"), "old", 1.0))
    await storage.sessions.add(SessionRecord(SessionId("s"), UserId("a"), KeyId("k"), b"d", "Browser", 1.0, 1.0))
    await storage.links.add(link("r", LinkKind.RESET, user="a"))
    user, password = newcomer("a")
    await storage.links.redeem(digest("r"), user, password)
    assert await storage.credentials.password(UserId("a")) == password
    assert await storage.sessions.all() == ()
    assert [(each.name, each.role) for each in await storage.users.all()] == [("Anna", Role.MEMBER)]


async def test_a_change_of_password_ends_links_for_another(storage: Storage) -> None:
    await storage.users.add(UserRecord(UserId("a"), "Anna", Role.MEMBER, 1.0))
    for each in (link("r", LinkKind.RESET, user="a"), link("other", LinkKind.RESET, user="b"), link("i")):
        await storage.links.add(each)
    await storage.credentials.set_password(PasswordRecord(UserId("a"), "new", 2.0))
    assert [each.id for each in await storage.links.all()] == ["i", "other"]


async def test_a_link_of_a_user_who_is_gone_goes_along(storage: Storage) -> None:
    await storage.users.add(UserRecord(UserId("a"), "Anna", Role.MEMBER, 1.0))
    await storage.links.add(link("r", LinkKind.RESET, user="a"))
    await storage.users.remove(UserId("a"))
    with pytest.raises(NotFound):
        await storage.links.redeem(digest("r"), *newcomer("a"))


async def test_the_owner_is_set_up_and_named_once(storage: Storage) -> None:
    await storage.users.add(OWNER)
    await storage.links.add(link("s", LinkKind.SETUP, user="owner"))
    named = UserRecord(OWNER_ID, "Olga", Role.OWNER, 1.0)
    await storage.links.redeem(digest("s"), named, PasswordRecord(OWNER_ID, "hash", 2.0))
    assert await storage.users.all() == (named,)
    await storage.links.add(link("again", LinkKind.SETUP, user="owner"))
    with pytest.raises(NotFound):
        await storage.links.redeem(digest("again"), OWNER, PasswordRecord(OWNER_ID, "other", 2.0))
    assert await storage.users.all() == (named,)
