"""Keys as real clients present them."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.keys import digest
from potluck.core.model import KeyId, UserId
from potluck.core.people import Right, Role, own_key
from potluck.core.sessions import Lifetimes
from potluck.storage.records import KeyRecord, UserRecord
from potluck.surfaces.auth import Keyring, RequireKey, presented_keys
from potluck.surfaces.sessions import Sessions

KEY = "pk-0123456789"


USERS = [UserRecord(UserId("anna"), "Anna", Role.MEMBER, 0.0), UserRecord(UserId("otto"), "Otto", Role.OWNER, 0.0)]


def record(name: str, key: str, *, revoked_s: float | None = None, user: str = "anna") -> KeyRecord:
    return KeyRecord(KeyId(name), name, key[:5], digest(key), 0.0, revoked_s=revoked_s, user=UserId(user))


def keyring(*records: KeyRecord) -> Keyring:
    ring = Keyring(lambda: 7.0)
    ring.replace(records or [record("anna", KEY)], USERS)
    return ring


BASIC = base64.b64encode(f"user:{KEY}".encode())


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([(b"authorization", b"Bearer " + KEY.encode())], b""),
        ([(b"authorization", b"bearer  " + KEY.encode())], b""),
        ([(b"x-api-key", KEY.encode())], b""),
        ([(b"api-key", KEY.encode())], b""),
        ([(b"authorization", b"Basic " + BASIC)], b""),
        ([], b"key=" + KEY.encode()),
        ([], b"a=b&token=" + KEY.encode()),
        ([(b"authorization", b"Digest x"), (b"x-api-key", KEY.encode())], b""),
        # A setting left empty, and another service's key beside ours, in either order.
        ([(b"authorization", b"Bearer "), (b"x-api-key", KEY.encode())], b""),
        ([(b"x-api-key", b""), (b"authorization", b"Bearer " + KEY.encode())], b""),
        ([(b"x-api-key", b"sk-other"), (b"authorization", b"Bearer " + KEY.encode())], b""),
        ([(b"authorization", b"Bearer sk-other"), (b"x-api-key", KEY.encode())], b""),
        ([(b"authorization", b"Basic " + base64.b64encode(b"proxy:pass"))], b"key=" + KEY.encode()),
    ],
)
def test_every_way_a_client_can_present_a_key_works(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    assert keyring().caller(headers, query).name == "anna"


@pytest.mark.parametrize(
    "headers",
    [[], [(b"authorization", b"Bearer wrong")], [(b"authorization", b"Basic !!!")], [(b"x-api-key", b"")]],
)
def test_everything_else_is_refused_without_repeating_it(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        keyring().caller(headers)
    assert "wrong" not in str(refused.value)


def test_a_revoked_key_is_refused_from_the_moment_it_is_known() -> None:
    ring = keyring()
    headers = [(b"x-api-key", KEY.encode())]
    ring.caller(headers)
    ring.replace([record("anna", KEY, revoked_s=1.0)], USERS)
    with pytest.raises(Unauthenticated):
        ring.caller(headers)


def test_the_last_use_of_each_key_is_told_once() -> None:
    ring = keyring()
    ring.caller([(b"x-api-key", KEY.encode())])
    assert ring.take_used() == {"anna": 7.0}
    assert ring.take_used() == {}


def test_a_key_may_what_its_users_role_may() -> None:
    caller = keyring(record("k", KEY, user="otto")).caller([(b"x-api-key", KEY.encode())])
    assert (caller.key, caller.user, caller.role) == ("k", "otto", Role.OWNER)
    assert caller.may(Right.MANAGE_PEOPLE)
    assert not keyring().caller([(b"x-api-key", KEY.encode())]).may(Right.MANAGE_PEOPLE)


@pytest.mark.parametrize("users", [[], [msgspec.structs.replace(USERS[0], disabled_s=5.0)]])
def test_a_key_whose_user_is_gone_or_disabled_is_refused(users: list[UserRecord]) -> None:
    ring = keyring()
    ring.replace([record("anna", KEY)], users)
    with pytest.raises(Unauthenticated):
        ring.caller([(b"x-api-key", KEY.encode())])


def timed(now: list[float], **values: object) -> Keyring:
    ring = Keyring(lambda: now[0])
    ring.replace([msgspec.structs.replace(record("anna", KEY), **values)], USERS)
    return ring


def test_an_expired_key_is_told_so_from_its_very_moment_on() -> None:
    now = [7.0]
    ring = timed(now, expires_s=9.0)
    headers = [(b"x-api-key", KEY.encode())]
    now[0] = 8.99
    assert ring.caller(headers).end_s == 9.0
    now[0] = 9.0
    with pytest.raises(Unauthenticated, match="expired"):
        ring.caller(headers)
    assert ring.take_used() == {"anna": 8.99}


def test_an_expired_key_does_not_hide_a_valid_one_beside_it() -> None:
    ring = Keyring(lambda: 7.0)
    ring.replace([record("anna", KEY), msgspec.structs.replace(record("old", "pk-old"), expires_s=5.0)], USERS)
    old = (b"authorization", b"Bearer pk-old")
    assert ring.caller([old, (b"x-api-key", KEY.encode())]).key == "anna"
    assert ring.caller([old], b"key=" + KEY.encode()).key == "anna"
    for headers, query in (([old], b""), ([], b"key=pk-old"), ([old, (b"x-api-key", b"wrong")], b"")):
        with pytest.raises(Unauthenticated, match="expired"):
            ring.caller(headers, query)


def test_a_key_that_another_follows_is_valid_until_its_end() -> None:
    now = [7.0]
    ring = timed(now, revoked_s=8.0, expires_s=99.0)
    assert ring.caller([(b"x-api-key", KEY.encode())]).end_s == 8.0
    now[0] = 8.0
    with pytest.raises(Unauthenticated):
        ring.caller([(b"x-api-key", KEY.encode())])


async def test_a_limited_key_is_kept_to_its_surfaces() -> None:
    ring = timed([7.0], surfaces=("openai", "ollama"))
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    door = RequireKey(app, ring)
    for path in ("/v1/models", "/api/tags"):
        await door({"type": "http", "method": "GET", "path": path, "headers": [(b"x-api-key", KEY.encode())]}, app, app)
    for path in ("/api/v1/models", "/v1/messages/count_tokens", "/metrics"):
        with pytest.raises(Forbidden, match="It is for openai, ollama"):
            await door(
                {"type": "http", "method": "GET", "path": path, "headers": [(b"x-api-key", KEY.encode())]}, app, app
            )
    assert reached == ["/v1/models", "/api/tags"]


def test_a_limited_key_may_not_what_would_lift_its_limits() -> None:
    ring = Keyring(lambda: 7.0)
    ring.replace([msgspec.structs.replace(record("k", KEY, user="otto"), models=("m",))], USERS)
    caller = ring.caller([(b"x-api-key", KEY.encode())])
    assert caller.may(Right.INFER)
    assert not caller.may(Right.OWN_KEYS)
    assert "limited" in caller.refusal(Right.OWN_KEYS).message
    assert (caller.sees("m:latest"), caller.sees("n")) == (True, False)


@pytest.mark.parametrize(
    ("headers", "comes_in"),
    [([], ""), ([(b"cookie", b"potluck=over")], ""), ([(b"x-api-key", KEY.encode())], "anna")],
    ids=["nothing", "a session that is over", "a key"],
)
async def test_who_signs_in_needs_no_key(headers: list[tuple[bytes, bytes]], comes_in: str) -> None:
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["state"]["caller"].user)

    ring = Keyring(lambda: 7.0, Sessions(lambda: 7.0, Lifetimes()))
    ring.replace([record("k", KEY)], USERS)
    door = RequireKey(app, ring)
    scope = {"type": "http", "method": "POST", "path": "/api/v1/sessions", "headers": headers}
    await door(scope, app, app)
    assert asked == [comes_in]
    with pytest.raises(Unauthenticated):
        await door({**scope, "headers": [(b"x-api-key", b"wrong")]}, app, app)
    for other in ({"path": "/api/v1/users/me"}, {"method": "DELETE"}):
        with pytest.raises(Unauthenticated):
            await door({**scope, "headers": [], **other}, app, app)


def test_users_who_came_without_a_key_are_themselves_as_long_as_they_may_come_in() -> None:
    ring = keyring()
    anna = ring.of_key(own_key(UserId("anna")))
    assert anna is not None
    assert (anna.user, anna.name, anna.role) == ("anna", "Anna", Role.MEMBER)
    assert ring.callers()[anna.key] is anna
    ring.replace([], [msgspec.structs.replace(USERS[0], disabled_s=1.0), USERS[1]])
    assert ring.of_key(own_key(UserId("anna"))) is None


def test_users_are_named_from_memory() -> None:
    assert [keyring().name_of(UserId(user)) for user in ("anna", "nobody")] == ["Anna", "nobody"]


@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-api-key", b"x"]), st.binary())), st.binary())
def test_no_header_whatever_crashes_it(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    assert all(presented_keys(headers, query))
    with pytest.raises(Unauthenticated):
        keyring().caller(headers, query)
