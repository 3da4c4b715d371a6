"""Bytes that are not quite HTTP, at both parsers' seams.

Whatever a client sends: no engine gets a request in another reading than h11's of the same bytes, nothing raises, and
every connection ends with an answer or a close. Whatever an engine answers: no client gets anything as if it were whole
that h11 does not read as whole.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re

import h11
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from potluck.wire.sse import parse_events
from tests.gateway.wires import Ends, join, question, read_answers, request, turn
from tests.gateway.world import KEY, WHOLE, EngineSide, World, until, world

# The same examples in every run, so that a check does not fail by chance; the slow ones at the end search on.
SEARCH = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Elsewhere the search goes on from run to run; in CI a case that nobody has seen must not decide over another change.
SEARCH_ON = settings(SEARCH, derandomize="CI" in os.environ, max_examples=5000)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)
HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n".encode()
BODY = question(stream=False)
SECOND = request(question(stream=False, say="smuggled"))
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"content-length: %d\r\n" % len(BODY)
STATUS_LINE = re.compile(rb"HTTP/1\.1 [2-5]\d\d ")
TE = b"transfer-encoding: chunked\r\n"


async def hang_up(w: World, ends: Ends) -> None:
    ends.client.lose()
    await turn()
    await until(w.nothing_is_held)


def read_by_h11(data: bytes) -> list[tuple[bytes, bytes]]:
    """Target and body of each whole request in ``data``, up to the first that h11 refuses.

    h11 refuses some empty lines before a request, and more than one space between the parts of its line: RFC 9112 lets
    both pass.
    """
    found: list[tuple[bytes, bytes]] = []
    while data := _normal(data):
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        reader.receive_data(data)
        reader.receive_data(b"")
        target = body = b""
        while not isinstance(event := _next(reader), h11.EndOfMessage):
            if isinstance(event, h11.Request):
                target = event.target
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                return found
        found.append((target, body))
        if reader.their_state is h11.MUST_CLOSE:
            break
        data = reader.trailing_data[0]
    return found


def _normal(data: bytes) -> bytes:
    return re.sub(rb"^([A-Z]+) +([^ \r\n]+) +(?=HTTP/)", rb"\1 \2 ", data.lstrip(b"\r\n"))


def _next(reader: h11.Connection) -> object:
    try:
        return reader.next_event()
    except h11.RemoteProtocolError:
        return None


def say_of(body: bytes) -> str:
    return json.loads(body)["messages"][0]["content"]


async def feed(w: World, data: bytes, cuts: list[int]) -> Ends:
    """Send ``data`` cut at ``cuts``; let it be answered as far as it goes."""
    ends = join(w, *[[OK]] * 8)
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    for start, end in itertools.pairwise(places):
        ends.client.feed(data[start:end])
        await turn(2)
    await turn(6)
    return ends


async def judge(w: World, data: bytes, cuts: list[int]) -> Ends:
    """What must hold whatever ``data`` is."""
    ends = await feed(w, data, cuts)
    doors = [body for target, body in read_by_h11(data) if target.partition(b"?")[0].endswith(b"/v1/chat/completions")]
    heard = [_json(each.body) for each in ends.engine.requests]
    meant = [_json(body) for body in doors]
    assert heard == [each for each in meant if each in heard][: len(heard)], (heard, meant)
    if not ends.client.closed and not ends.client.ended:
        w.skip(200)  # the slow are let go: an answer or a close, always
        assert ends.client.closed or ends.client.ended
    w.skip(10)
    assert ends.client.closed
    read_answers(
        bytes(ends.client.written), _methods(bytes(ends.client.written)), closed=True
    )  # raises if it is no HTTP
    await turn()
    await until(w.nothing_is_held)
    assert not w.relay.connections
    return ends


def _json(body: bytes) -> object:
    try:
        return json.loads(body.decode("latin-1"))
    except ValueError:
        return None


def _methods(written: bytes) -> list[str]:
    return ["POST"] * len(STATUS_LINE.findall(written))


@pytest.mark.parametrize(
    "data",
    {
        "CL.TE": HEAD + LENGTH + TE + b"\r\n0\r\n\r\n" + SECOND,
        "TE.CL": HEAD + TE + b"content-length: 4\r\n\r\n" + CHUNKED + SECOND,
        "CL 0 before TE": HEAD + b"content-length: 0\r\n" + TE + b"\r\n" + CHUNKED,
        "TE.TE": HEAD + TE + b"transfer-encoding: identity\r\n\r\n" + CHUNKED + SECOND,
        "TE twice": HEAD + TE + TE + b"\r\n" + CHUNKED,
        "TE xchunked": HEAD + b"transfer-encoding: xchunked\r\n\r\n" + CHUNKED,
        "TE quoted": HEAD + b'transfer-encoding: "chunked"\r\n\r\n' + CHUNKED,
        "TE gzip, chunked": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNKED,
        "TE chunked, identity": HEAD + b"transfer-encoding: chunked, identity\r\n\r\n" + CHUNKED,
        "TE with a tab": HEAD + b"transfer-encoding:\x0bchunked\r\n\r\n" + CHUNKED,
        "TE empty": HEAD + b"transfer-encoding:\r\n" + LENGTH + b"\r\n" + BODY,
        "TE in 1.0": HEAD.replace(b"1.1", b"1.0") + TE + b"\r\n" + CHUNKED,
        "space before colon": HEAD + b"transfer-encoding : chunked\r\n" + LENGTH + b"\r\n" + BODY,
        "length with a space": HEAD + b"content-length : 3\r\n\r\n" + BODY,
        "two lengths": HEAD + LENGTH + b"content-length: 3\r\n\r\n" + BODY,
        "one length twice": HEAD + LENGTH + LENGTH + b"\r\n" + BODY,
        "a list of lengths": HEAD + LENGTH[:-2] + b", 3\r\n\r\n" + BODY,
        "+length": HEAD + LENGTH.replace(b": ", b": +") + b"\r\n" + BODY,
        "-length": HEAD + b"content-length: -1\r\n\r\n" + BODY,
        "hex length": HEAD + b"content-length: 0x10\r\n\r\n" + BODY,
        "1_0": HEAD + b"content-length: 1_0\r\n\r\n" + BODY,
        "length over 64 bits": HEAD + b"content-length: 18446744073709551616\r\n\r\n" + BODY,
        "length with 5000 zeros": HEAD + b"content-length: " + b"0" * 5000 + LENGTH[16:] + b"\r\n" + BODY,
        "no length": HEAD + b"content-length: \r\n\r\n" + BODY,
        "obs-fold": HEAD + b"x: y\r\n transfer-encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY,
        "folded TE": HEAD + b"transfer-encoding:\r\n chunked\r\n\r\n" + CHUNKED,
        "space before the first header": HEAD.replace(b"\r\nhost", b"\r\n host") + LENGTH + b"\r\n" + BODY,
        "bare CR in a value": HEAD + b"x: y\rtransfer-encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY,
        "bare LF in a value": HEAD + b"x: y\ntransfer-encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY,
        "lone LF everywhere": (HEAD + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
        "CR CR LF": HEAD + LENGTH[:-2] + b"\r\r\n\r\n" + BODY,
        "NUL in a value": HEAD + b"x: \x00\r\n" + LENGTH + b"\r\n" + BODY,
        "NUL in a name": HEAD + b"x\x00y: z\r\n" + LENGTH + b"\r\n" + BODY,
        "no name": HEAD + b": z\r\n" + LENGTH + b"\r\n" + BODY,
        "no colon": HEAD + b"transfer-encoding\r\n" + LENGTH + b"\r\n" + BODY,
        "no host": HEAD.replace(b"host: x\r\n", b"") + LENGTH + b"\r\n" + BODY,
        "two hosts": HEAD + b"host: y\r\n" + LENGTH + b"\r\n" + BODY,
        "chunk size 0x": HEAD + TE + b"\r\n0x" + CHUNKED,
        "chunk size +": HEAD + TE + b"\r\n+" + CHUNKED,
        "chunk size -": HEAD + TE + b"\r\n-" + CHUNKED,
        "chunk size with a space": HEAD + TE + b"\r\n" + CHUNKED.replace(b"\r\n", b" \r\n", 1),
        "chunk size over 64 bits": HEAD + TE + b"\r\nfffffffffffffffff\r\n" + BODY,
        "chunk size overflowing to right": HEAD + TE + b"\r\n1%016x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
        "chunk of 64 bits": HEAD + TE + b"\r\nffffffffffffffff\r\n" + BODY,
        "chunk too long": HEAD + TE + b"\r\n3\r\n" + BODY + b"\r\n0\r\n\r\n",
        "chunk ended by LF": HEAD + TE + b"\r\n" + CHUNKED.replace(b"\r\n", b"\n"),
        "LF in an extension": HEAD + TE + b"\r\n2;a\nb\r\n{}\r\n0\r\n\r\n",
        "length in a trailer": HEAD + TE + b"\r\n" + CHUNKED[:-2] + b"content-length: 9\r\n\r\n" + SECOND,
        "HTTP/0.9": b"GET /v1/chat/completions\r\n\r\n",
        "HTTP/2.0 line": HEAD.replace(b"1.1", b"2.0") + LENGTH + b"\r\n" + BODY,
        "HTTP/1.2": HEAD.replace(b"1.1", b"1.2") + LENGTH + b"\r\n" + BODY,
        "space after the version": HEAD.replace(b"1.1", b"1.1 ") + LENGTH + b"\r\n" + BODY,
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        "TLS hello": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 190,
        "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
        "method in lower case": HEAD.replace(b"POST", b"post") + LENGTH + b"\r\n" + BODY,
        "a space in the target": HEAD.replace(b"completions", b"com pletions") + LENGTH + b"\r\n" + BODY,
        "nonsense": b"\x00\xff" * 100,
    }.items(),
    ids=lambda each: each[0],
)
async def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_closed(data: tuple[str, bytes]) -> None:
    async with world() as w:
        for cuts in ([], list(range(0, 400, 7))):
            ends = await judge(w, data[1] + SECOND, cuts)
            assert ends.engine.requests == []
            status = bytes(ends.client.written)[9:12]
            assert status in (b"400", b"501", b"505") or (data[0] == "chunk of 64 bits" and status == b"408")
            assert len(STATUS_LINE.findall(ends.client.written)) == 1


@pytest.mark.parametrize(
    "data",
    {
        "chunk extensions": HEAD + TE + b'\r\n%x;a=b;c="d"\r\n%b\r\n0;e\r\n\r\n' % (len(BODY), BODY),
        "trailers": HEAD + TE + b"\r\n" + CHUNKED[:-2] + b"x: y\r\nauthorization: z\r\n\r\n",
        "absolute-form": HEAD.replace(b"/v1", b"http://x/v1") + LENGTH + b"\r\n" + BODY,
        "a query": HEAD.replace(b"completions", b"completions?a=/b") + LENGTH + b"\r\n" + BODY,
        "obs-text": HEAD + b"x: \xff\xfe\r\n" + LENGTH + b"\r\n" + BODY,
        "empty lines before": b"\r\n\r\n" + HEAD + LENGTH + b"\r\n" + BODY,
        "chunked in capitals": HEAD + TE.upper() + b"\r\n" + CHUNKED.upper().replace(BODY.upper(), BODY),
        "length with zeros": HEAD + b"content-length: 00" + LENGTH[16:] + b"\r\n" + BODY,
        "unknown Expect": HEAD + b"expect: nothing\r\n" + LENGTH + b"\r\n" + BODY,
        "http2-settings": HEAD + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n" + LENGTH + b"\r\n" + BODY,
    }.items(),
    ids=lambda each: each[0],
)
async def test_what_is_unusual_and_legal_is_read_as_h11_reads_it(data: tuple[str, bytes]) -> None:
    async with world() as w:
        for cuts in ([], list(range(0, 400, 7))):
            ends = await judge(w, data[1] + SECOND, cuts)
            assert [say_of(each.body) for each in ends.engine.requests] == ["hello", "smuggled"]


@pytest.mark.parametrize(
    "target", [b"*", b"http://x", b"http://x/hello", b"//", b"/%zz", b"/hello#x", b"x:80", b"/\xc3\xa9"]
)
@pytest.mark.parametrize("method", [b"OPTIONS", b"GET", b"HEAD", b"TRACE", b"PUT", b"BREW"])
async def test_strange_targets_and_methods_are_answered_by_the_application_or_refused(
    method: bytes, target: bytes
) -> None:
    async with world() as w:
        ends = join(w)
        ends.client.feed(b"%b %b HTTP/1.1\r\nhost: x\r\n\r\n" % (method, target))
        await until(lambda: bool(ends.client.written))
        await turn(10)
        # Where the head cannot be read nobody knows that it was one of HEAD.
        headless = method == b"HEAD" and b"400 " not in ends.client.written[:16]
        (answer,) = ends.answers("HEAD" if headless else "GET")
        assert answer.status in (200, 400, 404, 405)
        assert (ends.client.ended or ends.client.closed) == (answer.headers.get("connection") == "close")
        await hang_up(w, ends)


# --- random changes ---

SEEDS = [
    request(BODY),
    request(BODY, chunks=20),
    request(BODY, "expect: 100-continue"),
    request(BODY, "connection: upgrade", "upgrade: h2c"),
    request(BODY, version="1.0"),
    request(b"12345", path="/hello"),
    request(BODY, "connection: close"),
]
SPECIALS = [b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b";", b",", b"0", b"+", b"-", b"ff", b"\xff" * 3]
TOKENS = [
    *SPECIALS,
    *(b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.0", b"HTTP/1.1", TE, LENGTH, b"content-length: 0\r\n"),
    *(b"content-length: 5\r\n", b"connection: close\r\n", b"host: y\r\n", b"expect: 100-continue\r\n"),
    *(b"upgrade: websocket\r\nconnection: upgrade\r\n", SECOND, b"99999999999999999999"),
]
changes = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "replace", "repeat"]),
        st.integers(0, 1 << 16),
        st.integers(1, 30),
        st.sampled_from(TOKENS),
    ),
    max_size=4,
)


def changed(data: bytes, how: list[tuple[str, int, int, bytes]]) -> bytes:
    for kind, place, length, token in how:
        at = place % (len(data) + 1)
        match kind:
            case "insert":
                data = data[:at] + token + data[at:]
            case "delete":
                data = data[:at] + data[at + length :]
            case "replace":
                data = data[:at] + token + data[at + len(token) :]
            case _:
                data = data[: at + length] + data[at:]
    return data


given_requests = given(
    seeds=st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3),
    how=changes,
    cuts=st.lists(st.integers(0, 1 << 12), max_size=3),
)


@given_requests
@settings(SEARCH, max_examples=250)
async def test_no_engine_gets_a_request_that_another_would_read_otherwise(
    w: World, seeds: list[bytes], how: list[tuple[str, int, int, bytes]], cuts: list[int]
) -> None:
    await judge(w, changed(b"".join(seeds), how), cuts)


@pytest.mark.slow
@pytest.mark.timeout(600)
@given_requests
@SEARCH_ON
async def test_no_engine_gets_such_a_request_however_long_one_searches(
    w: World, seeds: list[bytes], how: list[tuple[str, int, int, bytes]], cuts: list[int]
) -> None:
    await judge(w, changed(b"".join(seeds), how), cuts)


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=2))
@example(b"\r" * 100, [])
@settings(SEARCH, max_examples=60)
async def test_noise_is_refused(w: World, data: bytes, cuts: list[int]) -> None:
    ends = await judge(w, data, cuts)
    assert not ends.engine.requests


# --- engines ---

STREAM = (
    b'data: {"choices":[{"index":0,"delta":{"content":"h"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
STREAMED = [
    SSE
    + b"transfer-encoding: chunked\r\n\r\n40\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (STREAM[:64], len(STREAM) - 64, STREAM[64:]),
    SSE + b"content-length: %d\r\n\r\n%b" % (len(STREAM), STREAM),
    SSE + b"\r\n" + STREAM,
]
ANSWERED = [
    OK,
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\nx: y\r\n\r\n" % (len(WHOLE), WHOLE),
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
]
ENGINE_TOKENS = [
    *SPECIALS,
    *(b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    *(b"content-length: 5\r\n", b"content-length: 99999999999999999999\r\n", TE, b"transfer-encoding: identity\r\n"),
    *(OK, SSE, b"connection: close\r\n", b"data: [DONE]\n\n", b'data: {"error":{"message":"x"}}\n\n', b"HTTP/1.0"),
]
engine_changes = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "replace", "repeat"]),
        st.integers(0, 1 << 16),
        st.integers(1, 60),
        st.sampled_from(ENGINE_TOKENS),
    ),
    max_size=3,
)


async def is_down(engine: EngineSide) -> None:
    engine.reply(b"{}", "503 Service Unavailable")


given_answers = given(
    which=st.sampled_from([*((True, each) for each in STREAMED), *((False, each) for each in ANSWERED)]),
    how=engine_changes,
    cuts=st.lists(st.integers(0, 1 << 12), max_size=3),
)


@given_answers
@settings(SEARCH, max_examples=250)
async def test_no_client_gets_as_whole_what_another_would_not(
    w: World, which: tuple[bool, bytes], how: list[tuple[str, int, int, bytes]], cuts: list[int]
) -> None:
    await judge_answer(w, which, how, cuts)


@pytest.mark.slow
@pytest.mark.timeout(600)
@given_answers
@SEARCH_ON
async def test_no_client_gets_such_an_answer_however_long_one_searches(
    w: World, which: tuple[bool, bytes], how: list[tuple[str, int, int, bytes]], cuts: list[int]
) -> None:
    await judge_answer(w, which, how, cuts)


async def judge_answer(
    w: World, which: tuple[bool, bytes], how: list[tuple[str, int, int, bytes]], cuts: list[int]
) -> None:
    """What must hold whatever an engine answers."""
    w.engines[0].script = is_down  # for what is sent again
    stream, answer = which
    data = changed(answer, how)
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    ends = join(w, [data[start:end] for start, end in itertools.pairwise(places)])
    ends.client.feed(request(question(stream=stream)))
    await turn()
    ends.engine.lose()
    await until(w.nothing_is_held)
    (got,) = ends.answers()
    assert not got.cut
    if got.status == 200 and b'"error"' not in got.body:
        # What the engine said before it was changed is right, too: a strange reason phrase is no reason.
        meant = [*_read_leniently(data), STREAM if stream else WHOLE]
        told = _events(got.body) if stream else []
        assert any(_content(got.body) & _content(each) or (told and told == _events(each)) for each in meant)
    await hang_up(w, ends)


def _events(body: bytes) -> list[str]:
    """What a reader of events hears, but for the mark of the end: a line cut off before it has a name is nothing."""
    return [data for _, data in parse_events(body) if data and data != "[DONE]"]


def _content(body: bytes) -> set[bytes]:
    """As it is, and without what the passage makes good where it is missing: the mark of the end after a finish
    reason, and the usage of a whole answer."""
    body = body.rstrip()
    forms = {body, body.removesuffix(b"data: [DONE]").rstrip()}
    with contextlib.suppress(ValueError):
        if isinstance(fields := json.loads(body), dict):
            forms.add(json.dumps({name: value for name, value in fields.items() if name != "usage"}).encode())
    return forms


def _read_leniently(data: bytes) -> list[bytes]:
    """The body of the first answer in ``data``, if h11 finds a whole one there, or a stream that broke off behind the
    end that its events had said."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(data.lstrip(b"\r\n"))
    reader.receive_data(b"")
    body = b""
    while not isinstance(event := _next(reader), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            body += event.data
        elif not isinstance(event, h11.Response | h11.InformationalResponse):
            events = body[: body.rfind(b"\n\n") + 2]
            return [events] if re.search(rb'"finish_reason":"|\[DONE\]', events) else []
    return [body]
