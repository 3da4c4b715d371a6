"""Codes of an authenticator, over HTTP."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from potluck.core.people import Role
from potluck.core.second_factors import CODES

from .house import PASSWORD, Browser, House, house

TOTP = "/api/v1/users/me/totp"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def code(home: House, secret: str, later: int = 0) -> str:
    """What the authenticator shows, ``later`` steps from now."""
    return pyotp.TOTP(secret).generate_otp(int(home.now // 30) + later)


async def guarded(home: House, name: str = "anna") -> tuple[Browser, str, list[str]]:
    """A browser of somebody with a second factor, its secret, and the recovery codes."""
    browser = await home.newcomer(name)
    begun = await browser.ask("POST", TOTP, {"password": PASSWORD})
    secret = begun.body["secret"]
    confirmed = await browser.ask("POST", f"{TOTP}/confirm", {"code": code(home, secret)})
    assert confirmed.status == 200, confirmed.body
    home.now += 60.0
    return browser, secret, confirmed.body["recovery_codes"]


async def test_it_is_asked_for_from_its_first_code_on_and_only_after_the_right_password(home: House) -> None:
    browser = await home.newcomer("anna")
    assert (await browser.ask("POST", TOTP, {"password": "wrong one"})).status == 403
    begun = await browser.ask("POST", TOTP, {"password": PASSWORD})
    told = urlsplit(begun.body["url"])
    assert (told.scheme, told.netloc, parse_qs(told.query)["issuer"]) == ("otpauth", "totp", ["Potluck"])
    assert begun.headers["cache-control"] == "no-store"
    secret = begun.body["secret"]
    assert (await browser.ask("GET", TOTP)).body == {"enabled": False, "recovery_codes_left": 0}
    assert (await home.browser().sign_in("anna")).status == 201
    assert (await browser.ask("POST", f"{TOTP}/confirm", {"code": "000000"})).status == 400
    confirmed = await browser.ask("POST", f"{TOTP}/confirm", {"code": code(home, secret)})
    assert len(set(confirmed.body["recovery_codes"])) == CODES
    assert (await browser.ask("POST", f"{TOTP}/confirm", {"code": code(home, secret)})).status == 409
    assert (await browser.ask("POST", TOTP, {"password": PASSWORD})).status == 409
    assert (await browser.ask("GET", TOTP)).body == {"enabled": True, "recovery_codes_left": CODES}
    home.now += 60.0
    assert (await home.browser().sign_in("anna", "wrong one")).kind == "unauthenticated"
    needed = await home.browser().sign_in("anna")
    assert (needed.status, needed.kind) == (401, "code_needed")
    assert (await home.browser().sign_in("anna", code="123456")).kind == "code_needed"
    assert (await home.browser().sign_in("anna", code=code(home, secret))).status == 201
    assert (await home.browser().ask("GET", "/api/v1/users/me")).status == 401
    assert "second_factor.added" in home.events


async def test_a_code_is_taken_once_however_many_send_it(home: House) -> None:
    _, secret, _ = await guarded(home)
    typed = code(home, secret)
    answers = await asyncio.gather(*(home.browser(f"192.0.2.{n}").sign_in("anna", code=typed) for n in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 401, 401, 401, 401]
    assert (await home.browser().sign_in("anna", code=code(home, secret, -1))).kind == "code_needed"
    assert (await home.browser().sign_in("anna", code=code(home, secret, 1))).status == 201


async def test_a_recovery_code_stands_in_once_however_it_is_typed(home: House) -> None:
    browser, _, codes = await guarded(home)
    typed = f" {codes[0].upper().replace('-', ' ')} "
    assert (await home.browser().sign_in("anna", code=typed)).status == 201
    assert (await home.browser().sign_in("anna", code=codes[0])).kind == "code_needed"
    assert (await browser.ask("GET", TOTP)).body["recovery_codes_left"] == CODES - 1
    assert "second_factor.recovery_code_used" in home.events


async def test_codes_are_not_to_be_guessed_and_being_asked_costs_nothing(home: House) -> None:
    _, secret, _ = await guarded(home)
    stranger = home.browser("192.0.2.66")
    for _ in range(30):
        assert (await stranger.sign_in("anna")).kind == "code_needed"
    statuses = [(await stranger.sign_in("anna", code=f"{guess:06}")).status for guess in range(8)]
    assert statuses == [401] * 6 + [429] * 2
    assert (await stranger.sign_in("anna", code=code(home, secret))).status == 429


async def test_being_asked_for_a_code_washes_no_failures_away(home: House) -> None:
    await guarded(home)
    stranger = home.browser("192.0.2.66")
    statuses = list[int]()
    for guess in range(10):
        statuses.append((await stranger.sign_in("anna", code=f"{guess:06}")).status)
        await stranger.sign_in("anna")
    assert statuses == [401] * 6 + [429] * 4


async def test_one_removes_ones_own_with_password_and_code(home: House) -> None:
    browser, secret, codes = await guarded(home)
    off = f"{TOTP}/disable"
    assert (await browser.ask("POST", off, {"password": "wrong one", "code": codes[0]})).status == 403
    assert (await browser.ask("POST", off, {"password": PASSWORD, "code": ""})).kind == "code_needed"
    assert (await browser.ask("POST", off, {"password": PASSWORD, "code": code(home, secret)})).status == 204
    assert (await browser.ask("POST", off, {"password": PASSWORD, "code": codes[0]})).status == 404
    assert (await home.browser().sign_in("anna")).status == 201
    assert (await browser.ask("POST", TOTP, {"password": PASSWORD})).status == 201, "and begins another"


async def test_who_manages_a_user_removes_a_lost_one_but_no_open_browser_its_own(home: House) -> None:
    await guarded(home)
    admin = await home.newcomer("ada", Role.ADMIN)
    path = "/api/v1/users/anna/totp"
    assert (await (await home.newcomer("bert")).ask("DELETE", path)).status == 403
    assert (await admin.ask("DELETE", path)).status == 204
    assert (await admin.ask("DELETE", path)).status == 404
    assert (await home.browser().sign_in("anna")).status == 201
    owner = home.browser()
    made = (await home.owner("POST", "/api/v1/invitations/setup")).body
    assert (await owner.accept(made["token"])).status == 201
    secret = (await owner.ask("POST", TOTP, {"password": PASSWORD})).body["secret"]
    await owner.ask("POST", f"{TOTP}/confirm", {"code": code(home, secret)})
    assert (await admin.ask("DELETE", "/api/v1/users/owner/totp")).status == 403
    assert (await owner.ask("DELETE", "/api/v1/users/owner/totp")).status == 403
    assert (await home.owner("DELETE", "/api/v1/users/owner/totp")).status == 204, "the key of the machine is"


async def test_a_link_for_a_new_password_does_not_stand_in_for_the_code(home: House) -> None:
    _, secret, _ = await guarded(home)
    token = (await home.owner("POST", "/api/v1/users/anna/reset")).body["token"]
    shown = await home.browser().ask("GET", f"/api/v1/invitations/open?token={token}")
    assert shown.body["code"] is True
    new = "another good one"
    assert (await home.browser().accept(token, password=new)).kind == "code_needed"
    assert (await home.browser().accept(token, password=new, code="123456")).kind == "code_needed"
    assert (await home.browser().accept(token, password=new, code=code(home, secret))).status == 201
    assert (await home.browser().sign_in("anna", new)).kind == "code_needed"


async def test_the_secret_is_not_in_the_database(home: House, tmp_path: Path) -> None:
    _, secret, codes = await guarded(home)
    with sqlite3.connect(tmp_path / "potluck.db") as connection:
        kept = "\n".join(connection.iterdump())
    raw = base64.b32decode(secret)
    for plain in (
        secret,
        raw.hex(),
        secret.encode().hex(),
        codes[0],
        codes[0].replace("-", ""),
        codes[0].encode().hex(),
    ):
        assert plain.lower() not in kept.lower()
    connection.close()


async def test_who_has_no_password_has_nothing_that_it_could_be_second_to(home: House) -> None:
    assert (await home.owner("POST", TOTP, {"password": "x"})).status == 409
    assert (await home.owner("POST", f"{TOTP}/confirm", {"code": "123456"})).status == 409
