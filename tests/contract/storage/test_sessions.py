import pytest

from potluck.core.errors import NotFound
from potluck.core.keys import digest
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.storage.ports import Storage
from potluck.storage.records import SessionId, SessionRecord, UserRecord


def session(name: str, *, user: str = "anna", created_s: float = 1.0, used_s: float = 1.0) -> SessionRecord:
    return SessionRecord(SessionId(name), UserId(user), KeyId("k"), digest(name), "Browser/ü", created_s, used_s)


async def test_sessions_come_back_whole_and_oldest_first(storage: Storage) -> None:
    newer, older = session("newer", created_s=2.5), session("older", created_s=1.25)
    await storage.sessions.add(newer)
    await storage.sessions.add(older)
    assert await storage.sessions.all() == (older, newer)


async def test_a_session_is_ended_by_its_user_alone(storage: Storage) -> None:
    await storage.sessions.add(session("a"))
    with pytest.raises(NotFound):
        await storage.sessions.remove(SessionId("a"), UserId("bert"))
    await storage.sessions.remove(SessionId("a"), UserId("anna"))
    with pytest.raises(NotFound):
        await storage.sessions.remove(SessionId("a"), UserId("anna"))


async def test_the_time_of_use_never_goes_back(storage: Storage) -> None:
    await storage.sessions.add(session("a"))
    await storage.sessions.touch({})
    await storage.sessions.touch({SessionId("a"): 5.0, SessionId("nobody"): 5.0})
    await storage.sessions.touch({SessionId("a"): 4.0})
    assert [each.last_used_s for each in await storage.sessions.all()] == [5.0]


async def test_those_that_are_over_are_forgotten(storage: Storage) -> None:
    for each in (session("old", created_s=5.0, used_s=90.0), session("idle", created_s=50.0, used_s=60.0)):
        await storage.sessions.add(each)
    await storage.sessions.add(session("live", created_s=50.0, used_s=90.0))
    assert await storage.sessions.prune(begun_before_s=5.0, used_before_s=60.0) == 2
    assert [each.id for each in await storage.sessions.all()] == ["live"]


async def test_a_removed_users_sessions_go_along(storage: Storage) -> None:
    await storage.users.add(UserRecord(UserId("anna"), "anna", Role.MEMBER, 1.0))
    await storage.sessions.add(session("a"))
    await storage.sessions.add(session("b", user="bert"))
    await storage.users.remove(UserId("anna"))
    assert [each.id for each in await storage.sessions.all()] == ["b"]
