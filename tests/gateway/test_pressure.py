"""Back-pressure: whoever is slow makes the other side wait, never our memory, and only as long as it is slow."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from potluck.gateway.relay.relay import Limits
from tests.gateway.test_pieces import SSE, STREAM, STREAMS, WHOLES, chunked
from tests.gateway.wires import Ends, join, question, request, turn
from tests.gateway.world import DONE, ROLE, STOP, WHOLE, Client, EngineSide, World, says_hi, text, until, world

PIECE = text("x" * 8000)
# Together more than all buffers of the kernel on the way.
MANY = 4000


async def stand_still(count: list[int]) -> None:
    """Wait until nothing moves any more."""
    before = -1
    while count[0] != before:
        before = count[0]
        await asyncio.sleep(0.1)


# --- a client that does not take its answer ---


async def test_a_stream_that_was_held_back_is_whole_and_its_connections_serve_on() -> None:
    written = [0]

    async def long(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE)
        for _ in range(MANY):
            engine.chunk(PIECE)
            written[0] += 1
            await engine.writer.drain()
        engine.chunk(STOP + DONE)
        engine.end()

    async with world(long) as w:
        client = await w.connect()
        client.writer.transport.pause_reading()
        client.ask(stream=True)
        await stand_still(written)
        assert 0 < written[0] < MANY
        client.writer.transport.resume_reading()
        _, _, body = await client.answer()
        assert body == ROLE + PIECE * MANY + STOP + DONE
        w.engines[0].script = says_hi
        for stream in (True, False):
            client.ask(stream=stream)
            assert (await client.answer())[0] == 200
        assert w.engines[0].connections == 1
        await until(w.nothing_is_held)


async def test_an_engine_connection_that_ends_held_back_is_heard_again_by_the_next_call() -> None:
    async with world() as w:
        ends = join(w, [STREAMS["chunked"]], [WHOLES["sized"]])
        ends.client.feed(request(question(stream=True)))
        ends.client.protocol.pause_writing()
        await turn()
        assert not ends.client.written.endswith(b"0\r\n\r\n") or not ends.engine.reading or w.nothing_is_held()
        ends.client.protocol.resume_writing()
        await turn()
        assert w.nothing_is_held()
        assert ends.engine.reading
        ends.client.feed(request(question(stream=False)))
        await turn()
        first, second = ends.answers("POST", "POST")
        assert (first.body, second.body) == (STREAM, WHOLES["sized"].partition(b"\r\n\r\n")[2])


async def test_the_end_of_an_answer_that_comes_with_the_piece_that_fills_the_client_leaves_no_connection_paused() -> (
    None
):
    async with world() as w:
        ends = join(w, [STREAMS["chunked"]], [STREAMS["sized"]])
        _full_at_the_first_write(ends)
        ends.client.feed(request(question(stream=True)))
        await turn()
        assert w.nothing_is_held()
        assert ends.engine.reading
        ends.client.protocol.resume_writing()
        ends.client.feed(request(question(stream=True)))
        await turn()
        assert [each.body for each in ends.answers("POST", "POST")] == [STREAM, STREAM]


def _full_at_the_first_write(ends: Ends) -> None:
    plain = ends.client.write

    def write(data: bytes | bytearray | memoryview) -> None:
        plain(data)
        if len(ends.client.written) == len(data):
            ends.client.protocol.pause_writing()

    ends.client.write = write  # type: ignore[method-assign]


async def test_a_request_on_a_connection_that_is_still_full_is_held_back_too() -> None:
    """The transport says that it is full once; the exchange that comes after it was not there to hear it."""
    head, _, rest = STREAMS["chunked"].partition(b"\r\n\r\n")
    async with world() as w:
        ends = join(w, [WHOLES["sized"]], [head + b"\r\n\r\n", rest])
        ends.client.feed(request(question(stream=False)))
        await turn()
        ends.client.protocol.pause_writing()
        ends.client.feed(request(question(stream=True)))
        await turn()
        assert not ends.engine.reading
        assert len(ends.answers("POST", "POST")) == 1
        ends.client.protocol.resume_writing()
        await turn()
        assert ends.answers("POST", "POST")[1].body == STREAM


async def test_a_client_that_leaves_while_it_is_held_back_frees_the_engine() -> None:
    async with world() as w:
        ends = join(w, [SSE + chunked(ROLE, last=b"")])
        ends.client.feed(request(question(stream=True)))
        await turn()
        ends.client.protocol.pause_writing()
        assert not ends.engine.reading
        ends.client.lose(ConnectionResetError())
        assert ends.engine.aborted
        assert w.nothing_is_held()


async def test_an_engine_that_breaks_while_it_is_held_back_is_noticed_when_the_client_reads_on() -> None:
    async def breaks(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE)
        for _ in range(MANY):
            engine.chunk(PIECE)
            written[0] += 1
            await engine.writer.drain()
        engine.writer.transport.abort()

    written = [0]
    async with world(breaks) as w:
        client = await w.connect()
        client.writer.transport.pause_reading()
        client.ask(stream=True)
        await stand_still(written)
        client.writer.transport.resume_reading()
        _, _, body = await client.answer()
        assert b'"error"' in body[-300:]
        assert DONE not in body
        assert w.nothing_is_held()


async def test_a_client_that_takes_nothing_for_too_long_is_let_go() -> None:
    async with world() as w:
        ends = join(w, [SSE + chunked(ROLE, last=b"")])
        ends.client.feed(request(question(stream=True)))
        await turn()
        ends.client.unsent = 70_000
        ends.client.protocol.pause_writing()
        for left in (70_000, 60_000, 50_000):  # slow is not stuck
            ends.client.unsent = left
            w.skip(40)
            w.skip(1)
        assert not ends.client.closed
        w.skip(60)
        assert ends.client.aborted
        assert ends.engine.aborted
        await turn()
        assert w.nothing_is_held()
        assert not w.relay.connections


async def test_a_client_that_never_takes_the_end_of_its_last_answer_is_let_go() -> None:
    async with world() as w:
        ends = join(w, [WHOLES["sized"]])
        ends.client.feed(request(question(stream=False), "connection: close"))
        await turn()
        ends.client.unsent = 1000
        for _ in range(5):
            w.skip(10)
        assert not ends.client.closed
        w.skip(20)
        assert ends.client.aborted


async def test_a_slow_download_of_the_last_answer_is_not_cut() -> None:
    async with world() as w:
        ends = join(w, [WHOLES["sized"]])
        ends.client.feed(request(question(stream=False), "connection: close"))
        await turn()
        for left in range(9, 0, -1):
            ends.client.unsent = left * 1000
            w.skip(30)
        assert not ends.client.closed


# --- an engine that does not take its request ---


async def test_an_engine_that_stops_reading_a_large_body_holds_no_more_than_the_body_and_one_slot() -> None:
    opened = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        opened.set()

    async with world() as w:
        await w.replace_engine(deaf)
        client, other = await w.connect(), await w.connect()
        client.ask(say="x" * 30_000_000)
        await opened.wait()
        await until(lambda: w.busy() == [1])
        other.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await other.answer())[0] == 200
        client.abort()
        await until(w.nothing_is_held)


async def test_an_engine_that_takes_its_request_slowly_gets_all_of_it() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while left:
            left -= len(await reader.read(min(left, 500_000)))
            await asyncio.sleep(0)
        writer.write(WHOLES["sized"])
        await reader.read()

    async with world() as w:
        await w.replace_engine(slow)
        client = await w.connect()
        client.ask(say="x" * 20_000_000)
        assert (await client.answer())[0] == 200


# --- the application ---


async def test_an_application_that_does_not_take_an_upload_holds_the_client_back() -> None:
    go = asyncio.Event()
    sent = [0]

    async def late(request: Request) -> Response:
        await go.wait()
        size = 0
        async for piece in request.stream():
            size += len(piece)
        return PlainTextResponse(str(size))

    async with world(routes=[Route("/late", late, methods=["POST"])]) as w:
        client = await w.connect()
        sending = asyncio.ensure_future(_upload(client, 60_000_000, sent))
        await stand_still(sent)
        assert sent[0] < 40_000_000
        w.skip(100)  # longer than a client may be silent: but it is the application that is
        go.set()
        await sending
        assert (await client.answer())[2] == b"60000000"
        client.ask()
        assert (await client.answer())[2] == WHOLE


async def _upload(client: Client, size: int, sent: list[int]) -> None:
    client.post(b"", f"content-length: {size}", path="/late")
    while sent[0] < size:
        client.send(b"x" * 100_000)
        sent[0] += 100_000
        await client.writer.drain()


async def test_an_application_is_held_back_by_a_slow_client_and_by_one_that_was_slow_before() -> None:
    written = [0]

    async def endless(request: Request) -> Response:
        async def body() -> object:
            while True:
                written[0] += 1
                yield b"x" * 10_000
                await asyncio.sleep(0)  # as every real source of bytes does now and then

        return StreamingResponse(body())  # type: ignore[arg-type]

    async with world(routes=[Route("/endless", endless)], limits=Limits(send_s=5)) as w:
        client = await w.connect()
        client.writer.transport.pause_reading()
        client.send(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        await stand_still(written)
        assert written[0] < 3000
        w.skip(6)
        w.skip(6)
        await until(lambda: not w.relay.connections)

        ends = join(w)
        ends.client.protocol.pause_writing()
        ends.client.feed(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        written[0] = 0
        await turn(50)
        assert written[0] <= 2
        ends.client.lose()
        await turn(50)
        assert _idle(w)


def _idle(w: World) -> bool:
    return not w.relay.asgi.state.connections and not w.relay.asgi.state.tasks
