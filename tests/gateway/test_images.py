"""Remote images are fetched by us, and never from inside the network."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.addresses import is_public
from potluck.core.call import ChatCall, EmbedCall, ImagePart, Message, Role, TextCall, TextPart
from potluck.core.errors import BadRequest
from potluck.gateway.images import FetchLimits, RemoteImages

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def asking(*urls: str) -> ChatCall:
    parts = (TextPart("what is this?"), *(ImagePart(url=url) for url in urls))
    return ChatCall("m", (Message(Role.USER, parts),))


@asynccontextmanager
async def web(replies: dict[str, bytes]) -> AsyncIterator[str]:
    """A web server that answers each path with the bytes given for it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        writer.write(replies[path])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def images(limits: FetchLimits | None = None, *, anywhere: bool = True) -> AsyncIterator[RemoteImages]:
    found = RemoteImages((lambda address: True) if anywhere else is_public, limits or FetchLimits())
    try:
        yield found
    finally:
        await found.aclose()


def reply(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


async def test_images_arrive_in_their_places_and_each_is_fetched_once() -> None:
    async with web({"/a": reply(PNG)}) as url, images() as found:
        call = await found.fetched(asking(f"{url}/a", f"{url}/a"))
    assert isinstance(call, ChatCall)
    expected = ImagePart(data_b64=base64.b64encode(PNG).decode(), media_type="image/png")
    assert call.messages[0].parts == (TextPart("what is this?"), expected, expected)
    assert not found.needed(call)


async def test_calls_without_remote_images_need_nothing() -> None:
    async with images() as found:
        assert found.needed(asking("http://x/a"))
        assert not found.needed(asking())
        assert found.needed(TextCall("m", ("x",), images=(ImagePart(url="http://x/a"),)))
        assert not found.needed(EmbedCall("m", ("x",)))


async def test_redirects_are_followed_but_not_for_ever() -> None:
    replies = {"/a": reply(b"", "302 Found", "location: /b\r\n"), "/b": reply(PNG)}
    replies["/loop"] = reply(b"", "302 Found", "location: /loop\r\n")
    async with web(replies) as url, images() as found:
        await found.fetched(asking(f"{url}/a"))
        with pytest.raises(BadRequest, match="redirects too often"):
            await found.fetched(asking(f"{url}/loop"))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply(b"<html>"), "not an image"),
        (reply(PNG, "404 Not Found"), "answered 404"),
        (reply(PNG * 100), "larger than"),
        (b"nonsense", "could not be fetched"),
    ],
)
async def test_what_is_no_usable_image_is_refused_with_the_reason(answer: bytes, why: str) -> None:
    async with web({"/a": answer}) as url, images(FetchLimits(max_bytes=1000)) as found:
        with pytest.raises(BadRequest, match=why) as refused:
            await found.fetched(asking(f"{url}/a"))
    assert refused.value.param == "image_url"


async def test_a_slow_server_is_given_up() -> None:
    never = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n"
    async with web({"/a": never}) as url, images(FetchLimits(timeout_s=0.05)) as found:
        with pytest.raises(BadRequest):
            await found.fetched(asking(f"{url}/a"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",  # 127.0.0.1 as one number
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "10.0.0.1",
        "192.168.1.154",
        "169.254.169.254",  # cloud metadata
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1%25eth0]",
        "[fd00::1]",
        "127。0。0。1",  # one and the same after IDNA's normalisation
        "127．0．0．1",
        "１２７.0.0.1",
        "0",
        "LOCALHOST.",
    ],
)
async def test_nothing_inside_the_network_is_ever_asked(host: str) -> None:
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(host)
        writer.write(reply(PNG))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, images(anywhere=False) as found:
        with pytest.raises(BadRequest, match=r"not public|could not be fetched") as refused:
            await found.fetched(asking(f"http://{host}:{port}/secret"))
    assert not asked
    assert "secret" not in str(refused.value)


async def test_a_redirect_into_the_network_is_refused() -> None:
    outside = {ipaddress.ip_address("127.0.0.1")}
    replies = {"/a": reply(b"", "302 Found", "location: http://127.0.0.2:1/admin\r\n")}
    async with web(replies) as url:
        found = RemoteImages(lambda address: address in outside)
        with pytest.raises(BadRequest, match="not public"):
            await found.fetched(asking(f"{url}/a"))
        await found.aclose()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/a", "gopher://x", "http://", "//x/a"])
async def test_only_web_addresses_are_fetched(url: str) -> None:
    async with images() as found:
        with pytest.raises(BadRequest):
            await found.fetched(asking(url))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_dress(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    translated = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))
    assert is_public(mapped) == is_public(translated) == is_public(address)


def test_the_internet_is_public() -> None:
    for address in ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"):
        assert is_public(ipaddress.ip_address(address))
    assert not is_public(ipaddress.ip_address("224.0.0.1"))


async def test_one_image_can_be_had_for_itself_with_its_kind() -> None:
    async with web({"/a": reply(PNG), "/b": reply(b"<html>")}) as url, images() as found:
        assert await found.fetch(f"{url}/a") == (PNG, "image/png")
        with pytest.raises(BadRequest, match="it is not an image"):
            await found.fetch(f"{url}/b")
