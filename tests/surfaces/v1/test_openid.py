"""The routes of sign-in by a provider, with somebody in the provider's place who says what a test wants."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.core.errors import Forbidden, PotluckError, ProviderAway
from potluck.gateway.openid.flow import Answer, Begun, Ended, OpenIdWay
from tests.surfaces.v1.world import ANNA, World

START, CALLBACK = "/api/v1/sessions/oidc", "/api/v1/sessions/oidc/callback"
HOST = {"host": "here.example:8420"}


class Provider:
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.fails: PotluckError | None = None

    async def begin(self, redirect_uri: str, *, next: str = "", user: str = "", invitation: str = "") -> Begun:
        self._told(redirect_uri, next, user, invitation)
        return Begun("https://id.example/auth", "sealed")

    async def end(self, answer: Answer, cookie: str, address: str) -> Ended:
        self._told(answer, cookie)
        return Ended(ANNA.user, "/chat", linked=answer.state == "linking")

    def _told(self, *what: object) -> None:
        self.asked.append(what)
        if self.fails is not None:
            raise self.fails


def world(provider: Provider | None, redirect_uri: str = "") -> World:
    async def sign_in() -> Provider:
        assert provider is not None
        return provider

    made = World()
    way = None if provider is None else OpenIdWay("The house", redirect_uri, sign_in)
    made.app.state.services = msgspec.structs.replace(made.app.state.services, openid=way, proxy_signs_in=True)
    return made


async def test_the_ways_tell_of_the_button_and_of_the_proxy() -> None:
    assert (await world(Provider()).ask("GET", "/api/v1/sessions/ways")).json() == {
        "name": "Potluck",
        "oidc": {"label": "The house", "start": START},
        "proxy": True,
        "key": True,
        "password": True,
    }
    assert (await world(None).ask("GET", "/api/v1/sessions/ways")).json()["oidc"] is None


async def test_where_no_provider_is_named_nobody_signs_in_so() -> None:
    for path in (START, CALLBACK):
        assert (await world(None).ask("GET", path, headers=HOST)).status == 404


async def test_a_browser_is_led_to_the_provider_and_back_to_where_it_came_by() -> None:
    provider = Provider()
    begun = await world(provider).ask("GET", f"{START}?next=/chat&invitation=t", headers=HOST)
    assert (begun.status, begun.headers["location"]) == (303, "https://id.example/auth")
    assert begun.headers["set-cookie"] == "potluck-oidc=sealed; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
    assert provider.asked == [(f"http://here.example:8420{CALLBACK}", "/chat", "", "t")]


async def test_who_does_not_say_where_to_go_on_is_shown_who_is_signed_in() -> None:
    provider = Provider()
    await world(provider).ask("GET", START, headers=HOST)
    assert provider.asked[0][1] == "/sign-in"


async def test_where_the_way_back_is_https_the_cookies_are_for_https_alone() -> None:
    provider = Provider()
    house = world(provider, f"https://chat.example{CALLBACK}")
    begun = await house.ask("GET", START)
    assert begun.headers["set-cookie"].startswith("__Host-potluck-oidc=sealed;")
    cookie = {"cookie": "a=b; __Host-potluck-oidc=sealed"}
    ended = await house.ask("GET", f"{CALLBACK}?state=s&code=c&iss=i&session_state=x", headers=cookie)
    assert (ended.status, ended.headers["location"], ended.headers["cache-control"]) == (303, "/chat", "no-store")
    ends, begins = ended.headers.get_list("set-cookie")
    assert ends.startswith("__Host-potluck-oidc=; Path=/; Max-Age=0;")
    assert begins.startswith("__Host-potluck=")
    assert begins.endswith("; HttpOnly; SameSite=Strict; Secure")
    assert provider.asked[-1] == (Answer("s", "c", iss="i"), "sealed")
    assert [record.user for record in house.sessions.records] == [ANNA.user]


async def test_who_links_an_account_has_a_session_already() -> None:
    house = world(Provider())
    ended = await house.ask("GET", f"{CALLBACK}?state=linking&code=c", headers=HOST)
    assert len(ended.headers.get_list("set-cookie")) == 1
    assert house.sessions.records == []


async def test_an_account_is_linked_by_the_session_of_a_page_of_ours_alone() -> None:
    provider = Provider()
    signed_in = msgspec.structs.replace(ANNA, session="s1")
    house = world(provider)
    assert (await house.ask("POST", START, {}, caller=ANNA, headers=HOST)).status == 400
    evil = {**HOST, "origin": "https://evil.example"}
    assert (await house.ask("POST", START, {}, caller=signed_in, headers=evil)).status == 403
    assert provider.asked == []
    begun = await house.ask("POST", START, {"next": "/account"}, caller=signed_in, headers=HOST)
    assert (begun.status, begun.json()) == (200, {"location": "https://id.example/auth"})
    assert provider.asked[0][1:] == ("/account", ANNA.user, "")


@pytest.mark.parametrize("host", ["", "evil.example/x", "a b", "a@b", "[::1", "x" * 300])
async def test_a_host_that_is_none_leads_nowhere(host: str) -> None:
    assert (await world(Provider()).ask("GET", START, headers={"host": host})).status == 400


async def test_a_browser_gets_a_page_and_a_program_the_error() -> None:
    provider = Provider()
    provider.fails = ProviderAway("It does <not> answer.", retry_after_s=10, hint="Try again.")
    house = world(provider)
    program = await house.ask("GET", START, headers=HOST)
    assert (program.status, program.json()["error"]["type"], program.headers["retry-after"]) == (
        503,
        "provider_away",
        "10",
    )
    page = await house.ask("GET", START, headers={**HOST, "accept": "text/html,*/*"})
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert b"It does &lt;not&gt; answer." in page.body
    provider.fails = Forbidden("No.")
    assert (await house.ask("GET", CALLBACK, headers={**HOST, "accept": "text/html"})).status == 403


async def test_accounts_of_nobody_are_none() -> None:
    assert (await world(None).ask("GET", "/api/v1/users/me/identities")).json() == {"identities": []}
