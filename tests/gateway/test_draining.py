"""A graceful stop: what is under way is finished, what is idle is closed, and after the patience all is cut."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from potluck.core.answer import collect
from potluck.core.call import ChatCall, Message, Role, TextPart
from potluck.core.model import KeyId, UserId
from potluck.gateway.calls import InsideCalls
from potluck.gateway.port import Caller
from potluck.storage.records import CallStatus
from tests.gateway.test_pieces import STREAM, WHOLES
from tests.gateway.wires import join, question, request, turn
from tests.gateway.world import DONE, ROLE, STOP, WHOLE, Answer, EngineSide, says_hi, text, until, world


def on(go: asyncio.Event, then: Answer = says_hi) -> Answer:
    async def script(engine: EngineSide) -> None:
        await go.wait()
        await then(engine)

    return script


async def test_streams_under_way_are_finished() -> None:
    go = asyncio.Event()

    async def halves(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE + text("h"))
        await go.wait()
        engine.chunk(text("i") + STOP + DONE)
        engine.end()

    async with world(halves, slots=4) as w:
        clients = [await w.connect() for _ in range(4)]
        for client in clients:
            client.ask(stream=True)
            await client.head()
        draining = asyncio.ensure_future(w.relay.drain(5))
        await asyncio.sleep(0.06)
        assert not draining.done()
        go.set()
        for client in clients:
            body = b""
            while data := await client.chunk():
                body += data
            assert body == ROLE + text("h") + text("i") + STOP + DONE
            assert await client.closed()
        await draining
        assert not w.relay.connections
        assert w.nothing_is_held()


async def test_calls_in_line_get_their_turn() -> None:
    go = asyncio.Event()
    async with world(on(go), slots=1) as w:
        clients = [await w.connect() for _ in range(3)]
        for client in clients:
            client.ask()
        await until(lambda: w.relay.dispatcher.waiting == 2)
        draining = asyncio.ensure_future(w.relay.drain(5))
        await asyncio.sleep(0)
        go.set()
        for client in clients:
            status, headers, body = await client.answer()
            assert (status, headers["connection"], body) == (200, "close", WHOLE)
        await draining


async def test_idle_connections_are_closed_at_once_and_pipelined_requests_left_for_another_try() -> None:
    go = asyncio.Event()
    async with world(on(go)) as w:
        idle, busy = await w.connect(), await w.connect()
        for _ in range(3):
            busy.ask()
        await until(lambda: w.busy() == [1])
        draining = asyncio.ensure_future(w.relay.drain(5))
        assert await idle.closed()
        go.set()
        status, headers, _ = await busy.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await busy.closed()
        await draining
        assert len(w.engines[0].requests) == 1
        assert w.nothing_is_held()


async def test_a_request_that_is_being_read_is_let_in() -> None:
    async with world() as w:
        ends = join(w, [WHOLES["sized"]])
        sent = request(question(stream=False))
        ends.client.feed(sent[:150])
        draining = asyncio.ensure_future(w.relay.drain(5))
        await turn()
        ends.client.feed(sent[150:])
        await turn()
        (answer,) = ends.answers()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        await draining


async def test_the_application_finishes_what_it_does() -> None:
    go = asyncio.Event()

    async def slow(request: Request) -> Response:
        await go.wait()
        return PlainTextResponse("done")

    async with world(routes=[Route("/slow", slow)]) as w:
        client = await w.connect()
        client.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: len(w.relay.asgi.state.tasks) == 1)
        draining = asyncio.ensure_future(w.relay.drain(5))
        await asyncio.sleep(0)
        go.set()
        assert (await client.answer())[2] == b"done"
        assert await client.closed()
        await draining


async def test_a_slow_client_gets_the_rest_of_an_answer_that_is_written() -> None:
    big = b'{"choices":[{"message":{"content":"%b"}}],"usage":{}}' % (b"x" * 30_000_000)

    async def says_much(engine: EngineSide) -> None:
        engine.reply(big)

    async with world(says_much) as w:
        client = await w.connect()
        client.writer.transport.pause_reading()
        client.ask()
        await until(lambda: bool(w.relay.connections) and not any(w.busy()) and len(w.engines[0].requests) == 1)
        draining = asyncio.ensure_future(w.relay.drain(5))
        await asyncio.sleep(0.1)
        assert not draining.done()
        client.writer.transport.resume_reading()
        assert (await client.answer())[2] == big
        await draining


async def test_a_client_that_was_told_goodbye_is_not_waited_for() -> None:
    async with world() as w:
        ends = join(w, [WHOLES["sized"]])
        ends.client.feed(request(question(stream=False), "connection: close"))
        await turn()
        assert ends.client.ended
        async with asyncio.timeout(0.04):  # less than one look of the drain
            await w.relay.drain(5)
        assert not w.relay.connections


async def test_what_outlasts_the_patience_ends_in_an_error_and_is_settled_before_the_drain_returns() -> None:
    async def silent(engine: EngineSide) -> None:
        await engine.gone()

    async def begins(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE)
        await engine.gone()

    async with world(silent, slots=2) as w:
        prefill, waiting = await w.connect(), await w.connect()
        prefill.ask(stream=True)
        await until(lambda: len(w.engines[0].requests) == 1)
        w.engines[0].script = begins
        streaming = await w.connect()
        streaming.ask(stream=True)
        await streaming.head()
        waiting.ask()
        await until(lambda: w.relay.dispatcher.waiting == 1)
        half = await w.connect()
        half.send(b"POST /v1/chat/completions HTT")
        await until(lambda: len(w.relay.connections) == 4)
        await w.relay.drain(0.01)
        assert (w.relay.connections, w.relay.exchanges, w.relay.dispatcher.waiting) == (set(), set(), 0)
        assert [each.status for each in await w.records()] == [CallStatus.OVERLOADED] * 3
        for client in (prefill, waiting):
            status, headers, body = await client.answer()
            assert (status, headers.get("connection")) == (503, "close"), (headers, body)
            assert b"Potluck is stopping." in body
        said = [await streaming.chunk(), await streaming.chunk()]
        assert said[0] == ROLE
        assert b'"error"' in said[1]
        assert b"Potluck is stopping." in said[1]
        assert await streaming.chunk() == b""
        await until(w.nothing_is_held)  # a connection may still be on its way to the one that came next in line
        w.skip(5)
        await until(lambda: w.engines[0].open == 0)


async def test_what_is_handed_over_is_neither_waited_for_nor_told_of_an_error() -> None:
    async def begins(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE)
        await engine.gone()

    async with world(begins) as w:
        client = await w.connect()
        client.ask(stream=True)
        await client.head()

        async def hand_over() -> None:
            for exchange in tuple(w.relay.exchanges):
                exchange.client_gone()

        await w.relay.drain(0.01, hand_over=hand_over)
        assert [each.status for each in await w.records()] == [CallStatus.CANCELLED]
        assert await client.chunk() == ROLE


async def test_calls_from_inside_are_waited_for_too() -> None:
    go = asyncio.Event()
    async with world(on(go)) as w:
        call = ChatCall("m", (Message(Role.USER, (TextPart("hello"),)),))

        async def ask() -> str:
            async with InsideCalls(w.relay).generate(call, Caller(KeyId("k"), "test", UserId("u"))) as origin:
                return collect([event async for event in origin.events()]).choices[0].text

        asked = asyncio.ensure_future(ask())
        await until(lambda: w.busy() == [1])
        draining = asyncio.ensure_future(w.relay.drain(5))
        await asyncio.sleep(0.06)
        assert not draining.done()
        go.set()
        assert await asked == "hi"
        await draining


async def test_nothing_new_is_begun_on_a_connection_that_drains() -> None:
    async with world() as w:
        ends = join(w, [], [WHOLES["sized"]])
        ends.client.feed(request(question(stream=True)))
        await turn()
        draining = asyncio.ensure_future(w.relay.drain(5))
        await turn()
        ends.client.feed(request(question(stream=False)))
        ends.engine.feed(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(STREAM), STREAM))
        await turn()
        (answer,) = ends.answers()
        assert (answer.body, answer.headers["connection"]) == (STREAM, "close")
        assert len(ends.engine.requests) == 1
        await draining
