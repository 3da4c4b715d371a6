from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import (
    Event,
    Failed,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
    Vector,
    collect,
)
from potluck.core.errors import MalformedAnswer, NodeFailed
from potluck.core.model import Json
from potluck.wire.ollama.readers import EmbedReader, LineReader, LoadReader
from potluck.wire.ollama.writers import ChatWriter, GenerateWriter
from potluck.wire.port import AnswerMeta, AnswerReader
from tests.wire.legal_events import legal_events

LAST = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 5_000_000_000,
    "load_duration": 500_000_000,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 250_000_000,
    "eval_count": 9,
    "eval_duration": 4_000_000_000,
}
END: list[Event] = [Usage(26, 9), Timings(0.5, 0.25, 4.0)]


def lines(*objects: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in objects)


def chat(done: dict[str, Any] | None = None, /, **message: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "created_at": "x",
        "message": {"role": "assistant", "content": "", **message},
        "done": False,
    } | (done or {})


def read(data: bytes, size: int = 1 << 20) -> list[Event]:
    reader: AnswerReader = LineReader(turn=3)
    events = [event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])]
    return events + reader.end()


STREAM = lines(
    chat(thinking="hm"),
    chat(content="Grüße 🎉"),
    chat(tool_calls=[{"function": {"name": "f", "arguments": {"a": 1}}}]),
    chat(tool_calls=[{"id": "call_x", "function": {"index": 0, "name": "g", "arguments": {}}}]),
    chat(LAST),
)


def test_a_chat_becomes_events() -> None:
    events = read(STREAM)
    start = events[2]
    assert isinstance(start, ToolStart)
    assert start.id.startswith("call_")
    assert events == [
        Reasoning("hm"),
        Text("Grüße 🎉"),
        ToolStart(0, start.id, "f"),
        ToolArguments(0, '{"a": 1}'),
        ToolStart(1, "call_x", "g"),
        ToolArguments(1, "{}"),
        Finish(FinishReason.TOOL_CALLS),
        *END,
    ]


@given(st.integers(1, 60))
def test_where_the_stream_is_cut_does_not_matter(size: int) -> None:
    assert read(STREAM, size) == read(STREAM)


def test_a_generation_becomes_events() -> None:
    data = lines({"response": "upon", "thinking": "hm"}, {"response": "", **LAST, "done_reason": "length"})
    assert read(data) == [Reasoning("hm"), Text("upon"), Finish(FinishReason.LENGTH), *END]


def test_a_whole_answer_gives_the_same_events() -> None:
    body = json.dumps(chat(LAST, content="hi", tool_calls=[{"id": "c", "function": {"name": "f"}}]), indent=1)
    assert LineReader().whole(body.encode()) == [
        Text("hi"),
        ToolStart(0, "c", "f"),
        ToolArguments(0, "{}"),
        Finish(FinishReason.TOOL_CALLS),
        *END,
    ]
    generated = {"response": "hi", "tool_calls": [{"id": "c", "function": {"name": "f"}}], "done": True}
    assert LineReader().whole(json.dumps(generated).encode())[1] == ToolStart(0, "c", "f")


def test_counts_that_old_versions_leave_out_are_zero_and_none_at_all_is_no_usage() -> None:
    assert read(lines({"response": "", "done": True, "eval_count": 3})) == [Finish(FinishReason.STOP), Usage(0, 3)]
    assert read(lines({"response": "", "done": True})) == [Finish(FinishReason.STOP)]


def test_a_last_line_without_its_end_counts() -> None:
    assert read(STREAM[:-1]) == read(STREAM)


def test_what_follows_the_last_line_is_not_the_answers() -> None:
    assert read(STREAM + lines(chat(content="more"))) == read(STREAM)


def test_logprobs_are_handed_on() -> None:
    tokens: list[Json] = [{"token": "a", "logprob": -0.5}]
    assert Logprobs({"content": tokens}) in read(lines({**chat(content="a"), "logprobs": tokens}, chat(LAST)))


def test_an_error_inside_the_answer_is_a_failure_after_what_came() -> None:
    events = read(lines(chat(content="a"), {"error": "out of memory"}))
    assert events[0] == Text("a")
    assert isinstance(events[1], Failed)
    assert isinstance(events[1].error, NodeFailed)
    assert events[1].error.detail == "out of memory"
    assert isinstance(LineReader().whole(b'{"error":"x"}')[0], Failed)


@pytest.mark.parametrize(
    "data", [b"", lines(chat(content="a")), STREAM[:-30], b"<html>\n", b'{"message":7}\n', b"\xff\n"]
)
def test_an_answer_that_breaks_off_or_is_none_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read(data)


@pytest.mark.parametrize("body", [b"{}", b'{"response":"a","done":false}', b"nonsense"])
def test_half_a_whole_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        LineReader().whole(body)


@given(legal_events(well_formed=True), st.integers(1, 40))
def test_what_is_written_is_read_back(events: list[Event], size: int) -> None:
    for writer in (ChatWriter(AnswerMeta("i" * 24, "m", 0.0)), GenerateWriter(AnswerMeta("i" * 24, "m", 0.0))):
        sent, wanted = writer.write(events, 1.0) + writer.close(1.0), collect(events).choices[0]
        got = collect(read(sent, size)).choices[0]
        assert (got.text, got.reasoning) == (wanted.text, wanted.reasoning)
        assert [(call.id, call.name, json.loads(call.arguments)) for call in got.tool_calls] == [
            (call.id, call.name, json.loads(call.arguments)) for call in wanted.tool_calls
        ]


def test_vectors_come_in_order_with_what_they_cost() -> None:
    body = b'{"model":"m","embeddings":[[1,0.5],[2,3]],"load_duration":500000000,"prompt_eval_count":4}'
    expected: list[Event] = [Vector(0, (1.0, 0.5)), Vector(1, (2.0, 3.0)), Usage(prompt=4), Timings(load_s=0.5)]
    assert EmbedReader().whole(body) == expected
    reader = EmbedReader()
    assert reader.feed(body[:20]) + reader.feed(body[20:]) + reader.end() == expected


def test_the_old_route_gives_one_vector() -> None:
    assert EmbedReader().whole(b'{"embedding":[1,2]}') == [Vector(0, (1.0, 2.0))]


@pytest.mark.parametrize("body", [b"{}", b'{"embedding":[]}', b'{"embeddings":[["a"]]}', b"x"])
def test_a_body_without_vectors_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        EmbedReader().whole(body)


@pytest.mark.parametrize("reader", [EmbedReader(), LoadReader()])
def test_an_error_instead_is_a_failure(reader: AnswerReader) -> None:
    (failed,) = reader.whole(b'{"error":"broke"}')
    assert isinstance(failed, Failed)


@pytest.mark.parametrize(("unload", "reason"), [(False, FinishReason.LOAD), (True, FinishReason.UNLOAD)])
def test_a_load_is_done_if_nothing_else_is_said(unload: bool, reason: FinishReason) -> None:
    assert LoadReader(unload=unload).whole(b'{"model":"m","embeddings":[]}') == [Finish(reason)]
    loaded = LoadReader(unload=unload).whole(b'{"response":"","done":true,"load_duration":500000000}')
    assert loaded == [Finish(reason), Timings(load_s=0.5)]


def test_what_is_no_answer_to_a_load_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        LoadReader().whole(b"<html>")
