"""Name and password by Basic, for A1111's clients, over real accounts."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from potluck.core.people import Role
from potluck.surfaces.state import caller_of
from tests.surfaces.v1.house import HOST, OWNER_KEY, PASSWORD, Answer, House, house

PATH = "/sdapi/v1/who"


async def who(request: Request) -> Response:
    return JSONResponse(caller_of(request).user)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        made.native.router.routes[:0] = [Route(PATH, who, methods=["GET", "POST"])]
        yield made


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode(), "origin": ""}


async def ask(home: House, name: str, password: str, method: str = "GET", path: str = PATH, **more: str) -> Answer:
    browser = home.browser()
    return await browser.ask(method, path, headers={**basic(name, password), **more})


async def test_a_user_is_known_by_name_and_password_which_are_looked_at_once(home: House) -> None:
    anna = await home.newcomer("Anna", Role.MEMBER)
    me = (await anna.ask("GET", "/api/v1/users/me")).body["id"]
    home.hashed.clear()
    for _ in range(3):
        told = await ask(home, "anna", PASSWORD, "POST")
        assert (told.status, told.body) == (200, me)
    assert len(home.hashed) == 1
    # A key as the password does as before, whatever the name.
    assert (await ask(home, "anyone", OWNER_KEY)).status == 200
    # Changed, it is the new one at once.
    changed = {"old_password": PASSWORD, "new_password": "another good phrase"}
    assert (await anna.ask("POST", "/api/v1/users/me/password", changed)).status == 204
    assert (await ask(home, "Anna", PASSWORD)).status == 401
    assert (await ask(home, "Anna", "another good phrase")).status == 200
    # Disabled, it is none.
    await home.owner("PATCH", "/api/v1/users/Anna", {"disabled": True})
    await home.learn()
    assert (await ask(home, "Anna", "another good phrase")).status == 401


async def test_what_is_wrong_is_asked_for_again_and_guessing_takes_longer(home: House) -> None:
    await home.newcomer("Anna")
    statuses = []
    for number in range(8):
        answer = await ask(home, "Anna", f"wrong {number}")
        statuses.append(answer.status)
        if answer.status == 401:
            assert answer.headers["www-authenticate"].startswith("Basic")
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert any("refused" in each for each in home.events)


async def test_it_opens_nothing_else_and_nothing_to_a_page_elsewhere(home: House) -> None:
    await home.newcomer("Anna")
    assert (await ask(home, "Anna", PASSWORD, path="/api/v1/users/me")).status == 401
    assert (await ask(home, "Anna", PASSWORD, "POST", origin="http://evil.example")).status == 403
    assert (await ask(home, "Anna", PASSWORD, "POST", **{"sec-fetch-site": "cross-site"})).status == 403
    assert (await ask(home, "Anna", PASSWORD, "POST", origin=f"http://{HOST}")).status == 200
    assert (await home.browser().ask("GET", PATH, headers={"authorization": "Basic !!!", "origin": ""})).status == 401
