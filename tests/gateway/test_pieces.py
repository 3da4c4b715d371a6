"""However the network cuts a request or an answer, both ends get the same; whatever breaks off is never whole."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potluck.wire.sse import parse_events
from tests.gateway.wires import Answered, Ends, join, question, request, turn
from tests.gateway.world import DONE, EngineSide, World, until, world

# Short, since every byte is a place to cut.
EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"%s"}%s}]}\n\n'
EVENTS = ((EVENT % ("é", "")).encode(), (EVENT % ("世", ',"finish_reason":"stop"')).encode(), DONE)
WHOLE = b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}'
STREAM = b"".join(EVENTS)
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


def chunked(*pieces: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    return b"transfer-encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + last


def sized(body: bytes) -> bytes:
    return b"content-length: %d\r\n\r\n%b" % (len(body), body)


STREAMS = {
    "chunked": SSE + chunked(*EVENTS),
    "one chunk, with extension and trailer": SSE + chunked(STREAM, last=b"0;end\r\nx-check: 1\r\n\r\n"),
    "sized": SSE + sized(STREAM),
    "interim": INTERIM + SSE + chunked(STREAM),
    "to the end": SSE + b"\r\n" + STREAM,
    "1.0": SSE.replace(b"1.1", b"1.0", 1) + b"\r\n" + STREAM,
}
WHOLES = {
    "sized": JSON + sized(WHOLE),
    "chunked": JSON + chunked(WHOLE[:50], WHOLE[50:]),
    "interim": INTERIM + JSON + sized(WHOLE),
    "to the end": JSON + b"connection: close\r\n\r\n" + WHOLE,
}
ANSWERS = [(True, name) for name in STREAMS] + [(False, name) for name in WHOLES]


def answer_of(stream: bool, name: str) -> bytes:
    return (STREAMS if stream else WHOLES)[name]


async def ask(w: World, stream: bool, pieces: list[bytes], *, close: bool) -> tuple[Ends, list[Answered]]:
    ends = join(w, pieces)
    ends.client.feed(request(question(stream=stream)))
    await turn()
    if close:
        ends.engine.lose()
    await turn()
    return ends, ends.answers()


def same(answers: list[Answered], body: bytes) -> bool:
    return [(each.status, each.cut, each.body) for each in answers] == [(200, False, body)]


@pytest.mark.parametrize(("stream", "name"), ANSWERS)
async def test_an_answer_cut_at_any_byte_reaches_the_client_the_same(stream: bool, name: str) -> None:
    answer = answer_of(stream, name)
    wanted = STREAM if stream else WHOLE
    async with world() as w:
        for at in range(len(answer)):
            pieces = [answer[:at], answer[at:]]
            _, got = await ask(w, stream, pieces, close=b"\r\n\r\n" + wanted in answer and b"length" not in answer)
            assert same(got, wanted), at
        _, got = await ask(w, stream, [bytes([each]) for each in answer], close="to the end" in name or name == "1.0")
        assert same(got, wanted)
        assert w.nothing_is_held()


@given(cuts=st.lists(st.integers(1, 2000), max_size=8), which=st.sampled_from(ANSWERS))
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_an_answer_in_any_pieces_reaches_the_client_the_same(
    w: World, cuts: list[int], which: tuple[bool, str]
) -> None:
    stream, name = which
    answer = answer_of(stream, name)
    places = [0, *sorted(cuts), len(answer)]
    pieces = [answer[start:end] for start, end in itertools.pairwise(places)]
    _, got = await ask(w, stream, pieces, close=True)
    assert same(got, STREAM if stream else WHOLE)
    assert w.nothing_is_held()


@pytest.mark.parametrize(
    ("stream", "name", "error"),
    [
        *((stream, name, None) for stream, name in ANSWERS),
        (True, "to the end", ConnectionResetError("reset")),
        (False, "to the end", ConnectionResetError("reset")),
    ],
)
async def test_an_answer_that_breaks_off_at_any_byte_is_never_whole(
    stream: bool, name: str, error: Exception | None
) -> None:
    answer = answer_of(stream, name)
    async with world(refuses) as w:
        for at in range(len(answer)):
            ends = join(w, [answer[:at]])
            ends.client.feed(request(question(stream=stream)))
            await turn()
            ends.engine.lose(error)
            await turn()
            await until(w.nothing_is_held)  # without a byte of an answer the request is sent again, over a socket
            (got,) = ends.answers()
            if got.status != 200:
                assert got.status >= 500
            elif b'"error"' in got.body:
                assert not got.cut
                assert DONE not in got.body or got.body.startswith(STREAM), at  # only the framing's end was missing
            else:  # nothing of the content was missing, only bytes of what ends it
                assert (stream, got.cut) == (True, False), at
                assert [data for _, data in parse_events(got.body) if data] == [
                    data for _, data in parse_events(STREAM)
                ]
        assert w.nothing_is_held()


async def refuses(engine: EngineSide) -> None:
    engine.reply(b"{}", "500 Internal Server Error")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "sent",
    [
        request(question(stream=True)),
        request(question(stream=True), chunks=7),
        request(question(stream=True), "Expect: 100-continue"),
        request(question(stream=True), "connection: upgrade", "upgrade: websocket"),
        request(question(stream=True), version="1.0"),
    ],
    ids=["sized", "chunked", "expect", "upgrade", "1.0"],
)
async def test_a_request_cut_at_any_byte_is_the_same_request(sent: bytes, stream: bool) -> None:
    if not stream:
        sent = sent.replace(b"true", b"null")
    async with world() as w:
        answer = STREAMS["chunked"] if stream else WHOLES["sized"]
        cuts = [[sent[:at], sent[at:]] for at in range(len(sent))] + [[bytes([each]) for each in sent]]
        for pieces in cuts:
            ends = join(w, [answer])
            ends.client.feed(*pieces)
            await turn()
            assert same(ends.answers(), STREAM if stream else WHOLE)
            (got,) = ends.engine.requests
            assert json.loads(got.body)["messages"] == json.loads(question(stream=stream))["messages"]
        assert w.nothing_is_held()


async def test_pipelined_requests_cut_anywhere_are_the_same_requests() -> None:
    sent = b"".join(request(question(stream=bool(n % 2), say=f"q{n}"), chunks=n * 3) for n in range(4))
    async with world() as w:
        for at in range(0, len(sent), 3):
            ends = join(w, *([WHOLES["sized"]], [STREAMS["chunked"]]) * 2)
            ends.client.feed(sent[:at])
            await turn(at % 5)
            ends.client.feed(sent[at:])
            await turn(12)
            assert [each.body for each in ends.answers(*["POST"] * 4)] == [WHOLE, STREAM] * 2
            assert [json.loads(each.body)["messages"][0]["content"] for each in ends.engine.requests] == [
                "q0",
                "q1",
                "q2",
                "q3",
            ]
        assert w.nothing_is_held()
