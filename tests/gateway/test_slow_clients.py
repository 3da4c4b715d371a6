"""Clients that dribble, idle, or never finish; heads and targets that never end; and what is waited for in each."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from potluck.gateway.relay.relay import Limits
from tests.gateway.test_pieces import STREAMS, WHOLES
from tests.gateway.wires import Ends, join, question, request, turn
from tests.gateway.world import KEY, WHOLE, World, says_hi, until, world

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n".encode()


def status(ends: Ends) -> int:
    return int(ends.client.written[9:12] or 0)


async def over(w: World, ends: Ends) -> None:
    """The client was told, or not; a moment later nothing is left of it."""
    w.skip(6)
    await turn()
    assert ends.client.closed
    assert not w.relay.connections
    assert w.nothing_is_held()


async def test_a_head_that_comes_byte_by_byte_is_waited_for_only_so_long() -> None:
    async with world(limits=Limits(head_s=20)) as w:
        ends = join(w)
        for byte in HEAD * 10:
            ends.client.feed(bytes([byte]))
            w.skip(1)
            if ends.client.ended:
                break
        assert status(ends) == 408
        await over(w, ends)


async def test_the_time_for_a_second_head_begins_with_its_first_byte() -> None:
    async with world(limits=Limits(head_s=20, idle_s=75)) as w:
        ends = join(w, [WHOLES["sized"]], [WHOLES["sized"]])
        sent = request(question(stream=False))
        ends.client.feed(sent)
        await turn()
        w.skip(74)
        ends.client.feed(sent[:10])
        w.skip(19)
        ends.client.feed(sent[10:])
        await until(lambda: len(ends.answers("POST", "POST")) == 2)
        w.skip(74)
        ends.client.feed(sent[:10])
        for _ in range(10):
            w.skip(2)
            ends.client.feed(b"")
        assert ends.client.ended
        assert [each.status for each in ends.answers("POST", "POST", "POST")] == [200, 200, 408]


@pytest.mark.parametrize("chunks", [0, 5])
async def test_a_body_may_come_slowly_but_not_stop(chunks: int) -> None:
    async with world(limits=Limits(body_s=60)) as w:
        ends = join(w, [WHOLES["sized"]])
        sent = request(question(stream=False), chunks=chunks)
        body = sent.index(b"\r\n\r\n") + 4
        ends.client.feed(sent[:body])
        for place in range(body, len(sent) - 20):
            w.skip(9)
            ends.client.feed(sent[place : place + 1])
        assert not ends.client.written
        w.skip(61)
        assert status(ends) == 408
        await over(w, ends)


@pytest.mark.parametrize("after", [b"5;" + b"x" * 30, b"0\r\n" + b"x: y\r\n" * 5])
async def test_chunk_extensions_and_trailers_do_not_keep_a_connection(after: bytes) -> None:
    async with world(limits=Limits(body_s=60)) as w:
        ends = join(w)
        ends.client.feed(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for byte in after * 4:
            ends.client.feed(bytes([byte]))
            w.skip(2)
        assert ends.client.ended
        await over(w, ends)


@pytest.mark.parametrize(
    "endless",
    [
        (b"GET /", b"a" * 1000),
        (b"GET /hello HTTP/1.1\r\nx: ", b"a" * 1000),
        (b"GET /hello HTTP/1.1\r\n", b"a" * 1000),
        (b"GET /hello HTTP/1.1\r\n", b"a: b\r\n" * 150),
        (b"", b"\r\n" * 500),
        (b"", b"A" * 1000),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n5;", b"a" * 1000),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx: ", b"a" * 1000),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 150),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"0" * 1000),
        (request(question(stream=False)) + b"GET /hello HTTP/1.1\r\nx: ", b"a" * 1000),
    ],
    ids=[
        *("target", "value", "name", "headers", "lines", "method", "extension", "trailer", "trailers", "size"),
        "pipelined",
    ],
)  # fmt: skip
async def test_what_never_ends_is_refused_before_it_fills_memory(endless: tuple[bytes, bytes]) -> None:
    start, more = endless
    async with world(limits=Limits(max_head=20_000, max_headers=3000)) as w:
        ends = join(w, [WHOLES["sized"]])
        ends.client.feed(start)
        await turn()
        sent = 0
        while not ends.client.ended and sent < 100_000:
            ends.client.feed(more)
            sent += len(more)
        assert sent <= 22_000
        assert ends.answers("POST", "POST")[-1].status in (400, 414, 431)
        await over(w, ends)


async def test_a_very_long_target_is_read_to_the_limit_and_not_beyond() -> None:
    async with world(limits=Limits(max_head=10_000)) as w:
        for length, wanted in ((9_000, 200), (11_000, 414)):
            client = await w.connect()
            client.send(b"GET /hello?" + b"a" * length + b" HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await client.answer())[0] == wanted


async def test_as_many_headers_as_the_limit_says_and_not_one_more() -> None:
    async with world(limits=Limits(max_headers=50)) as w:
        for count, wanted in ((49, 200), (50, 431)):
            client = await w.connect()
            client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * count + b"\r\n")
            assert (await client.answer())[0] == wanted


async def test_many_idle_connections_cost_little_and_are_let_go() -> None:
    async with world(limits=Limits(idle_s=75)) as w:
        all_ends = [join(w) for _ in range(10)]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        all_ends += [join(w) for _ in range(300)]
        for ends in all_ends:
            ends.engine.close()
        each = (tracemalloc.get_traced_memory()[0] - before) / 300
        tracemalloc.stop()
        assert each < 12_000  # of which the test's own wires are the larger part
        w.skip(21)
        assert all(ends.client.ended for ends in all_ends)
        w.skip(6)
        await turn()
        assert not w.relay.connections


async def test_a_body_in_tiny_chunks_takes_no_multiple_of_its_size() -> None:
    size = 1_000_000
    data = b"2\r\nxx\r\n" * (size // 2)
    async with world() as w:
        ends = join(w)
        ends.client.feed(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        ends.client.feed(data[:70_000])
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for start in range(70_000, len(data), 70_000):
            ends.client.feed(data[start : start + 70_000])
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 3 * size
        ends.client.lose()


# --- what comes while an answer is under way ---


async def test_pipelined_requests_beyond_the_limit_are_left_for_the_client_to_repeat() -> None:
    async with world(limits=Limits(pipeline=4)) as w:
        ends = join(w, *[[WHOLES["sized"]]] * 20)
        ends.client.feed(request(question(stream=False)) * 20)
        await turn(60)
        answers = ends.answers(*["POST"] * 20)
        assert [each.status for each in answers] == [200] * 5
        assert [each.headers.get("connection") for each in answers] == [None] * 4 + ["close"]
        assert ends.client.ended
        assert len(ends.engine.requests) == 5
        await over(w, ends)


async def test_bodies_that_wait_in_line_are_held_to_the_limit_together() -> None:
    say = "x" * 400
    async with world(limits=Limits(max_body=1000)) as w:
        ends = join(w, [], [WHOLES["sized"]], [WHOLES["sized"]])
        ends.client.feed(request(question(stream=False)))
        for _ in range(3):
            ends.client.feed(request(question(stream=False, say=say), chunks=50))
        await turn()
        ends.engine.feed(WHOLES["sized"])
        await turn(30)
        assert [each.status for each in ends.answers(*["POST"] * 4)] == [200, 200, 200, 413]


async def test_an_upload_that_waited_in_line_is_whole_or_refused() -> None:
    async with world(limits=Limits(max_body=1000)) as w:
        for size, wanted in ((900, b"hello /hello 900"), (1100, None)):
            for chunks in (0, 100):
                ends = join(w, [])
                ends.client.feed(request(question(stream=False)))
                ends.client.feed(request(b"x" * size, chunks=chunks, path="/hello"))
                await turn()
                ends.engine.feed(WHOLES["sized"])
                await turn(30)
                answer = ends.answers("POST", "POST")[1]
                assert answer.body == wanted if wanted else answer.status == 413


@pytest.mark.parametrize(
    "bad", [b"garbage\r\n\r\n", b"GET /hello HTTP/1.1\r\n\r\n", b"POST / HTTP/9.9\r\n", b"\x16\x03\x01"]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_read_does_not_cost_the_answer_before_it(bad: bytes, stream: bool) -> None:
    async with world() as w:
        ends = join(w, [], [WHOLES["sized"]])
        ends.client.feed(request(question(stream=stream)) + request(question(stream=False)) + bad)
        await turn()
        assert not ends.client.written
        ends.engine.feed(STREAMS["chunked"] if stream else WHOLES["sized"])
        await turn(20)
        assert [each.status for each in ends.answers(*["POST"] * 3)][:2] == [200, 200]
        assert ends.answers(*["POST"] * 3)[2].status in (400, 505)
        assert ends.client.ended
        await over(w, ends)


async def test_bytes_after_a_last_request_are_not_read() -> None:
    async with world() as w:
        ends = join(w, [], [WHOLES["sized"]])
        ends.client.feed(
            request(question(stream=False), "connection: close") + b"garbage" + request(question(stream=False))
        )
        await turn()
        ends.engine.feed(WHOLES["sized"])
        await turn(20)
        (answer,) = ends.answers()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert len(ends.engine.requests) == 1
        await over(w, ends)


async def test_a_client_that_sends_on_after_its_last_request_still_gets_the_answer() -> None:
    async def slowly(engine: object) -> None:
        await asyncio.sleep(0.02)
        await says_hi(engine)  # type: ignore[arg-type]

    async with world(slowly) as w:
        for _ in range(5):
            client = await w.connect()
            client.post(question(stream=False), "connection: close")
            for _ in range(20):
                client.send(b"x" * 10_000)
                await asyncio.sleep(0.002)
            async with asyncio.timeout(2):
                assert (await client.answer())[2] == WHOLE
            client.abort()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_refusal_gets_through_to_a_client_that_is_still_sending(chunked: bool) -> None:
    async with world(limits=Limits(max_body=1_000_000)) as w:
        for _ in range(5):
            client = await w.connect()
            if chunked:
                client.post(b"", "transfer-encoding: chunked")
            else:
                client.post(b"", "content-length: 30000000")
            for _ in range(100):
                client.send(b"493e0\r\n" + b"x" * 300_000 + b"\r\n" if chunked else b"x" * 300_000)
                await asyncio.sleep(0)
            async with asyncio.timeout(2):
                assert (await client.answer())[0] == 413
            client.abort()


# --- Expect ---


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/hello"])
@pytest.mark.parametrize("value", ["100-continue", "100-Continue"])
async def test_expect_continue_is_answered_wherever_a_body_is_wanted(path: str, value: str) -> None:
    body = question(stream=False)
    async with world() as w:
        client = await w.connect()
        client.post(b"", f"content-length: {len(body)}", f"expect: {value}", path=path)
        assert (await client.head())[0] == 100
        client.send(body)
        assert (await client.answer())[0] == 200
        client.ask()
        assert (await client.answer())[0] == 200


async def test_http_1_0_gets_no_interim_answer() -> None:
    body = question(stream=False)
    async with world() as w:
        for path in ("/v1/chat/completions", "/hello"):
            client = await w.connect()
            client.send(request(body, "expect: 100-continue", version="1.0", path=path))
            assert (await client.answer())[0] == 200
            assert await client.closed()


async def test_a_wrong_key_with_expect_is_refused_without_the_body() -> None:
    async with world() as w:
        for key in ("pk-wrong", ""):
            client = await w.connect()
            client.post(b"", "content-length: 500", "expect: 100-continue", key=key)
            answered, headers, _ = await client.answer()
            assert (answered, headers["connection"]) == (401, "close")
            assert await client.closed()


async def test_a_client_that_waits_for_no_100_is_refused_as_well() -> None:
    """It sends the body with the head; the answer is the connection's last all the same."""
    async with world() as w:
        ends = join(w)
        sent = request(question(stream=False), "expect: 100-continue").replace(KEY.encode(), b"pk-wrong")
        ends.client.feed(sent + request(question(stream=False)))
        await turn()
        (answer,) = ends.answers()
        assert answer.status == 401
        assert not ends.engine.requests
        await over(w, ends)


# --- upgrades ---


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "HTTP/2.0", "TLS/1.0"])
@pytest.mark.parametrize("option", ["Upgrade", "keep-alive, Upgrade", "upgrade"])
async def test_an_upgrade_is_not_made_on_either_side(upgrade: str, option: str) -> None:
    fields = (f"connection: {option}", f"upgrade: {upgrade}", "sec-websocket-key: x", "sec-websocket-version: 13")
    async with world() as w:
        client = await w.connect()
        for _ in range(2):
            client.post(question(stream=False), *fields)
            assert (await client.answer())[2] == WHOLE
            client.post(b"12345", *fields, path="/hello")
            assert (await client.answer())[2] == b"hello /hello 5"


async def test_many_requests_for_an_upgrade_at_once_are_answered_one_by_one() -> None:
    one = request(b"123", "connection: close2, Upgrade", "upgrade: h2c", path="/v1/chat/completions")
    async with world() as w:
        ends = join(w)
        ends.client.feed(one.replace(KEY.encode(), b"wrong") * 3000)
        await turn(10)
        answers = ends.answers(*["POST"] * 3000)
        assert len(answers) == 3000
        assert {each.status for each in answers} == {401}


async def test_an_upgrade_keeps_the_wish_to_close() -> None:
    async with world() as w:
        ends = join(w, [WHOLES["sized"]])
        ends.client.feed(request(question(stream=False), "connection: close, upgrade", "upgrade: h2c"))
        await turn()
        (answer,) = ends.answers()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert ends.client.ended
