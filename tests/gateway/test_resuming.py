"""Answers of another gateway as they pass: whole events, and how one that broke off is gone on with."""

from __future__ import annotations

import pytest

from potluck.gateway.relay.request import Request
from potluck.gateway.relay.resuming import Answered

SSE = [(b"content-type", b"text/event-stream; charset=utf-8")]
NATIVE = [*SSE, (b"x-potluck-generation", b"abc")]


def asked(target: bytes = b"/v1/chat/completions", method: bytes = b"POST", version: str = "1.1") -> Request:
    return Request(method=method, target=target, version=version)


def unchunked(data: bytes) -> bytes:
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        out, data = out + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return out


@pytest.mark.parametrize("cut", range(1, 20))
def test_of_a_stream_whole_events_pass_and_no_part_of_one(cut: int) -> None:
    answered = Answered(asked(), 200, SSE)
    events = b"data: 1\n\ndata: 2\n\n"
    passed = unchunked(answered.passed(events[:cut]))
    assert passed in (b"", b"data: 1\n\n", events)
    assert passed + unchunked(answered.passed(events[cut:])) == events
    assert answered.complete
    assert answered.passed(b"data: 3") == b""
    assert not answered.complete


def test_lines_of_json_are_events_too() -> None:
    answered = Answered(asked(b"/api/chat"), 200, [(b"content-type", b"application/x-ndjson")])
    assert unchunked(answered.passed(b'{"a":1}\n{"b"')) == b'{"a":1}\n'
    assert answered.rest() is None


def test_what_is_no_stream_passes_as_it_comes() -> None:
    answered = Answered(asked(), 200, [(b"content-type", b"application/json"), (b"content-length", b"4")])
    assert answered.framing() == b"content-length: 4\r\n"
    assert answered.passed(b"[1") + answered.passed(b"2]") == b"[12]"
    assert (answered.last(), answered.framed_end) == (b"", True)


def test_an_old_client_gets_no_chunks_and_a_bodiless_answer_none_either() -> None:
    old = Answered(asked(version="1.0"), 200, SSE)
    assert (old.framing(), old.passed(b"data: 1\n\n"), old.last(), old.framed_end) == (
        b"",
        b"data: 1\n\n",
        b"",
        False,
    )
    empty = Answered(asked(), 204, [])
    assert (empty.framing(), empty.last(), empty.framed_end) == (b"", b"", True)


def test_a_native_answer_goes_on_behind_its_last_event() -> None:
    answered = Answered(asked(b"/api/v1/chat"), 200, NATIVE)
    answered.passed(b"id: 1\nevent: meta\ndata: {}\n\nid: 2\nevent: delta\ndata: {}\n\nid: 3\nev")
    assert not answered.complete
    assert answered.rest() == (b"GET", b"/api/v1/generations/abc/events", (b"last-event-id", b"2"))
    assert not answered.goes_on(404, [])
    assert answered.goes_on(200, SSE)
    assert unchunked(answered.passed(b"id: 3\nevent: done\ndata: {}\n\n")).startswith(b"id: 3")
    assert answered.complete
    assert answered.rest() is None


def test_a_reader_of_a_native_answer_goes_on_too_also_where_nothing_is_left() -> None:
    answered = Answered(asked(b"/api/v1/generations/abc/events?after=7", b"GET"), 200, SSE)
    assert answered.rest() == (b"GET", b"/api/v1/generations/abc/events", (b"last-event-id", b"7"))
    assert answered.goes_on(204, [])
    assert answered.complete


def test_other_dialects_streams_have_no_rest() -> None:
    assert Answered(asked(), 200, SSE).rest() is None
    assert Answered(asked(), 500, NATIVE).rest() is None
