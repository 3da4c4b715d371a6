"""Engine connections: which are used again, what is sent again, and what never is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from potluck.backends.port import Address
from potluck.gateway.relay.engine import IDLE_LIMIT_S
from tests.gateway.world import DONE, ROLE, STOP, WHOLE, Answer, EngineSide, says_hi, text, until, world

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
FRAMED = HEAD + b"content-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)


def says(*pieces: bytes, close: bool = False) -> Answer:
    async def script(engine: EngineSide) -> None:
        for piece in pieces:
            engine.writer.write(piece)
            await engine.writer.drain()
        if close:
            engine.writer.close()

    return script


def in_turn(*scripts: Answer) -> Answer:
    """Each request meets the next script; the last one answers all others."""
    left = list(scripts)

    async def script(engine: EngineSide) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(engine)

    return script


@pytest.mark.parametrize(
    ("answer", "reused"),
    [
        (FRAMED, True),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(WHOLE), WHOLE), True),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n%x;a=b\r\n%b\r\n0\r\nx: y\r\n\r\n" % (len(WHOLE), WHOLE), True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + FRAMED, True),
        (b"HTTP/1.1 103 Early Hints\r\ncontent-length: 7\r\ncontent-type: text/html\r\n\r\n" + FRAMED, True),
        (FRAMED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1), False),
        (FRAMED.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (FRAMED + b"x", False),
        (FRAMED + FRAMED, False),
        (FRAMED + b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n", False),
    ],
)
async def test_a_connection_is_used_again_only_after_an_answer_that_ended_cleanly(answer: bytes, reused: bool) -> None:
    async with world(in_turn(says(answer), says_hi)) as w:
        client = await w.connect()
        for _ in range(2):
            client.ask()
            assert (await client.answer())[2] == WHOLE
        assert w.engines[0].connections == (1 if reused else 2)
        assert w.nothing_is_held()


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\ncontent-length: 7\r\n\r\n"])
async def test_an_answer_without_a_length_ends_with_its_connection(interim: bytes) -> None:
    async with world(says(interim + HEAD + b"\r\n" + WHOLE, close=True)) as w:
        client = await w.connect()
        for _ in range(2):
            client.ask()
            assert (await client.answer())[2] == WHOLE
        assert w.engines[0].connections == 2


async def test_an_engine_that_closes_exactly_at_the_end_costs_nothing() -> None:
    async with world(says(FRAMED, close=True)) as w:
        client = await w.connect()
        for _ in range(5):
            client.ask()
            status, headers, body = await client.answer()
            assert (status, headers["x-potluck-attempts"], body) == (200, "1", WHOLE)
        assert w.nothing_is_held()


async def test_unsolicited_bytes_on_an_idle_connection_are_nobodys_answer() -> None:
    async def answers_twice(engine: EngineSide) -> None:
        await says_hi(engine)
        await engine.writer.drain()
        await asyncio.sleep(0.01)
        engine.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")

    async with world(in_turn(answers_twice, says_hi)) as w:
        client = await w.connect()
        client.ask()
        assert (await client.answer())[2] == WHOLE
        await until(lambda: w.engines[0].open == 0)
        client.ask()
        assert (await client.answer())[2] == WHOLE
        assert w.engines[0].connections == 2


@pytest.mark.parametrize("silence_s", [IDLE_LIMIT_S - 1, IDLE_LIMIT_S + 1])
async def test_a_connection_is_not_used_again_after_the_engines_own_limit(silence_s: float) -> None:
    async with world() as w:
        client = await w.connect()
        client.ask()
        await client.answer()
        w.time.skipped_s += silence_s
        client.ask()
        assert (await client.answer())[0] == 200
        assert w.engines[0].connections == (1 if silence_s < IDLE_LIMIT_S else 2)


async def test_the_connection_that_idled_least_is_used_first() -> None:
    go = asyncio.Event()

    async def together(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(together, slots=3) as w:
        clients = [await w.connect() for _ in range(3)]
        for client in clients:
            client.ask()
        await until(lambda: len(w.engines[0].requests) == 3)
        go.set()
        for client in clients:
            await client.answer()
        for _ in range(4):
            clients[0].ask()
            await clients[0].answer()
        last = w.engines[0].requests[-1].writer
        assert [each.writer for each in w.engines[0].requests[3:]] == [last] * 4


async def test_a_connection_outlives_the_long_stream_that_opened_it_but_not_its_idle_limit() -> None:
    go = asyncio.Event()

    async def long(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE)
        await go.wait()
        engine.chunk(STOP + DONE)
        engine.end()

    async with world(long) as w:
        client = await w.connect()
        client.ask(stream=True)
        await client.head()
        w.skip(100)
        go.set()
        while await client.chunk():
            pass
        await until(w.nothing_is_held)
        client.ask(stream=True)
        await client.answer()
        assert w.engines[0].connections == 1
        w.skip(IDLE_LIMIT_S + 1)
        await until(lambda: w.engines[0].open == 0)


# --- what is sent again ---


async def dies(engine: EngineSide) -> None:
    engine.writer.transport.abort()


async def hangs_up(engine: EngineSide) -> None:
    engine.writer.close()


async def says_a_byte_and_dies(engine: EngineSide) -> None:
    engine.writer.write(b"H")
    await engine.writer.drain()
    await asyncio.sleep(0.01)
    engine.writer.close()


@pytest.mark.parametrize("end", [dies, hangs_up])
async def test_a_request_is_sent_again_once_where_a_kept_connection_was_closed_before_an_answer(end: Answer) -> None:
    async with world(in_turn(says_hi, end, says_hi)) as w:
        client = await w.connect()
        for _ in range(2):
            client.ask()
            status, headers, _ = await client.answer()
            assert (status, headers["x-potluck-attempts"]) == (200, "1")
        assert len(w.engines[0].requests) == 3


async def test_a_request_is_sent_again_only_once() -> None:
    async with world(in_turn(says_hi, dies), says_hi) as w:
        client = await w.connect()
        client.ask()
        await client.answer()
        client.ask()
        status, headers, _ = await client.answer()
        assert (status, headers["x-potluck-node"], headers["x-potluck-attempts"]) == (200, "n1", "2")
        assert len(w.engines[0].requests) == 3


async def test_nothing_is_sent_again_on_a_fresh_connection() -> None:
    async with world(dies, says_hi) as w:
        client = await w.connect()
        client.ask()
        assert (await client.answer())[1]["x-potluck-node"] == "n1"
        assert len(w.engines[0].requests) == 1


async def test_nothing_is_sent_again_after_a_byte_of_the_answer() -> None:
    async with world(in_turn(says_hi, says_a_byte_and_dies), says_hi) as w:
        client = await w.connect()
        client.ask()
        await client.answer()
        client.ask()
        status, headers, _ = await client.answer()
        assert (status, headers["x-potluck-node"]) == (200, "n1")
        assert len(w.engines[0].requests) == 2


async def test_a_connection_that_was_dialled_and_never_used_may_be_stale_too() -> None:
    """A client that leaves while its connection is dialled leaves one like this in the pool."""
    async with world(in_turn(dies, says_hi)) as w:
        pool = w.relay.pools.to(Address("127.0.0.1", w.engines[0].port))
        pool.give(await pool.dial())
        client = await w.connect()
        client.ask()
        status, headers, _ = await client.answer()
        assert (status, headers["x-potluck-attempts"]) == (200, "1")
        assert len(w.engines[0].requests) == 2


# --- engines that answer early, or accept and hang up ---


@pytest.mark.parametrize("status", ["200 OK", "413 Payload Too Large"])
async def test_a_connection_whose_request_was_not_taken_whole_is_not_used_again(status: str) -> None:
    """The engine answers on the head alone and reads no more: the rest of the body stands in the way."""
    connections = 0

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(WHOLE)}\r\n\r\n".encode() + WHOLE)

    async with world() as w:
        await w.replace_engine(early)
        client = await w.connect()
        for _ in range(2):
            client.ask(say="x" * 8_000_000)
            got, _, _ = await client.answer()
            assert got == (200 if status == "200 OK" else 400)
        assert connections == 2
        assert w.nothing_is_held()


@pytest.mark.parametrize("hang_up", [asyncio.StreamWriter.close, lambda writer: writer.transport.abort()])
async def test_an_engine_that_accepts_and_hangs_up_costs_an_attempt_not_a_wait(
    hang_up: Callable[[asyncio.StreamWriter], None],
) -> None:
    async def accepts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hang_up(writer)

    async with world(says_hi, says_hi) as w:
        await w.replace_engine(accepts)
        for _ in range(10):
            client = await w.connect()
            client.ask()
            async with asyncio.timeout(1):
                assert (await client.answer())[0] == 200
        assert w.nothing_is_held()


async def test_a_stream_is_never_continued_on_another_connection() -> None:
    async with world(in_turn(says_hi, says(HEAD.replace(b"json", b"x") + b"\r\n" + ROLE + text("h"), close=True))) as w:
        client = await w.connect()
        client.ask(stream=True)
        await client.answer()
        client.ask(stream=True)
        _, _, body = await client.answer()
        assert body.startswith(ROLE + text("h"))
        assert b"error" in body
        assert DONE not in body
        assert len(w.engines[0].requests) == 2


async def test_each_of_several_generations_may_meet_a_connection_that_is_closed() -> None:
    turns = [says(FRAMED), says(close=True)] * 3
    async with world(in_turn(*turns, says(FRAMED))) as w:
        w.backends[0].many = False  # so it is asked once for each
        client = await w.connect()
        client.ask(n="4")
        status, _, body = await client.answer()
        assert (status, len(json.loads(body)["choices"])) == (200, 4)
        assert w.nothing_is_held()


@pytest.mark.parametrize("before", [b"", FRAMED])
async def test_an_engine_that_wants_to_speak_something_else_gives_no_answer(
    before: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nwhatever"
    async with world(says(before + switching)) as w:
        client = await w.connect()
        client.ask()
        assert (await client.answer())[0] == (200 if before else 502)
        await until(lambda: not w.engines[0].open)
        assert w.nothing_is_held()
    assert "Fatal error" not in caplog.text
