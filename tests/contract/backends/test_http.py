"""Plain HTTP to engines, whatever it goes over: where it goes, what it carries, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest

from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.port import Address, EngineHttp
from potluck.core.errors import MalformedAnswer, NodeError, NodeTimeout, NodeUnreachable
from potluck.gateway.relay.asking import PooledEngine
from potluck.gateway.relay.pools import Pools

Opener = Callable[[Address], AbstractAsyncContextManager[EngineHttp]]


@asynccontextmanager
async def over_aiohttp(address: Address) -> AsyncGenerator[EngineHttp]:
    async with open_engine_session() as session:
        yield AiohttpEngine(session, address, node="agx0")


@asynccontextmanager
async def over_the_relays_pools(address: Address) -> AsyncGenerator[EngineHttp]:
    pools = Pools(time.monotonic)
    try:
        yield PooledEngine(pools, address, lambda: over_aiohttp(address), node="agx0")
    finally:
        pools.close()


@pytest.fixture(params=[over_aiohttp, over_the_relays_pools])
def over(request: pytest.FixtureRequest) -> Opener:
    opener: Opener = request.param
    return opener


@dataclass
class Server:
    """A socket that keeps what it is sent and answers as the test says."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    silent: bool = False
    abort: bool = False
    impatient: bool = False
    received: list[bytes] = field(default_factory=list[bytes])
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.impatient:
                writer.write(self.answer)
                return
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                self.received.append(head + await reader.readexactly(length))
                if self.silent:
                    await reader.read()
                    return
                writer.write(self.answer)
                await writer.drain()
                if self.abort:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def engine(over: Opener, server: Server, **address: object) -> AsyncGenerator[EngineHttp]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    where = msgspec.structs.replace(Address("127.0.0.1", server.port), **address)  # type: ignore[arg-type]
    async with listener, over(where) as http:
        yield http


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_request_goes_below_the_base_path_with_the_engines_own_headers(over: Opener) -> None:
    server = Server()
    async with engine(over, server, base_path="/proxy/llm", headers=(("authorization", "Bearer secret"),)) as http:
        reply = await http.request("POST", "/v1/x", b'{"a":1}')
    assert (reply.status, reply.body) == (200, b"{}")
    (sent,) = server.received
    assert sent.startswith(b"POST /proxy/llm/v1/x HTTP/1.1\r\n")
    assert b"authorization: bearer secret" in sent.lower()
    assert b"content-type: application/json" in sent.lower()
    assert sent.endswith(b'{"a":1}')


async def test_a_status_is_the_callers_to_judge(over: Opener) -> None:
    async with engine(over, Server(b"HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy")) as http:
        reply = await http.request("GET", "/")
    assert (reply.status, reply.body) == (503, b"busy")


async def test_a_redirect_is_not_followed(over: Opener) -> None:
    server = Server(b"HTTP/1.1 302 X\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n")
    async with engine(over, server) as http:
        assert (await http.request("GET", "/")).status == 302


async def test_nothing_that_listens_is_unreachable(over: Opener) -> None:
    async with over(Address("127.0.0.1", free_port())) as http:
        with pytest.raises(NodeUnreachable, match="refuses connections") as caught:
            await http.request("GET", "/")
    assert caught.value.node == "agx0"
    assert "127.0.0.1" not in str(caught.value)


async def test_silence_is_a_timeout(over: Opener) -> None:
    async with engine(over, Server(silent=True)) as http:
        with pytest.raises(NodeTimeout):
            await http.request("GET", "/", timeout_s=0.05)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"])
async def test_an_answer_that_breaks_off_is_the_engines_fault(over: Opener, answer: bytes) -> None:
    async with engine(over, Server(answer, abort=True)) as http:
        with pytest.raises(NodeError):
            await http.request("GET", "/")


async def test_plain_http_where_tls_was_expected_is_named(over: Opener) -> None:
    async with engine(over, Server(b"HTTP/1.1 400 X\r\n\r\n", impatient=True), tls=True) as http:
        with pytest.raises(NodeUnreachable, match="TLS"):
            await http.request("GET", "/")


async def test_an_answer_is_read_as_it_comes_and_its_breaking_off_is_noticed(over: Opener) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n", abort=True)
    async with engine(over, server) as http:
        got: list[bytes] = []
        with pytest.raises(MalformedAnswer):
            async with http.stream("GET", "/") as stream:
                assert stream.status == 200
                async for piece in stream.pieces():
                    got.append(piece)  # noqa: PERF401 - what came before the break counts
    assert b"".join(got) == b"one"


async def test_a_body_is_sent_in_pieces(over: Opener) -> None:
    server = Server()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    async with engine(over, server) as http, http.stream("POST", "/", pieces()) as stream:
        assert b"".join([piece async for piece in stream.pieces()]) == b"{}"
    assert b"transfer-encoding: chunked" in server.received[0].lower()


async def test_the_readers_own_trouble_is_not_the_engines(over: Opener) -> None:
    async with engine(over, Server()) as http:
        with pytest.raises(OSError, match="disk full"):
            async with http.stream("GET", "/"):
                raise OSError("disk full")
