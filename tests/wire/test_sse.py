"""Server-sent events come out whole, wherever the stream was cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from potluck.core.errors import MalformedAnswer
from potluck.wire.sse import (
    EVENT_LIMIT_BYTES,
    EventCutter,
    ServerEvent,
    SseReader,
    data_event,
    named_event,
    parse_events,
    split_events,
)

STREAM = (
    b": ping\n\n"
    b'data: {"text":"f\xc3\xbcr \xf0\x9f\x8d\xb2"}\n\n'
    b"event: delta\r\ndata:no space\r\n\r\n"
    b"id: 7\nretry: 10\nnonsense\ndata: one\ndata: two\n\n"
    b"data: only\rdata: returns\r\r"
    b"error: {}\n\n"
    b"data: mixed\n\r\n"
    b"event: lost\n\n"
    b"data: \xe2\x80\xa8 is no line end, nor is \xc2\x85\n\n"
    b"data: [DONE]\n\n"
)
EVENTS = [
    ServerEvent("", '{"text":"für 🍲"}'.encode()),
    ServerEvent("delta", b"no space"),
    ServerEvent("", b"one\ntwo"),
    ServerEvent("", b"only\nreturns"),
    ServerEvent("error", b"{}"),
    ServerEvent("", b"mixed"),
    ServerEvent("", "\u2028 is no line end, nor is \x85".encode()),
    ServerEvent("", b"[DONE]"),
]


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


@given(st.lists(st.integers(0, 400), max_size=12))
@example(list(range(len(STREAM))))
def test_cutting_the_stream_anywhere_gives_the_same_events(cuts: list[int]) -> None:
    reader = SseReader()
    events = [event for piece in pieces(STREAM, cuts) for event in reader.feed(piece)]
    assert events + reader.end() == EVENTS


@given(st.lists(st.integers(0, 400), max_size=12))
@example(list(range(len(STREAM))))
def test_cutting_loses_no_byte_and_cuts_only_behind_events(cuts: list[int]) -> None:
    cutter = EventCutter()
    blocks = [cutter.cut(piece) for piece in pieces(STREAM, cuts)]
    assert b"".join(blocks) + cutter.tail == STREAM
    assert [event for block in blocks for event in parse_events(block)] == EVENTS


def test_a_piece_that_ends_with_an_event_is_handed_on_as_it_is() -> None:
    piece = b"data: 1\n\ndata: 2\n\n"
    assert EventCutter().cut(piece) is piece


def test_an_event_without_its_blank_line_counts_at_the_end() -> None:
    reader = SseReader()
    assert reader.end() == []
    assert reader.feed(b"data: 1\n\ndata: [DONE]\n") == [ServerEvent("", b"1")]
    assert reader.end() == [ServerEvent("", b"[DONE]")]


def test_an_event_without_end_is_refused_before_it_fills_the_memory() -> None:
    cutter = EventCutter()
    piece = b"x" * (EVENT_LIMIT_BYTES // 4)
    for _ in range(4):
        assert cutter.cut(piece) == b""
    with pytest.raises(MalformedAnswer):
        cutter.cut(b"x")


def test_splitting_a_block_keeps_every_byte() -> None:
    events = split_events(STREAM + b"data: half")
    assert b"".join(events) == STREAM + b"data: half"
    assert events[0] == b": ping\n\n"
    assert split_events(b"data: 1\r\r") == [b"data: 1\r\r"]
    assert events[-2:] == [b"data: [DONE]\n\n", b"data: half"]


def test_written_events_are_read_back() -> None:
    stream = data_event(b"{}") + named_event("message_stop", b"[]")
    assert stream == b"data: {}\n\nevent: message_stop\ndata: []\n\n"
    assert parse_events(stream) == [ServerEvent("", b"{}"), ServerEvent("message_stop", b"[]")]
