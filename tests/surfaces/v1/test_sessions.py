from __future__ import annotations

import msgspec
import pytest

from potluck.core.keys import digest
from potluck.core.people import own_key
from potluck.core.scopes import Scope
from potluck.gateway.port import NOBODY

from .world import ANNA, BERT, GUEST, World

PATH = "/api/v1/sessions"


@pytest.mark.parametrize(
    ("origin", "name"), [("https://potluck.example", "__Host-potluck"), ("http://box:8420", "potluck")]
)
async def test_a_session_is_begun_with_a_key_and_its_token_is_only_in_the_cookie(origin: str, name: str) -> None:
    world, host = World(), origin.partition("//")[2]
    served = await world.ask("POST", PATH, headers={"origin": origin, "host": host, "user-agent": "Browser/1"})
    told = served.json()
    assert (served.status, told["agent"], told["current"]) == (201, "Browser/1", True)
    cookie = served.headers["set-cookie"]
    token = cookie.split(";")[0].removeprefix(f"{name}=")
    assert cookie.endswith("; Secure") == (name != "potluck")
    assert "HttpOnly; SameSite=Strict" in cookie
    (record,) = world.sessions.records
    assert (record.digest, record.user, record.key) == (digest(token), "anna", ANNA.key)
    assert token.encode() not in served.body
    assert served.headers["cache-control"] == "no-store"


async def test_one_sees_and_ends_ones_own_sessions() -> None:
    world = World()
    first = (await world.ask("POST", PATH)).json()["id"]
    second = (await world.ask("POST", PATH)).json()["id"]
    theirs = (await world.ask("POST", PATH, caller=BERT)).json()["id"]
    here = msgspec.structs.replace(ANNA, session=second)
    listed = (await world.ask("GET", PATH, caller=here)).json()["sessions"]
    assert [(each["id"], each["current"]) for each in listed] == [(first, False), (second, True)]
    assert (await world.ask("DELETE", f"{PATH}/{theirs}", caller=here)).status == 404
    assert (await world.ask("DELETE", f"{PATH}/{first}", caller=here)).status == 204
    assert (await world.ask("DELETE", f"{PATH}/current", caller=here)).status == 204
    assert [record.id for record in world.sessions.records] == [theirs]
    assert (await world.ask("DELETE", f"{PATH}/current", caller=BERT)).status == 404
    assert world.key_changes == 5


async def test_ending_the_session_one_is_in_takes_its_cookie_away() -> None:
    world = World()
    made = [(await world.ask("POST", PATH)).json()["id"] for _ in range(2)]
    here = msgspec.structs.replace(ANNA, session=made[0])
    assert "set-cookie" not in (await world.ask("DELETE", f"{PATH}/{made[1]}", caller=here)).headers
    assert "Max-Age=0" in (await world.ask("DELETE", f"{PATH}/{made[0]}", caller=here)).headers["set-cookie"]


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_no_other_page_signs_somebody_in(headers: dict[str, str]) -> None:
    world = World()
    assert (await world.ask("POST", f"{PATH}?key=pk-evil", headers=headers)).status == 403
    assert not world.sessions.records


async def test_neither_a_session_nor_a_limited_key_begins_a_session() -> None:
    world = World()
    assert (await world.ask("POST", PATH, caller=msgspec.structs.replace(ANNA, session="s"))).status == 400
    limited = msgspec.structs.replace(ANNA, scope=Scope(models=("m",)))
    assert (await world.ask("POST", PATH, caller=limited)).status == 403
    assert not world.sessions.records


async def test_sessions_that_are_over_go_and_nobody_has_more_than_fifty() -> None:
    world = World()
    old = (await world.ask("POST", PATH, caller=GUEST)).json()["id"]
    world.now += 200.0
    made = [(await world.ask("POST", PATH)).json()["id"] for _ in range(52)]
    kept = [record.id for record in world.sessions.records]
    assert old not in kept
    assert kept == made[2:]


async def test_without_a_key_nothing_begins() -> None:
    served = await World().ask("POST", PATH, caller=NOBODY)
    assert (served.status, served.json()["error"]["type"]) == (401, "unauthenticated")
    assert (await World().ask("GET", PATH, caller=NOBODY)).status == 401


async def test_a_session_of_who_came_without_a_key_hangs_on_none() -> None:
    world = World()
    people = world.app.state.services.people
    record, token = await people.sign_in(ANNA.user, "Browser", world.app.state.services.lifetimes)
    assert (record.user, record.key, record.digest) == (ANNA.user, own_key(ANNA.user), digest(token))
    assert world.key_changes == 1
