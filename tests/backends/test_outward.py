"""What may be reached on the web, and where redirects may lead."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator

import pytest

from potluck.backends.outward import Ask, Outward
from potluck.core.addresses import Address
from potluck.core.errors import BadRequest, NodeFailed, NodeUnreachable
from tests.backends.files_on_the_web import WebServer, web_server

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def loopback_is_outside(address: Address) -> bool:
    """For tests of what a public server may do: here, this machine is the Internet."""
    return address in LOOPBACK


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with web_server() as made:
        made.put("/m.gguf", b"0123456789")
        yield made


async def fetched(ask: Ask, outward: Outward | None = None) -> tuple[int, bytes]:
    async with outward or Outward() as out, out.get(ask) as answer:
        return answer.status, await answer.whole(1000)


async def test_an_address_inside_is_asked_only_for_the_owner(web: WebServer) -> None:
    with pytest.raises(BadRequest, match="not public"):
        await fetched(Ask(f"{web.url}/m.gguf"))
    assert web.asked == []
    assert await fetched(Ask(f"{web.url}/m.gguf", inside=True)) == (200, b"0123456789")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1"])
async def test_a_name_is_checked_by_what_it_resolves_to(web: WebServer, host: str) -> None:
    with pytest.raises((BadRequest, NodeUnreachable)):  # aiohttp itself refuses some odd spellings
        await fetched(Ask(f"{web.url.replace('127.0.0.1', host)}/m.gguf"))
    assert web.asked == []


async def test_a_server_outside_never_leads_inside_not_even_for_the_owner(web: WebServer) -> None:
    web.redirects["/a"] = "http://10.0.0.1/secret"
    for inside in (False, True):
        with pytest.raises(BadRequest, match="not public"):
            await fetched(Ask(f"{web.url}/a", inside=inside), Outward(loopback_is_outside))


async def test_a_server_inside_may_lead_on_inside(web: WebServer) -> None:
    web.redirects["/a"] = f"{web.url}/m.gguf"
    assert (await fetched(Ask(f"{web.url}/a", inside=True)))[1] == b"0123456789"


async def test_redirects_have_an_end_and_other_schemes_none(web: WebServer) -> None:
    web.redirects["/a"] = "/a"
    with pytest.raises(NodeFailed, match="too often"):
        await fetched(Ask(f"{web.url}/a", inside=True))
    web.redirects["/b"] = "file:///etc/passwd"
    with pytest.raises(BadRequest, match="http"):
        await fetched(Ask(f"{web.url}/b", inside=True))


async def test_a_secret_goes_to_its_own_server_alone(web: WebServer) -> None:
    web.redirects["/a"] = f"{web.url.replace('127.0.0.1', '127.0.0.2')}/m.gguf"
    async with web_server() as other:
        other.put("/m.gguf", b"x")
        web.redirects["/a"] = f"{other.url}/m.gguf"
        await fetched(Ask(f"{web.url}/a", inside=True, headers={"range": "bytes=0-"}, secret={"authorization": "k"}))
    assert web.asked[0].headers["authorization"] == "k"
    assert "authorization" not in other.asked[0].headers
    assert other.asked[0].headers["range"] == "bytes=0-"


async def test_what_a_redirect_said_is_known_at_the_end_but_not_its_own_length(web: WebServer) -> None:
    web.redirects["/a"] = "/m.gguf"
    web.redirect_headers = {"x-linked-etag": '"abc"', "etag": '"of the redirect"'}
    async with Outward() as outward, outward.get(Ask(f"{web.url}/a", inside=True)) as answer:
        assert answer.headers["x-linked-etag"] == '"abc"'
        assert answer.headers["content-length"] == "10"
        assert answer.headers["etag"] == web.files["/m.gguf"].etag


async def test_a_body_without_end_and_one_that_breaks_off_are_errors(web: WebServer) -> None:
    web.put("/long", b"x" * 2000)
    with pytest.raises(NodeFailed, match="no end"):
        await fetched(Ask(f"{web.url}/long", inside=True))
    web.put("/cut", b"x" * 500, cuts=[100])
    with pytest.raises(NodeUnreachable, match="broke off"):
        await fetched(Ask(f"{web.url}/cut", inside=True))


async def test_a_server_that_is_not_there_cannot_be_reached(web: WebServer) -> None:
    with pytest.raises(NodeUnreachable):
        await fetched(Ask("http://127.0.0.1:1/m.gguf", inside=True))
