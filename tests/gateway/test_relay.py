"""The relay on raw sockets: what a client sees, whatever engines and clients do."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import zlib
from collections.abc import Callable

import pytest
import zstandard

from potluck.core.health import Seen
from potluck.core.model import EngineId
from potluck.gateway.relay.relay import Limits
from potluck.storage.records import CallStatus
from tests.gateway.world import DONE, KEY, ROLE, STOP, WHOLE, EngineSide, says_hi, text, until, world


async def test_a_whole_answer_passes_untouched_with_potlucks_headers() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask()
        status, headers, body = await client.answer()
        assert (status, body) == (200, WHOLE)
        assert headers["x-potluck-node"] == "n0"
        assert headers["x-potluck-attempts"] == "1"
        assert headers["x-potluck-request-id"]
        assert int(headers["x-potluck-queue-ms"]) >= 0
        assert w.nothing_is_held()


async def test_a_stream_passes_untouched_and_is_metered() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask(stream=True)
        status, headers, body = await client.answer()
        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert body == ROLE + text("h") + text("i") + STOP + DONE
        (record,) = await w.records()
        assert (record.status, record.node, record.served_model) == (CallStatus.OK, "n0", "m")
        assert record.first_byte_s is not None


async def test_a_translated_stream_is_opened_before_it_is_written() -> None:
    async with world() as w:
        client = await w.connect()
        client.post(b'{"model":"m","stream":true,"input":"hello"}', path="/v1/responses")
        _, _, body = await client.answer()
        events = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")]
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.completed")


async def test_what_may_not_pass_for_a_model_is_translated() -> None:
    async with world() as w:
        w.backends[0].translates = True
        client = await w.connect()
        client.ask()
        status, _, body = await client.answer()
        assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, "hi")
        assert body != WHOLE


async def test_no_client_key_reaches_an_engine() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask()
        await client.answer()
        (request,) = w.engines[0].requests
        assert KEY.encode() not in request.head
        assert b"authorization" not in request.head.lower()


async def test_connections_are_kept_on_both_sides() -> None:
    async with world() as w:
        client = await w.connect()
        for _ in range(3):
            client.ask()
            assert (await client.answer())[0] == 200
        assert w.engines[0].connections == 1


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask(say="one")
        client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        client.ask(stream=True)
        bodies = [(await client.answer())[2] for _ in range(3)]
        assert bodies[0] == WHOLE
        assert bodies[1] == b"hello /hello 0"
        assert bodies[2].endswith(DONE)


async def test_a_connection_goes_between_inference_and_the_application_as_it_likes() -> None:
    async with world() as w:
        client = await w.connect()
        for _ in range(3):
            client.post(b"12345", path="/hello")
            assert (await client.answer())[2] == b"hello /hello 5"
            client.ask()
            assert (await client.answer())[2] == WHOLE


async def test_a_chunked_upload_reaches_the_application() -> None:
    async with world() as w:
        client = await w.connect()
        client.post(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "transfer-encoding: chunked", path="/hello")
        assert (await client.answer())[2] == b"hello /hello 5"
        client.ask()
        assert (await client.answer())[0] == 200


async def test_an_upload_may_be_larger_than_a_call() -> None:
    """The limit of a call's body is not that of the application's: models come in blobs of gigabytes."""
    async with world(limits=Limits(max_body=10)) as w:
        client = await w.connect()
        client.post(b"x" * 1000, path="/hello")
        assert (await client.answer())[2] == b"hello /hello 1000"
        client.post(b"14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n", "transfer-encoding: chunked", path="/hello")
        assert (await client.answer())[2] == b"hello /hello 20"


async def test_an_upload_without_end_is_cut() -> None:
    async with world(limits=Limits(max_upload=100)) as w:
        client = await w.connect()
        client.post(b"x" * 200, path="/hello")
        assert (await client.answer())[0] == 413
        client = await w.connect()
        client.post(b"c8\r\n" + b"x" * 200 + b"\r\n", "transfer-encoding: chunked", path="/hello")
        assert await client.closed()


# --- refusals ---


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b"[]", 400, "object"),
        (b'{"messages":[]}', 400, "model"),
        (b'{"model":"m"}', 400, "messages"),
        (b'{"model":"m","messages":7}', 400, "messages"),
        (b'{"model":"n","messages":[{"role":"user","content":"x"}]}', 404, "'n'"),
    ],
)
async def test_bad_bodies_get_the_dialects_error_and_the_connection_lives_on(
    body: bytes, status: int, word: str
) -> None:
    async with world() as w:
        client = await w.connect()
        client.post(body)
        got, headers, answer = await client.answer()
        assert got == status
        assert word in json.loads(answer)["error"]["message"]
        assert headers["x-potluck-request-id"]
        client.ask()
        assert (await client.answer())[0] == 200


async def test_a_wrong_key_is_refused_before_the_body_is_read() -> None:
    async with world() as w:
        client = await w.connect()
        client.post(b"", "content-length: 1000", key="pk-wrong")
        status, _, body = await client.answer()
        assert (status, b"pk-wrong" in body) == (401, False)
        client.send(b"x" * 1000)
        client.ask()
        assert (await client.answer())[0] == 200


async def test_the_wrong_method_is_named() -> None:
    async with world() as w:
        client = await w.connect()
        client.send(f"GET /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
        status, headers, _ = await client.answer()
        assert (status, headers.get("allow")) == (405, "POST")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused_however_it_is_framed(chunked: bool) -> None:
    async with world(limits=Limits(max_body=1000)) as w:
        client = await w.connect()
        if chunked:
            client.post(b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n", "transfer-encoding: chunked")
        else:
            client.post(b"x" * 2000)
        assert (await client.answer())[0] == 413


async def test_compressed_bodies_are_read_and_bombs_are_not() -> None:
    plain = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
    async with world(limits=Limits(max_body=100_000)) as w:
        client = await w.connect()
        packed = (("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.ZstdCompressor().compress))
        for encoding, pack in packed:
            client.post(pack(plain), f"content-encoding: {encoding}")
            assert (await client.answer())[0] == 200
            assert w.engines[0].requests[-1].body == plain
            client.post(pack(plain + b" " * 200_000), f"content-encoding: {encoding}")
            assert (await client.answer())[0] == 413
            client.post(pack(plain)[:-3], f"content-encoding: {encoding}")
            assert (await client.answer())[0] == 400
        client.post(plain, "content-encoding: br")
        assert (await client.answer())[0] == 415


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def in_members(data: bytes) -> bytes:
    """As tools write it that compress in parts: an empty member stands between, and all of them in any block."""
    return b"".join(gzip.compress(part) for part in (data[:10], b"", data[10:]))


def in_frames(data: bytes) -> bytes:
    """As zstd's tools write it on several threads."""
    return b"".join(zstandard.ZstdCompressor().compress(part) for part in (data[:10], b"", data[10:]))


@pytest.mark.parametrize(("encoding", "pack"), [("deflate", bare_deflate), ("gzip", in_members), ("zstd", in_frames)])
async def test_other_forms_of_compression_are_read_within_the_same_limits(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    plain = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
    long = plain + random.Random(1).randbytes(40_000).hex().encode()
    async with world(limits=Limits(max_body=100_000)) as w:
        client = await w.connect()
        sent = ((plain, 200), (plain + b" " * 200_000, 413), (long, 400), (plain + b" " * 90_000, 200))
        for body, status in sent:  # 400: what was decompressed is no JSON
            client.post(pack(body), f"content-encoding: {encoding}")
            assert (await client.answer())[0] == status
        assert w.engines[0].requests[0].body == plain
        for broken in (pack(plain)[:-1], pack(plain) + b"junk", pack(plain) + b"\0", b""):
            client.post(broken, f"content-encoding: {encoding}", f"content-length: {len(broken)}")
            assert (await client.answer())[0] == 400


async def test_a_bomb_of_many_members_is_refused() -> None:
    # Each within the limit, and far too many that hold nothing.
    for bomb, status in ((gzip.compress(b" " * 60_000) * 2, 413), (gzip.compress(b"") * 50_000, 400)):
        async with world(limits=Limits(max_body=100_000)) as w:
            client = await w.connect()
            client.post(bomb[:99_990], "content-encoding: gzip")
            assert (await client.answer())[0] == status


async def test_expect_continue_is_answered_after_key_and_size_are_checked() -> None:
    async with world(limits=Limits(max_body=1000)) as w:
        body = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
        client = await w.connect()
        client.post(b"", f"content-length: {len(body)}", "expect: 100-continue")
        assert (await client.head())[0] == 100
        client.send(body)
        assert (await client.answer())[0] == 200
        client.post(b"", "content-length: 5000", "expect: 100-continue")
        assert (await client.answer())[0] == 413
        assert await client.closed()


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\na: b\r\n c: d\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\nhost: x\n\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_ambiguous_framing_is_refused_and_the_connection_closed(request_head: bytes) -> None:
    async with world() as w:
        client = await w.connect()
        client.send(request_head)
        assert (await client.head())[0] == 400
        client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"hello" not in await client.reader.read()


async def test_heads_have_a_limit_in_bytes_and_in_number() -> None:
    async with world(limits=Limits(max_head=4096, max_headers=20)) as w:
        many = b"".join(b"h%d: x\r\n" % number for number in range(40))
        for head in (b"a: " + b"x" * 9000, many, b"x" * 300_000):
            client = await w.connect()
            client.send(b"GET /hello HTTP/1.1\r\n" + head)
            client.send(b"\r\n\r\n")
            assert (await client.head())[0] in (431, 400)


async def test_an_upgrade_that_nobody_here_speaks_is_ignored() -> None:
    async with world() as w:
        client = await w.connect()
        body = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
        client.post(
            body, "connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAARAAAAAAAIAAAAA"
        )
        assert (await client.answer())[2] == WHOLE
        client.ask()
        assert (await client.answer())[0] == 200


async def test_http_1_0_gets_no_chunks() -> None:
    async with world() as w:
        client = await w.connect()
        body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
        head = (
            f"POST /v1/chat/completions HTTP/1.0\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        client.send(head.encode() + body)
        _, headers, answer = await client.answer()
        assert "transfer-encoding" not in headers
        assert answer == ROLE + text("h") + text("i") + STOP + DONE


# --- clients that leave or dawdle ---


async def test_a_client_that_leaves_in_a_silent_prefill_frees_the_engine_at_once() -> None:
    gone = asyncio.Event()

    async def silent(engine: EngineSide) -> None:
        await engine.gone()
        gone.set()

    async with world(silent) as w:
        client = await w.connect()
        client.ask(stream=True)
        await until(lambda: len(w.engines[0].requests) == 1)
        client.abort()
        async with asyncio.timeout(1):
            await gone.wait()
        assert w.nothing_is_held()
        (record,) = await w.records()
        assert (record.status, record.http_status) == (CallStatus.CANCELLED, 499)


async def test_a_client_that_leaves_while_waiting_in_line_gives_its_place_up() -> None:
    async def silent(engine: EngineSide) -> None:
        await engine.gone()

    async with world(silent, slots=1) as w:
        first, second = await w.connect(), await w.connect()
        first.ask()
        await until(lambda: w.busy() == [1])
        second.ask()
        await until(lambda: w.relay.dispatcher.waiting == 1)
        second.abort()
        await until(lambda: w.relay.dispatcher.waiting == 0)
        first.abort()
        await until(w.nothing_is_held)
        assert len(w.engines[0].requests) == 1


async def test_calls_wait_for_a_slot_and_are_served_in_turn() -> None:
    turn = asyncio.Event()

    async def on_turn(engine: EngineSide) -> None:
        await turn.wait()
        await says_hi(engine)

    async with world(on_turn, slots=1, depth=1) as w:
        clients = [await w.connect() for _ in range(3)]
        clients[0].ask()
        await until(lambda: w.busy() == [1])
        clients[1].ask()
        await until(lambda: w.relay.dispatcher.waiting == 1)
        clients[2].ask()
        status, headers, _ = await clients[2].answer()
        assert status == 503
        assert int(headers["retry-after"]) > 0
        turn.set()
        assert [(await client.answer())[0] for client in clients[:2]] == [200, 200]
        assert w.nothing_is_held()


async def test_a_client_that_stops_reading_stops_the_engine_not_our_memory() -> None:
    written = 0

    async def endless(engine: EngineSide) -> None:
        nonlocal written
        engine.stream()
        while True:
            engine.chunk(text("x" * 4000))
            written += 4000
            await engine.writer.drain()

    async with world(endless) as w:
        client = await w.connect()
        client.writer.transport.pause_reading()
        client.ask(stream=True)
        before = -1
        while written != before:  # until nothing moves any more
            before = written
            await asyncio.sleep(0.2)
        assert written < 40_000_000
        client.abort()
        await until(w.nothing_is_held)


async def test_a_slow_head_and_a_slow_body_are_let_go() -> None:
    async with world(limits=Limits(head_s=0.05, body_s=0.05, idle_s=0.05)) as w:
        head, body, idle = await w.connect(), await w.connect(), await w.connect()
        head.send(b"GET /hello HTT")
        body.post(b"", "content-length: 100")
        await asyncio.sleep(0.1)
        w.relay.sweep()
        for client in (head, body):
            assert (await client.head())[0] == 408
        assert await idle.closed()
        w.skip(6)  # whoever is told off may go on sending for a moment
        await until(lambda: not w.relay.connections)


# --- engines that fail ---


async def resets(engine: EngineSide) -> None:
    engine.writer.transport.abort()


async def fails(engine: EngineSide) -> None:
    engine.reply(
        b'{"error":{"message":"CUDA error at /opt/x.cu:7","type":"server_error"}}', "500 Internal Server Error"
    )


async def is_busy(engine: EngineSide) -> None:
    engine.reply(b'{"error":{"message":"busy"}}', "503 Service Unavailable")


async def logs_in(engine: EngineSide) -> None:
    engine.reply(b"<html>please log in</html>", content_type="text/html")


async def talks_nonsense(engine: EngineSide) -> None:
    engine.writer.write(b"\x16\x03\x01\x02\x00")


async def is_cut(engine: EngineSide) -> None:
    engine.writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
    engine.writer.close()


async def is_empty(engine: EngineSide) -> None:
    engine.reply(b"")


FAULTS = [resets, fails, is_busy, logs_in, talks_nonsense, is_cut, is_empty]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_broken_engine_costs_no_answer(fault: object, stream: bool) -> None:
    async with world(fault, says_hi) as w:  # type: ignore[arg-type]
        client = await w.connect()
        client.ask(stream=stream)
        status, headers, body = await client.answer()
        assert (status, headers["x-potluck-node"], headers["x-potluck-attempts"]) == (200, "n1", "2")
        assert body == (ROLE + text("h") + text("i") + STOP + DONE if stream else WHOLE)
        (record,) = await w.records()
        assert [attempt.engine for attempt in record.attempts] == ["n0/openai", "n1/openai"]
        assert w.nothing_is_held()


@pytest.mark.parametrize("fault", FAULTS)
async def test_with_no_engine_left_the_error_is_honest_and_tells_nothing_inside(fault: object) -> None:
    async with world(fault, fault) as w:  # type: ignore[arg-type]
        client = await w.connect()
        client.ask(stream=True)
        status, _, body = await client.answer()
        assert status in (502, 503)
        assert b"/opt/x.cu" not in body
        assert json.loads(body)["error"]["message"]
        assert w.nothing_is_held()


async def test_a_clients_own_error_is_returned_at_once_and_not_retried() -> None:
    async def refuses(engine: EngineSide) -> None:
        engine.reply(b'{"error":{"message":"bad temperature","type":"invalid_request_error"}}', "400 Bad Request")

    async with world(refuses, says_hi) as w:
        client = await w.connect()
        client.ask()
        status, _, body = await client.answer()
        assert status == 400
        assert b"bad temperature" in body
        assert w.engines[1].requests == []


@pytest.mark.parametrize("ending", ["cut", "error", "end"])
async def test_after_the_first_byte_a_broken_stream_ends_in_band_and_never_as_if_whole(ending: str) -> None:
    async def breaks(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE + text("h"))
        await engine.writer.drain()
        if ending == "error":
            engine.chunk(b'data: {"error":{"message":"boom","code":500}}\n\n')
        if ending == "end":
            engine.end()
        engine.writer.close()

    async with world(breaks, says_hi) as w:
        client = await w.connect()
        client.ask(stream=True)
        status, _, body = await client.answer()
        assert status == 200
        assert body.startswith(ROLE + text("h"))
        last = body.rstrip().rsplit(b"\n\n", 1)[-1]
        assert "error" in json.loads(last.removeprefix(b"data: "))
        assert b"[DONE]" not in body
        assert b'"finish_reason":"stop"' not in body
        assert w.nothing_is_held()


async def test_only_whole_events_reach_the_client() -> None:
    step = asyncio.Event()

    async def halves(engine: EngineSide) -> None:
        engine.stream()
        first = text("é")
        engine.chunk(ROLE + first[:40])
        await step.wait()
        engine.chunk(first[40:] + STOP + DONE)
        engine.end()

    async with world(halves) as w:
        client = await w.connect()
        client.ask(stream=True)
        await client.head()
        assert await client.chunk() == ROLE
        step.set()
        assert await client.chunk() == text("é") + STOP + DONE


async def test_an_engine_that_closed_an_idle_connection_is_asked_again_on_a_fresh_one() -> None:
    answered = 0

    async def closes_after_one(engine: EngineSide) -> None:
        nonlocal answered
        answered += 1
        if answered == 2:
            engine.writer.transport.abort()
        else:
            await says_hi(engine)

    async with world(closes_after_one) as w:
        client = await w.connect()
        for _ in range(2):
            client.ask()
            status, headers, _ = await client.answer()
            assert (status, headers["x-potluck-attempts"]) == (200, "1")
        assert w.engines[0].connections == 2


async def test_a_model_that_must_be_prepared_is_prepared_once_seated() -> None:
    async with world() as w:
        w.backends[0].ready = False
        client = await w.connect()
        client.ask()
        assert (await client.answer())[0] == 200
        assert w.backends[0].prepared == 1


async def test_a_silent_engine_is_given_up_and_silence_is_filled() -> None:
    async def silent(engine: EngineSide) -> None:
        await engine.gone()

    async with world(silent, says_hi, limits=Limits(keep_alive_s=0.05, first_byte_s=0.2)) as w:
        client = await w.connect()
        client.ask(stream=True)
        await until(lambda: len(w.engines[0].requests) == 1)
        await asyncio.sleep(0.06)
        w.relay.sweep()
        await client.head()
        assert (await client.chunk()).startswith(b":")
        await asyncio.sleep(0.2)
        w.relay.sweep()
        body = b""
        while data := await client.chunk():
            body += data
        seated, rest = body.replace(b": ping\n\n", b"").split(b"\n\n", 1)
        assert seated.startswith(b": seated node=n1 attempts=2 ")
        assert rest == ROLE + text("h") + text("i") + STOP + DONE
        assert w.nothing_is_held()


async def test_a_call_leaves_an_engine_that_was_found_down_before_it_answered() -> None:
    """A cable that is cut tells nobody: the connection stays open, and silent."""

    async def silent(engine: EngineSide) -> None:
        await engine.gone()

    async with world(silent, says_hi) as w:
        client = await w.connect()
        client.ask()
        await until(lambda: len(w.engines[0].requests) == 1)
        w.skip(10)  # one that takes its time is waited for
        assert w.busy() == [1, 0]
        for _ in range(2):
            w.fleet.saw(EngineId("n0/openai"), Seen.PROBE_MISSED, "The engine did not answer within 10 seconds.")
        w.skip(1)
        status, headers, body = await client.answer()
        assert (status, body) == (200, WHOLE)
        assert (headers["x-potluck-node"], headers["x-potluck-attempts"]) == ("n1", "2")
        assert w.fleet.engines[EngineId("n0/openai")].why == "The engine did not answer within 10 seconds."
        assert w.nothing_is_held()


async def test_the_next_engine_answers_where_one_lists_a_model_that_it_has_not() -> None:
    async def has_it_not(engine: EngineSide) -> None:
        engine.reply(b'{"error":{"message":"no such model","code":"model_not_found"}}', status="404 Not Found")

    async with world(has_it_not, says_hi) as w:
        client = await w.connect()
        client.ask()
        status, headers, body = await client.answer()
        assert (status, body, headers["x-potluck-node"]) == (200, WHOLE, "n1")
        assert w.fleet.engines[EngineId("n0/openai")].why == "The engine does not have a model that it lists."
    async with world(has_it_not, has_it_not) as w:
        client = await w.connect()
        client.ask()
        status, _, body = await client.answer()
        assert (status, json.loads(body)["error"]["code"]) == (404, "model_not_found")
        assert w.nothing_is_held()


async def test_an_engine_that_was_found_down_is_waited_for_where_no_other_could_answer() -> None:
    go = asyncio.Event()

    async def later(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(later) as w:
        client = await w.connect()
        client.ask()
        await until(lambda: len(w.engines[0].requests) == 1)
        for _ in range(2):
            w.fleet.saw(EngineId("n0/openai"), Seen.PROBE_MISSED, "busy with an answer")
        w.skip(60)
        go.set()
        assert (await client.answer())[0] == 200


async def test_a_busy_connection_is_let_finish_when_the_service_stops() -> None:
    go = asyncio.Event()

    async def later(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(later) as w:
        busy, idle = await w.connect(), await w.connect()
        busy.ask()
        await until(lambda: w.busy() == [1])
        draining = asyncio.ensure_future(w.relay.drain(5))
        assert await idle.closed()
        go.set()
        assert (await busy.answer())[0] == 200
        await draining
        assert not w.relay.connections


async def test_a_stop_that_is_asked_for_twice_does_not_wait_for_calls() -> None:
    async def never(engine: EngineSide) -> None:
        await asyncio.Event().wait()

    async with world(never) as w:
        busy = await w.connect()
        busy.ask()
        await until(lambda: w.busy() == [1])
        hurry = asyncio.Event()
        draining = asyncio.ensure_future(w.relay.drain(60, hurry))
        hurry.set()
        assert (await busy.answer())[0] == 503
        assert await busy.closed()
        await draining
