"""Passwords, one-time links and sessions, over HTTP, by browsers with cookies, on a real database."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potluck.core.errors import PotluckError
from potluck.core.people import OWNER_ID, Role
from potluck.core.scopes import Scope
from potluck.gateway.making_links import LinkMaker

from .house import PASSWORD, House, house
from .world import GUEST

SESSIONS, LINKS = "/api/v1/sessions", "/api/v1/invitations"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


# --- Signing in ------------------------------------------------------------------------------------------------------


async def test_name_and_password_begin_a_session_whatever_the_names_case(home: House) -> None:
    await home.newcomer("Anna")
    browser = home.browser()
    begun = await browser.sign_in(" ANNA ")
    assert (begun.status, begun.body["current"]) == (201, True)
    assert (begun.headers["cache-control"], PASSWORD in str(begun.body)) == ("no-store", False)
    for line in begun.headers.get_list("set-cookie"):
        assert "HttpOnly; SameSite=Strict" in line
    me = await browser.ask("GET", "/api/v1/users/me")
    assert (me.body["name"], me.body["role"], me.body["password"]) == ("Anna", "member", True)
    assert (await browser.ask("DELETE", f"{SESSIONS}/current")).status == 204
    assert (await browser.ask("GET", "/api/v1/users/me")).status == 401


async def test_nobody_learns_from_a_refusal_who_is_here(home: House) -> None:
    await home.newcomer("anna")
    await home.newcomer("gone")
    await home.owner("PATCH", "/api/v1/users/gone", {"disabled": True})
    await home.owner("POST", "/api/v1/users", {"name": "keyed"})
    home.hashed.clear()
    told = set[str]()
    for name, password in (("anna", "wrong one"), ("nobody", PASSWORD), ("gone", PASSWORD), ("keyed", PASSWORD)):
        answer = await home.browser().sign_in(name, password)
        answer.body["error"].pop("request_id")
        told.add(f"{answer.status} {answer.body}")
    assert len(told) == 1
    assert "401" in told.pop()
    assert len(home.hashed) == 4, "each took the work of one hash"


async def test_a_session_that_is_over_is_no_reason_not_to_sign_in(home: House) -> None:
    browser = await home.newcomer("anna")
    browser.cookies["potluck"] = "over"
    assert (await browser.sign_in("anna")).status == 201


async def test_no_other_page_signs_anybody_in_and_a_key_is_not_mixed_with_a_password(home: House) -> None:
    await home.newcomer("anna")
    elsewhere = {"origin": "https://evil.example"}
    body = {"name": "anna", "password": PASSWORD}
    assert (await home.browser().ask("POST", SESSIONS, body, headers=elsewhere)).status == 403
    made = await home.owner("POST", LINKS, {})
    taken = {"token": made.body["token"], "name": "eve", "password": PASSWORD}
    assert (await home.browser().ask("POST", f"{LINKS}/accept", taken, headers=elsewhere)).status == 403
    assert (await home.owner("POST", SESSIONS, body)).status == 400


async def test_who_is_known_by_an_address_alone_may_say_who_it_is(home: House) -> None:
    await home.newcomer("anna")
    home.app = home.native
    neighbour = msgspec.structs.replace(GUEST, keyless=True, scope=Scope())
    assert (await home.ask("POST", SESSIONS, {"name": "anna", "password": PASSWORD}, caller=neighbour)).status == 201


@pytest.mark.parametrize("body", [None, {}, {"name": "anna"}, {"password": PASSWORD}])
async def test_who_says_too_little_is_asked_who_it_is(home: House, body: Any) -> None:
    assert (await home.browser().ask("POST", SESSIONS, body)).status == 401


async def test_what_is_too_long_is_not_hashed(home: House) -> None:
    home.hashed.clear()
    assert (await home.browser().sign_in("x" * 201)).status == 400
    assert (await home.browser().sign_in("anna", "x" * 5000)).status == 400
    assert not home.hashed


# --- Guessing --------------------------------------------------------------------------------------------------------


async def test_who_guesses_waits_twice_as_long_each_time_and_is_told_how_long(home: House) -> None:
    await home.newcomer("anna")
    stranger = home.browser("192.0.2.66")
    assert [(await stranger.sign_in("anna", "wrong one")).status for _ in range(7)] == [401] * 6 + [429]
    refused = await stranger.sign_in("anna")
    assert (refused.status, refused.kind, refused.headers["retry-after"]) == (429, "rate_limited", "5")
    waits = list[int]()
    for _ in range(8):
        waits.append(int((await stranger.sign_in("anna", "wrong one")).headers["retry-after"]))
        home.seconds += waits[-1]
        assert (await stranger.sign_in("anna", "wrong one")).status == 401
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    home.seconds += 300
    assert (await stranger.sign_in("anna")).status == 201
    assert (await stranger.sign_in("anna", "wrong one")).status == 401


async def test_a_name_that_nobody_has_is_guarded_as_others_are(home: House) -> None:
    stranger = home.browser("192.0.2.66")
    assert [(await stranger.sign_in("nobody", "wrong one")).status for _ in range(7)] == [401] * 6 + [429]


async def test_a_stranger_does_not_keep_the_owner_of_a_name_out(home: House) -> None:
    anna = await home.newcomer("anna")
    for _ in range(40):
        await home.browser("192.0.2.66").sign_in("anna", "wrong one")
    assert (await home.browser("192.0.2.66").sign_in("anna")).status == 429
    assert (await home.browser("192.0.2.7").sign_in("anna")).status == 201, "from another place"
    # From everywhere at once: a minute at the most, and not at all in a browser that is known.
    for number in range(40):
        await home.browser(f"198.51.100.{number}").sign_in("anna", "wrong one")
    refused = await home.browser("192.0.2.8").sign_in("anna")
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) <= 60
    anna.address = "192.0.2.66"
    assert (await anna.sign_in("anna")).status == 201


async def test_a_known_device_has_its_own_count_and_is_known_for_its_user_alone(home: House) -> None:
    anna = await home.newcomer("anna")
    await home.newcomer("bert")
    assert [(await anna.sign_in("anna", "wrong one")).status for _ in range(7)] == [401] * 6 + [429]
    for _ in range(7):
        await home.browser("192.0.2.66").sign_in("bert", "wrong one")
    anna.address = "192.0.2.66"
    assert (await anna.sign_in("bert")).status == 429
    forged = home.browser("192.0.2.66")
    forged.cookies["potluck-device"] = anna.cookies["potluck-device"][:-1] + "0"
    await forged.sign_in("anna", "wrong one")
    assert (await home.browser("192.0.2.1").sign_in("anna")).status == 201


async def test_one_address_guesses_at_no_more_than_some_names(home: House) -> None:
    stranger = home.browser("192.0.2.66")
    statuses = [(await stranger.sign_in(f"name{number}", "wrong one")).status for number in range(30)]
    assert statuses.count(401) == 21
    assert statuses[-1] == 429


async def test_a_thousand_at_once_are_no_way_around_it(home: House) -> None:
    await home.newcomer("anna")
    stranger = home.browser("192.0.2.66")
    answers = await asyncio.gather(*(stranger.sign_in("anna", f"guess number {number}") for number in range(30)))
    assert sorted(answer.status for answer in answers) == [401] * 6 + [429] * 24


async def test_failures_are_told_to_the_audit_log_once_and_then_counted(home: House) -> None:
    await home.newcomer("anna")
    for name in ("anna", "hunter2 typed in the wrong field"):
        await home.browser("192.0.2.66").sign_in(name, "wrong one")
    refused = [fact for fact in home.facts if fact.event == "sign_in.refused"]
    assert [(fact.subject, fact.address, fact.detail["count"]) for fact in refused] == [("anna", "192.0.2.66", 1)]


# --- Passwords -------------------------------------------------------------------------------------------------------


async def test_a_change_of_password_takes_the_old_one_and_ends_all_other_sessions(home: House) -> None:
    here = await home.newcomer("anna")
    there = home.browser()
    await there.sign_in("anna")
    path, new = "/api/v1/users/me/password", "another good one"
    assert (await here.ask("POST", path, {"old_password": "wrong one", "new_password": new})).status == 403
    assert (await here.ask("POST", path, {"new_password": new})).status == 403
    assert (await here.ask("POST", path, {"old_password": PASSWORD, "new_password": new})).status == 204
    assert (await here.ask("GET", "/api/v1/users/me")).status == 200
    assert (await there.ask("GET", "/api/v1/users/me")).status == 401
    assert (await home.browser().sign_in("anna")).status == 401
    assert (await home.browser().sign_in("anna", new)).status == 201
    assert "password.changed" in home.events


async def test_the_old_password_is_not_to_be_guessed_at_an_open_browser(home: House) -> None:
    browser = await home.newcomer("anna")
    body = {"old_password": "wrong one", "new_password": "another good one"}
    statuses = [(await browser.ask("POST", "/api/v1/users/me/password", body)).status for _ in range(8)]
    assert statuses == [403] * 6 + [429] * 2


@pytest.mark.parametrize("password", ["short", "ANNA BLUME", "password123", "x" * 1025])
async def test_a_password_that_will_not_do_is_named_and_changes_nothing(home: House, password: str) -> None:
    browser = await home.newcomer("Anna Blume")
    body = {"old_password": PASSWORD, "new_password": password}
    refused = await browser.ask("POST", "/api/v1/users/me/password", body)
    assert (refused.status, refused.body["error"]["param"]) == (400, "new_password")
    assert (await home.browser().sign_in("Anna Blume")).status == 201


async def test_who_has_a_key_sets_a_first_password_with_it_unless_it_ends_or_is_limited(home: House) -> None:
    path, body = "/api/v1/users/me/password", {"new_password": PASSWORD}
    made = [
        (await home.owner("POST", "/api/v1/keys", {"name": f"k{number}", "user": "owner", **limits})).body["key"]
        for number, limits in enumerate(({"expires_in_s": 1e6}, {"models": ["m"]}, {}))
    ]
    assert [(await home.owner("POST", path, body, key=key)).status for key in made] == [403, 403, 204]
    assert (await home.browser().sign_in("owner")).status == 201


async def test_a_hash_of_other_parameters_is_renewed_when_its_password_is_there(home: House) -> None:
    from argon2 import PasswordHasher

    await home.newcomer("anna")
    assert home.storage is not None
    user = next(user for user in await home.storage.users.all() if user.name == "anna")
    known = await home.storage.credentials.password(user.id)
    assert known is not None
    older = PasswordHasher(2, 16, 1).hash(PASSWORD)
    assert await home.storage.credentials.rehash(known, older)
    await home.browser().sign_in("anna", "wrong one")
    kept = await home.storage.credentials.password(user.id)
    assert kept is not None
    assert kept.hash == older
    assert (await home.browser().sign_in("anna")).status == 201
    kept = await home.storage.credentials.password(user.id)
    assert kept is not None
    assert "m=8,t=1,p=1" in kept.hash


# --- Invitations -----------------------------------------------------------------------------------------------------


async def test_an_invitation_is_looked_at_as_often_as_anybody_likes_and_used_once(home: House) -> None:
    made = await home.owner("POST", LINKS, {"role": "guest"})
    link, token = made.body["link"], made.body["token"]
    assert (made.status, link) == (201, f"http://box:8420/invite?token={token}")
    assert made.headers["cache-control"] == "no-store"
    for _ in range(3):
        shown = await home.browser().ask("GET", f"{LINKS}/open?token={token}")
        assert (shown.status, shown.body["kind"], shown.body["role"]) == (200, "invite", "guest")
    browser = home.browser()
    assert (await browser.accept(token)).body["error"]["param"] == "name"
    assert (await browser.accept(token, name="owner")).status == 409
    assert (await browser.accept(token, name="Gustav", password="short")).status == 400
    accepted = await browser.accept(token, name=" Gustav ")
    assert (accepted.status, accepted.body["current"]) == (201, True)
    assert (await browser.ask("GET", "/api/v1/users/me")).body["role"] == "guest"
    assert (await home.browser().accept(token, name="Hugo")).status == 404
    assert (await home.browser().ask("GET", f"{LINKS}/open?token={token}")).status == 404
    assert [event for event in home.events if event.startswith("link")] == ["link.made", "link.used"]
    assert token not in str(home.facts)


async def test_of_many_who_accept_at_once_one_comes_in(home: House) -> None:
    token = (await home.owner("POST", LINKS, {})).body["token"]
    answers = await asyncio.gather(*(home.browser().accept(token, name=f"u{number}") for number in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 404, 404, 404, 404]
    assert len((await home.owner("GET", "/api/v1/users")).body["users"]) == 2


async def test_every_link_that_is_not_valid_is_refused_with_the_same_words(home: House) -> None:
    ended = (await home.owner("POST", LINKS, {"expires_in_s": 2})).body["token"]
    withdrawn = (await home.owner("POST", LINKS, {})).body
    assert (await home.owner("DELETE", f"{LINKS}/{withdrawn['id']}")).status == 204
    assert (await home.owner("DELETE", f"{LINKS}/{withdrawn['id']}")).status == 404
    home.now += 10
    told = set[str]()
    for token in (ended, withdrawn["token"], "never-was", ""):
        answer = await home.browser().ask("GET", f"{LINKS}/open?token={token}")
        answer.body["error"].pop("request_id")
        told.add(f"{answer.status} {answer.body}")
    assert len(told) == 1
    assert (await home.owner("GET", LINKS)).body["invitations"] == []


async def test_links_are_listed_without_what_is_secret_of_them(home: House) -> None:
    made = (await home.owner("POST", LINKS, {"name": "Carla", "role": "admin"})).body
    (listed,) = (await home.owner("GET", LINKS)).body["invitations"]
    assert (listed["id"], listed["kind"], listed["name"], listed["role"]) == (made["id"], "invite", "Carla", "admin")
    assert made["token"] not in str(listed)
    taken = await home.owner("POST", LINKS, {"name": "OWNER"})
    assert taken.status == 409


async def test_an_admin_invites_whom_it_may_make_and_its_links_go_with_its_power(home: House) -> None:
    admin = await home.newcomer("ada", Role.ADMIN)
    for role in ("owner", "admin"):
        assert (await admin.ask("POST", LINKS, {"role": role})).status == 403
    owners = (await home.owner("POST", LINKS, {"role": "owner"})).body
    assert (await admin.ask("DELETE", f"{LINKS}/{owners['id']}")).status == 403
    token = (await admin.ask("POST", LINKS, {})).body["token"]
    await home.owner("PATCH", "/api/v1/users/ada", {"role": "member"})
    assert (await home.browser().accept(token, name="eve")).status == 404
    member = await home.newcomer("bert")
    assert (await member.ask("POST", LINKS, {})).status == 403


async def test_links_begin_where_the_owner_says_that_people_come(home: House, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with house(tmp_path / "other", url="https://potluck.example") as other:
        made = await other.owner("POST", LINKS, {})
    assert made.body["link"].startswith("https://potluck.example/invite?token=")


# --- A new password by a link ----------------------------------------------------------------------------------------


async def test_a_reset_link_makes_a_new_password_and_ends_all_sessions(home: House) -> None:
    old = await home.newcomer("anna")
    first = (await home.owner("POST", "/api/v1/users/anna/reset")).body
    made = (await home.owner("POST", "/api/v1/users/anna/reset")).body
    assert (await home.browser().ask("GET", f"{LINKS}/open?token={first['token']}")).status == 404
    shown = (await home.browser().ask("GET", f"{LINKS}/open?token={made['token']}")).body
    assert (shown["kind"], shown["name"], shown["code"]) == ("reset", "anna", False)
    browser = home.browser()
    accepted = await browser.accept(made["token"], password="another good one", name="eve")
    assert accepted.status == 201
    assert (await browser.ask("GET", "/api/v1/users/me")).body["name"] == "anna"
    assert (await old.ask("GET", "/api/v1/users/me")).status == 401
    assert (await home.browser().sign_in("anna")).status == 401
    assert (await home.browser().sign_in("anna", "another good one")).status == 201


async def test_who_may_make_a_reset_link(home: House) -> None:
    owner = home.browser()
    await owner.accept((await home.owner("POST", f"{LINKS}/setup")).body["token"])
    admin = await home.newcomer("ada", Role.ADMIN)
    member = await home.newcomer("bert")
    assert (await admin.ask("POST", "/api/v1/users/owner/reset")).status == 403
    assert (await admin.ask("POST", "/api/v1/users/bert/reset")).status == 201
    assert (await member.ask("POST", "/api/v1/users/bert/reset")).status == 403
    assert (await owner.ask("POST", "/api/v1/users/owner/reset")).status == 403, "an open browser is no proof"
    assert (await home.owner("POST", "/api/v1/users/owner/reset")).status == 201
    await home.owner("PATCH", "/api/v1/users/bert", {"disabled": True})
    assert (await home.owner("POST", "/api/v1/users/bert/reset")).status == 409
    assert (await home.owner("POST", "/api/v1/users/nobody/reset")).status == 404


# --- The owner's set-up ----------------------------------------------------------------------------------------------


async def test_the_owner_is_set_up_once_and_by_the_newest_link(home: House) -> None:
    maker = LinkMaker(home.services.storage, home.services.clock, home.services.new_id, secrets.token_bytes, home.audit)
    _, first = await maker.set_up()
    _, second = await maker.set_up()
    assert (await home.browser().ask("GET", f"{LINKS}/open?token={first}")).status == 404
    made = (await home.owner("POST", f"{LINKS}/setup")).body
    assert "/setup?token=" in made["link"]
    assert (await home.browser().ask("GET", f"{LINKS}/open?token={second}")).status == 404
    owner = home.browser()
    assert (await owner.accept(made["token"], name="Olga")).status == 201
    me = (await owner.ask("GET", "/api/v1/users/me")).body
    assert (me["id"], me["name"], me["role"]) == (OWNER_ID, "Olga", "owner")
    assert (await home.browser().accept(made["token"])).status == 404
    assert (await home.owner("POST", f"{LINKS}/setup")).status == 409
    assert (await home.browser().sign_in("olga")).status == 201
    assert (await home.owner("GET", "/api/v1/users/me")).status == 200, "the key goes on"


async def test_a_set_up_link_is_worth_nothing_once_the_owner_has_a_password(home: House) -> None:
    token = (await home.owner("POST", f"{LINKS}/setup")).body["token"]
    await home.owner("POST", "/api/v1/users/me/password", {"new_password": PASSWORD})
    assert (await home.browser().ask("GET", f"{LINKS}/open?token={token}")).status == 404
    assert (await home.browser().accept(token, password="another good one")).status == 404
    assert (await home.browser().sign_in("owner")).status == 201


# --- Sessions --------------------------------------------------------------------------------------------------------


async def test_who_manages_users_sees_and_ends_their_sessions(home: House) -> None:
    anna, ada = await home.newcomer("anna"), await home.newcomer("ada", Role.ADMIN)
    owner = home.browser()
    await owner.accept((await home.owner("POST", f"{LINKS}/setup")).body["token"])
    assert len((await ada.ask("GET", f"{SESSIONS}?all=true")).body["sessions"]) == 3
    (annas,) = (await ada.ask("GET", f"{SESSIONS}?user=anna")).body["sessions"]
    (owners,) = (await owner.ask("GET", SESSIONS)).body["sessions"]
    assert (await anna.ask("GET", f"{SESSIONS}?all=true")).status == 403
    assert (await anna.ask("GET", f"{SESSIONS}?user=ada")).status == 403
    assert (await anna.ask("DELETE", f"{SESSIONS}/{owners['id']}")).status == 404
    assert (await ada.ask("DELETE", f"{SESSIONS}/{owners['id']}")).status == 404
    assert (await ada.ask("DELETE", f"{SESSIONS}/{annas['id']}")).status == 204
    assert (await anna.ask("GET", "/api/v1/users/me")).status == 401
    assert (await home.owner("GET", f"{SESSIONS}?user=nobody")).status == 404


# --- Failures that are nobody's fault --------------------------------------------------------------------------------


async def test_a_database_that_is_away_is_not_held_against_who_signs_in(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.newcomer("anna")
    stranger = home.browser("192.0.2.66")
    assert home.storage is not None

    async def away(user: Any) -> Any:
        raise PotluckError("The database is away.")

    with monkeypatch.context() as patched:
        patched.setattr(home.storage.credentials, "password", away)
        assert {(await stranger.sign_in("anna")).status for _ in range(8)} == {500}
    assert (await stranger.sign_in("anna")).status == 201
