import asyncio

import pytest

from potluck.core.errors import Conflict, NotFound
from potluck.core.keys import digest
from potluck.core.model import UserId
from potluck.core.people import OWNER_ID, Role
from potluck.storage.ports import Storage
from potluck.storage.records import IdentityId, IdentityRecord, LinkId, LinkKind, LinkRecord, UserRecord

ISSUER = "https://id.example"
ANNA = UserRecord(UserId("anna"), "Anna", Role.MEMBER, 1.0)


def identity(name: str, *, subject: str = "", user: str = "anna", created_s: float = 1.0) -> IdentityRecord:
    return IdentityRecord(
        IdentityId(name), ISSUER, subject or name, UserId(user), "ä@example.org", created_s, created_s
    )


async def test_an_identity_is_found_by_issuer_and_subject_as_they_are(storage: Storage) -> None:
    await storage.users.add(ANNA)
    await storage.identities.add(identity("i", subject="Sub"))
    assert await storage.identities.find(ISSUER, "Sub") == identity("i", subject="Sub")
    for issuer, subject in ((ISSUER, "sub"), (ISSUER + "/", "Sub"), ("https://other.example", "Sub")):
        assert await storage.identities.find(issuer, subject) is None


async def test_an_identity_is_one_users_alone_and_a_user_may_have_several(storage: Storage) -> None:
    await storage.users.add(ANNA)
    await storage.identities.add(identity("b", created_s=2.0))
    await storage.identities.add(identity("a", created_s=1.0))
    with pytest.raises(Conflict):
        await storage.identities.add(identity("c", subject="a"))
    assert [each.id for each in await storage.identities.of_user(ANNA.id)] == ["a", "b"]
    assert await storage.identities.of_user(UserId("bert")) == ()


async def test_a_new_user_and_its_identity_come_together_or_not_at_all(storage: Storage) -> None:
    bert = UserRecord(UserId("bert"), "anna", Role.GUEST, 1.0)
    with pytest.raises(NotFound):
        await storage.identities.add(identity("i"))
    await storage.identities.add(identity("i"), user=ANNA)
    for taken in (identity("j", user="bert"), identity("k", subject="i", user="bert")):
        with pytest.raises(Conflict):
            await storage.identities.add(taken, user=bert)
    assert await storage.users.all() == (ANNA,)
    assert await storage.identities.of_user(bert.id) == ()


async def test_an_invitation_is_used_up_by_one_of_any_number_at_once(storage: Storage) -> None:
    for kind in (LinkKind.INVITE, LinkKind.RESET):
        await storage.links.add(LinkRecord(LinkId(kind), kind, digest(kind), OWNER_ID, 1.0, 100.0))

    async def use(name: str) -> bool:
        user = UserRecord(UserId(name), name, Role.GUEST, 2.0)
        try:
            await storage.identities.add(identity(name, user=name), user=user, invitation=digest(LinkKind.INVITE))
        except NotFound:
            return False
        return True

    assert sum(await asyncio.gather(*(use(f"u{number}") for number in range(4)))) == 1
    assert len(await storage.users.all()) == 1
    assert [each.kind for each in await storage.links.all()] == [LinkKind.RESET]


async def test_what_is_no_invitation_or_over_lets_nobody_in(storage: Storage) -> None:
    await storage.links.add(LinkRecord(LinkId("r"), LinkKind.RESET, digest("r"), OWNER_ID, 1.0, 100.0))
    await storage.links.add(LinkRecord(LinkId("old"), LinkKind.INVITE, digest("old"), OWNER_ID, 1.0, 5.0))
    for token in ("r", "old", "unknown"):
        with pytest.raises(NotFound):
            await storage.identities.add(identity("i", created_s=5.0), user=ANNA, invitation=digest(token))
    assert await storage.users.all() == ()


async def test_a_sign_in_is_noted(storage: Storage) -> None:
    await storage.identities.add(identity("i"), user=ANNA)
    await storage.identities.seen(IdentityId("i"), "new@example.org", 9.0)
    await storage.identities.seen(IdentityId("nobody"), "", 9.0)
    found = await storage.identities.find(ISSUER, "i")
    assert found is not None
    assert (found.email, found.created_s, found.last_used_s) == ("new@example.org", 1.0, 9.0)


async def test_an_identity_is_removed_by_its_user_alone_and_goes_with_it(storage: Storage) -> None:
    await storage.identities.add(identity("i"), user=ANNA)
    await storage.identities.add(identity("j"))
    with pytest.raises(NotFound):
        await storage.identities.remove(IdentityId("i"), UserId("bert"))
    await storage.identities.remove(IdentityId("i"), ANNA.id)
    with pytest.raises(NotFound):
        await storage.identities.remove(IdentityId("i"), ANNA.id)
    await storage.users.remove(ANNA.id)
    assert await storage.identities.find(ISSUER, "j") is None
