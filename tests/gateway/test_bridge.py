"""The switch's other side: whatever the application does, the client's connection is afterwards as it should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from tests.gateway.wires import join, question, request, turn
from tests.gateway.world import WHOLE, World, until, world

GET = b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n"


class App:
    """What a test lets the application do, and what it saw."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.seen: list[str] = []

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/stream", self.stream, methods=["GET", "POST"]),
            Route("/length", self.length),
            Route("/raises", self.raises, methods=["GET", "POST"]),
            Route("/breaks", self.breaks),
            Route("/early", self.early, methods=["POST"]),
            Route("/never", self.never, methods=["GET", "POST"]),
            Route("/after", self.after),
            Route("/nothing", Raw(lambda send: _nothing())),
            Route("/short", Raw(_short)),
            Route("/head-only", Raw(_head_only)),
            Route("/no-content", self.no_content),
        ]

    async def stream(self, request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"one "
            await self.go.wait()
            yield b"two"

        return StreamingResponse(body(), media_type="text/plain")

    async def length(self, request: Request) -> Response:
        return PlainTextResponse("x" * 1_000_000)

    async def raises(self, request: Request) -> Response:
        raise RuntimeError("on purpose")

    async def breaks(self, request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError("on purpose")

        return StreamingResponse(body())

    async def early(self, request: Request) -> Response:
        return PlainTextResponse("no need to read", status_code=413 if "413" in request.url.query else 200)

    async def never(self, request: Request) -> Response:
        try:
            while (message := await request.receive())["type"] != "http.disconnect":
                self.seen.append(message["type"])
            self.seen.append("disconnect")
        except ClientDisconnect:
            self.seen.append("disconnect")
        return PlainTextResponse("to nobody")

    async def after(self, request: Request) -> Response:
        async def work() -> None:
            await self.go.wait()
            self.seen.append("worked")

        return PlainTextResponse("answered", background=BackgroundTask(work))

    async def no_content(self, request: Request) -> Response:
        return Response(status_code=204)


class Raw:
    """An application below Starlette's manners."""

    def __init__(self, run: object) -> None:
        self.run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.run(send)  # type: ignore[operator]


async def _nothing() -> None:
    """Returns without a word."""


async def _short(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": b"12345"})


async def _head_only(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def at_rest(w: World) -> bool:
    """No request, task or timer of uvicorn's is left."""
    return not w.relay.asgi.state.tasks and not w.relay.asgi.state.connections and w.nothing_is_held()


async def test_a_streamed_answer_comes_as_it_is_made_and_the_connection_serves_on() -> None:
    app = App()
    async with world(routes=app.routes()) as w:
        client = await w.connect()
        for _ in range(2):
            app.go.clear()
            client.send(GET % b"/stream")
            _, headers = await client.head()
            assert headers["transfer-encoding"] == "chunked"
            assert await client.chunk() == b"one "
            app.go.set()
            assert (await client.chunk(), await client.chunk()) == (b"two", b"")
            client.ask()
            assert (await client.answer())[2] == WHOLE
        await until(lambda: at_rest(w))


async def test_a_long_answer_and_one_without_a_body() -> None:
    async with world(routes=App().routes()) as w:
        client = await w.connect()
        for _ in range(3):
            client.send(GET % b"/length")
            assert len((await client.answer())[2]) == 1_000_000
            client.send(GET % b"/no-content")
            status, headers = await client.head()
            assert (status, headers.get("transfer-encoding")) == (204, None)
            client.send(b"HEAD /length HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await client.head())[1]["content-length"] == "1000000"
        client.ask()
        assert (await client.answer())[2] == WHOLE
        await until(lambda: at_rest(w))


@pytest.mark.parametrize("path", [b"/raises", b"/nothing"])
async def test_an_application_that_fails_before_its_head_is_answered_for(path: bytes) -> None:
    async with world(routes=App().routes()) as w:
        client = await w.connect()
        client.send(GET % path)
        status, headers, body = await client.answer()
        assert (status, body) == (500, b"Internal Server Error")
        assert (headers.get("connection") == "close") == (path == b"/nothing")
        if path == b"/raises":
            client.ask()
            assert (await client.answer())[2] == WHOLE
        else:
            assert await client.closed()
        await until(lambda: at_rest(w))


@pytest.mark.parametrize("path", [b"/breaks", b"/short", b"/head-only"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_an_answer_that_breaks_off_never_ends_as_if_whole(path: bytes, version: bytes) -> None:
    async with world(routes=App().routes()) as w:
        client = await w.connect()
        client.send(b"GET %b HTTP/%b\r\nhost: x\r\n\r\n" % (path, version))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
            await client.answer()
        await until(lambda: at_rest(w))


async def test_http_1_0_gets_an_answer_without_chunks_to_the_end_of_the_connection() -> None:
    app = App()
    app.go.set()
    async with world(routes=app.routes()) as w:
        for path, wanted in ((b"/stream", b"one two"), (b"/length", b"x" * 1_000_000), (b"/hello", b"hello /hello 0")):
            client = await w.connect()
            client.send(b"GET %b HTTP/1.0\r\nconnection: keep-alive\r\n\r\n" % path)
            _, headers, body = await client.answer()
            assert ("transfer-encoding" in headers, headers["connection"], body) == (False, "close", wanted)
            assert await client.closed()
        await until(lambda: at_rest(w))


@pytest.mark.parametrize("query", [b"", b"?413"])
@pytest.mark.parametrize("size", [1000, 3_000_000])
async def test_an_answer_before_the_body_is_read_keeps_the_connection_in_step(query: bytes, size: int) -> None:
    async with world(routes=App().routes()) as w:
        client = await w.connect()
        for _ in range(2):
            client.post(b"", f"content-length: {size}", path=f"/early{query.decode()}")
            assert (await client.answer())[2] == b"no need to read"
            client.send(b"x" * size)
            client.ask()
            assert (await client.answer())[2] == WHOLE
        await until(lambda: at_rest(w))


async def test_an_answer_before_a_body_that_is_the_last_ends_the_connection() -> None:
    async with world(routes=App().routes()) as w:
        client = await w.connect()
        client.post(b"x" * 200_000, "content-length: 1000000", "connection: close", path="/early")
        _, headers, body = await client.answer()
        assert (headers["connection"], body) == ("close", b"no need to read")
        assert await client.closed()
        await until(lambda: at_rest(w))


async def test_more_of_a_body_than_anybody_wants_is_not_read_for_ever() -> None:
    async with world(routes=App().routes()) as w:
        client = await w.connect()
        client.post(b"", "content-length: 100000000", path="/early")
        assert (await client.answer())[2] == b"no need to read"
        sent = 0
        with pytest.raises((ConnectionError, RuntimeError)):
            while sent < 100_000_000:
                client.send(b"x" * 1_000_000)
                sent += 1_000_000
                await client.writer.drain()
                await asyncio.sleep(0)
                if client.reader.at_eof():
                    raise ConnectionError
        assert sent < 60_000_000


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_that_leaves_is_told_to_the_application(method: str) -> None:
    app = App()
    async with world(routes=app.routes()) as w:
        client = await w.connect()
        if method == "GET":
            client.send(GET % b"/never")
        else:
            client.post(b"12345", "content-length: 10", path="/never")
        await until(lambda: bool(app.seen))
        client.abort()
        await until(lambda: app.seen[-1] == "disconnect")
        await until(lambda: at_rest(w))
        assert not w.relay.connections


async def test_a_client_that_leaves_in_a_stream_ends_it() -> None:
    app = App()
    async with world(routes=app.routes()) as w:
        for leave in ("abort", "close"):
            client = await w.connect()
            client.send(GET % b"/stream")
            await client.head()
            client.abort() if leave == "abort" else client.writer.close()
            await until(lambda: at_rest(w))
            await until(lambda: not w.relay.connections)


async def test_what_an_application_does_after_its_answer_does_not_hold_the_connection() -> None:
    app = App()
    async with world(routes=app.routes()) as w:
        client = await w.connect()
        client.send(GET % b"/after")
        assert (await client.answer())[2] == b"answered"
        client.ask()
        assert (await client.answer())[2] == WHOLE
        client.send(GET % b"/hello")
        assert (await client.answer())[2] == b"hello /hello 0"
        assert not app.seen
        app.go.set()
        await until(lambda: app.seen == ["worked"])
        client.ask()
        assert (await client.answer())[2] == WHOLE
        await until(lambda: at_rest(w))


async def test_uvicorns_keep_alive_timer_never_closes_a_connection() -> None:
    async with world() as w:
        w.relay.asgi.config.timeout_keep_alive = 0
        client = await w.connect()
        for _ in range(2):
            client.send(GET % b"/hello")
            assert (await client.answer())[0] == 200
            await asyncio.sleep(0.02)
            client.ask(stream=True)
            assert (await client.answer())[0] == 200
            await asyncio.sleep(0.02)


async def test_pipelined_requests_cross_the_switch_in_order() -> None:
    app = App()
    app.go.set()
    async with world(routes=app.routes()) as w:
        client = await w.connect()
        for _ in range(3):
            client.send(GET % b"/stream")
            client.ask()
            client.post(b"3\r\nabc\r\n0\r\n\r\n", "transfer-encoding: chunked", path="/hello")
            client.send(GET % b"/raises")
            client.ask(stream=True)
        for _ in range(3):
            bodies = [(await client.answer())[2] for _ in range(5)]
            assert bodies[:4] == [b"one two", WHOLE, b"hello /hello 3", b"Internal Server Error"]
        await until(lambda: at_rest(w))


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_body_that_turns_to_garbage_is_refused_or_cut_but_never_answered_twice(spoken: bool) -> None:
    app = App()
    path = "/stream" if spoken else "/never"
    async with world(routes=app.routes()) as w:
        ends = join(w)
        sent = request(b"12345", chunks=5, path=path)
        ends.client.feed(sent[:-5])
        await turn(20)
        assert bool(ends.client.written) == spoken
        ends.client.feed(b"garbage\r\n")
        await until(lambda: at_rest(w))
        (answer,) = ends.answers()
        assert (answer.status, answer.cut) == ((200, True) if spoken else (400, False))
        assert ends.client.ended


async def test_the_application_reads_the_very_request() -> None:
    heard: list[tuple[str, bytes, list[tuple[bytes, bytes]], str]] = []

    async def echo(request: Request) -> Response:
        scope = request.scope
        heard.append((scope["path"], scope["query_string"], scope["headers"], scope["http_version"]))
        return PlainTextResponse(await request.body())

    body = question(stream=False)
    async with world(routes=[Route("/{path:path}", echo, methods=["POST"])]) as w:
        ends = join(w)
        ends.client.feed(request(body, "X-Odd:  \xe9 , b ", "cookie: a=b", path="/a%20b/%2Fc?x=%3F&y", chunks=10))
        await turn(20)
        (answer,) = ends.answers()
        assert answer.body == body
        path, query, headers, version = heard[0]
        assert (path, query, version) == ("/a b//c", b"x=%3F&y", "1.1")
        assert (b"x-odd", "\xe9 , b".encode()) in headers
        assert (b"cookie", b"a=b") in headers
