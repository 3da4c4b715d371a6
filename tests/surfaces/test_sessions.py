"""Cookies in place of keys."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.keys import digest
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.core.sessions import Lifetimes
from potluck.storage.records import KeyRecord, SessionId, SessionRecord, UserRecord
from potluck.surfaces.auth import Keyring
from potluck.surfaces.sessions import Sessions

KEY = KeyRecord(KeyId("k"), "laptop", "pk-1", digest("pk-1"), 0.0, user=UserId("anna"))
ANNA = UserRecord(UserId("anna"), "Anna", Role.MEMBER, 0.0)
COOKIE = (b"cookie", b"theme=dark; potluck=token")
OURS = [COOKIE, (b"host", b"here:8420"), (b"origin", b"http://here:8420")]


class House:
    """Anna's key and the session that she began with it, at a time of the test's."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sessions = Sessions(lambda: self.now, Lifetimes(idle_s=10.0, length_s=50.0))
        self.keyring = Keyring(lambda: self.now, self.sessions)
        self.learn(KEY, ANNA)

    def learn(self, key: KeyRecord, user: UserRecord) -> None:
        session = SessionRecord(SessionId("s"), UserId("anna"), key.id, digest("token"), "Browser", 100.0, 100.0)
        self.keyring.replace([key], [user])
        self.sessions.replace([session], self.keyring.callers())


def test_a_cookie_stands_for_the_key_it_was_begun_with() -> None:
    house = House()
    caller = house.keyring.caller(OURS, b"", b"POST")
    assert (caller.user, caller.key, caller.session, caller.role) == ("anna", "k", "s", Role.MEMBER)
    assert house.sessions.take_used() == {"s": 100.0}
    assert house.sessions.take_used() == house.keyring.take_used() == {}


def test_a_session_ends_when_it_is_not_used_and_at_its_age_in_any_case() -> None:
    house = House()
    for house.now in (109.0, 118.0, 127.0, 136.0, 145.0):
        house.learn(KEY, ANNA)  # what storage has not been told yet is not forgotten
        house.keyring.caller([COOKIE])
    house.now = 150.0
    with pytest.raises(Unauthenticated, match="over"):
        house.keyring.caller([COOKIE])
    house = House()
    house.now = 110.0
    with pytest.raises(Unauthenticated, match="over"):
        house.keyring.caller([COOKIE])


@pytest.mark.parametrize(
    ("key", "user"),
    [
        (msgspec.structs.replace(KEY, revoked_s=99.0), ANNA),
        (msgspec.structs.replace(KEY, expires_s=100.0), ANNA),
        (KEY, msgspec.structs.replace(ANNA, disabled_s=99.0)),
        (msgspec.structs.replace(KEY, user=UserId("bert")), msgspec.structs.replace(ANNA, id=UserId("bert"))),
    ],
    ids=["revoked", "expired", "disabled", "another's"],
)
def test_a_session_ends_with_its_key_and_its_user(key: KeyRecord, user: UserRecord) -> None:
    house = House()
    house.learn(key, user)
    with pytest.raises(Unauthenticated):
        house.keyring.caller([COOKIE])


def test_what_another_site_may_have_forged_changes_nothing_and_keeps_no_session_alive() -> None:
    house = House()
    for headers in ([COOKIE], [COOKIE, (b"host", b"here"), (b"origin", b"http://evil.example")]):
        with pytest.raises(Forbidden):
            house.keyring.caller(headers, b"", b"POST")
    assert house.sessions.take_used() == {}
    assert house.keyring.caller([COOKIE, (b"sec-fetch-site", b"same-origin")], b"", b"DELETE").session == "s"


def test_a_wrong_key_is_not_made_good_by_a_cookie_and_a_right_one_needs_none() -> None:
    house = House()
    with pytest.raises(Unauthenticated):
        house.keyring.caller([*OURS, (b"x-api-key", b"wrong")], b"", b"POST")
    assert house.keyring.caller([(b"cookie", b"potluck=old"), (b"x-api-key", b"pk-1")], b"", b"POST").session == ""


@pytest.mark.parametrize("cookie", [b"potluck=wrong", b"potluck=\xff", b"theme=dark"])
def test_every_other_cookie_is_refused(cookie: bytes) -> None:
    with pytest.raises(Unauthenticated):
        House().keyring.caller([(b"cookie", cookie)])
