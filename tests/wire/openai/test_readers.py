"""What engines of the family answer comes out in one strict order, however they say it."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from hypothesis import example, given

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
)
from potluck.core.errors import ContextOverflow, MalformedAnswer, NodeFailed
from potluck.core.tool_ids import made_up_id
from potluck.wire.openai.readers import ChatReader, CompletionReader, EmbeddingReader
from tests.wire.openai.streams import CUTS, pieces, sse

STOP = Finish(FinishReason.STOP)


def delta(text: str, finish: str = "null") -> str:
    return f'{{"choices":[{{"index":0,"delta":{text},"finish_reason":{finish}}}]}}'


FINISH = delta("{}", '"stop"')


def read(*payloads: str) -> list[Event]:
    reader = ChatReader()
    return reader.feed(sse(*payloads)) + reader.end()


def whole(text: str) -> list[Event]:
    return ChatReader().whole(text.encode())


LLAMACPP = (
    sse(
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"c"}',
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"hm \u2028"}}]}',
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Grüße 🍲"}}]}',
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"id":"abc","type":"function",'
        '"function":{"name":"get","arguments":"{"}}]}}]}',
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}',
        '{"choices":[{"finish_reason":"tool_calls","index":0,"delta":{}}]}',
    )
    + b": ping\r\n\r\ndata:"
    + b'{"choices":[],"usage":{"completion_tokens":7,"prompt_tokens":9,"total_tokens":16,"prompt_tokens_details":'
    + b'{"cached_tokens":3}},"timings":{"cache_n":3,"prompt_n":6,"prompt_ms":250.0,"predicted_n":7,'
    + b'"predicted_ms":500.0}}'
    + b"\r\n\r\ndata: [DONE]\n\n"
)
LLAMACPP_EVENTS: list[Event] = [
    Reasoning("hm \u2028"),
    Text("Grüße 🍲"),
    ToolStart(0, "abc", "get"),
    ToolArguments(0, "{"),
    ToolArguments(0, "}"),
    Finish(FinishReason.TOOL_CALLS),
    Usage(prompt=9, completion=7, cached=3),
    Timings(prefill_s=0.25, decode_s=0.5, read_tokens=6),
]


@given(CUTS)
@example(list(range(len(LLAMACPP))))
def test_cutting_the_stream_anywhere_gives_the_same_events(cuts: list[int]) -> None:
    reader = ChatReader()
    events = [event for piece in pieces(LLAMACPP, cuts) for event in reader.feed(piece)]
    assert events + reader.end() == LLAMACPP_EVENTS


def test_a_role_in_every_delta_and_a_finish_with_text_change_nothing() -> None:
    assert read(
        delta('{"role":"assistant","content":"a"}'), delta('{"role":"assistant","content":"b"}', '"length"'), "[DONE]"
    ) == [Text("a"), Text("b"), Finish(FinishReason.LENGTH)]


def test_text_after_the_finish_comes_before_it() -> None:
    assert read(delta('{"content":"a"}', '"stop"'), delta('{"content":"b"}'), "[DONE]") == [Text("a"), Text("b"), STOP]


def test_a_stream_without_done_ends_with_its_finish() -> None:
    assert read(delta('{"content":"a"}'), FINISH) == [Text("a"), STOP]


def test_done_without_a_finish_is_a_stop() -> None:
    assert read(delta('{"content":"a"}'), "[DONE]") == [Text("a"), STOP]


def test_what_follows_done_is_not_heard() -> None:
    assert read(FINISH, "[DONE]", delta('{"content":"a"}'), "rubbish") == [STOP]


def test_a_last_event_without_its_blank_line_counts() -> None:
    reader = ChatReader()
    assert reader.feed(sse(FINISH) + b"data: [DONE]") == []
    assert reader.end() == [STOP]


def test_usage_in_the_last_text_chunk_and_in_every_chunk_is_the_last_one() -> None:
    chunk = (
        '{"choices":[{"delta":{"content":"a"},"finish_reason":%s}],"usage":{"prompt_tokens":1,"completion_tokens":%d}}'
    )
    assert read(chunk % ("null", 1), chunk % ('"stop"', 2)) == [Text("a"), Text("a"), STOP, Usage(1, 2)]


def test_usage_may_come_from_the_timings_alone() -> None:
    timings = '{"choices":[],"timings":{"prompt_n":4,"cache_n":2,"predicted_n":3,"prompt_ms":null}}'
    assert read(FINISH, timings) == [STOP, Usage(prompt=6, completion=3, cached=2), Timings(read_tokens=4)]
    assert read(FINISH, '{"choices":[],"timings":{"predicted_ms":1000}}') == [STOP, Timings(decode_s=1.0)]


def test_reasoning_under_either_name_or_both_is_told_once() -> None:
    assert read(delta('{"reasoning":"a"}'), delta('{"reasoning":"b","reasoning_content":"b"}'), FINISH) == [
        Reasoning("a"),
        Reasoning("b"),
        STOP,
    ]
    assert read(delta('{"reasoning":{"odd":1}}'), FINISH) == [STOP]


def test_text_in_parts_and_a_refusal_are_text() -> None:
    parts = '{"content":[{"type":"thinking"},{"type":"text","text":"a"},{"type":"text","text":"b"}]}'
    assert read(delta(parts), delta('{"refusal":"no"}'), FINISH) == [Text("ab"), Text("no"), STOP]


def test_logprobs_follow_their_text() -> None:
    chunk = '{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[1]},"finish_reason":"stop"}]}'
    assert read(chunk) == [Text("a"), Logprobs({"content": [1]}), STOP]


def test_vllms_stop_reason_is_the_stop_sequence_if_it_is_text() -> None:
    chunk = '{"choices":[{"delta":{},"finish_reason":"stop","stop_reason":%s}]}'
    assert read(chunk % '"END"') == [Finish(FinishReason.STOP, 0, "END")]
    assert read(chunk % "128009") == [STOP]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("eos_token", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
    ],
)
def test_finish_reasons_of_all_kinds_are_known(word: str, reason: FinishReason) -> None:
    assert read(delta("{}", f'"{word}"')) == [Finish(reason)]


def test_all_deltas_come_before_all_finishes() -> None:
    a, b = '{"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}', '{"choices":[{"index":1,"text":"b"}]}'
    assert read(a % ('{"content":"a"}', '"stop"'), b, a.replace('"index":0', '"index":1') % ("{}", '"length"')) == [
        Text("a"),
        Text("b", 1),
        STOP,
        Finish(FinishReason.LENGTH, 1),
    ]


# --- Tool calls ----------------------------------------------------------------------------------------------------


def called(*calls: str) -> str:
    return delta(f'{{"tool_calls":[{",".join(calls)}]}}')


def test_whole_calls_in_one_delta_without_ids_get_some_and_end_as_tool_calls() -> None:
    events = read(
        called(
            '{"index":0,"function":{"name":"a","arguments":{"x":1}}}',
            '{"index":1,"function":{"name":"b","arguments":"{}"}}',
        ),
        FINISH,
    )
    assert events == [
        ToolStart(0, made_up_id(0, 0, "a"), "a"),
        ToolArguments(0, '{"x":1}'),
        ToolStart(1, made_up_id(0, 1, "b"), "b"),
        ToolArguments(1, "{}"),
        Finish(FinishReason.TOOL_CALLS),
    ]


def test_ids_made_up_differ_from_turn_to_turn() -> None:
    first, second = (ChatReader(turn).feed(sse(called('{"index":0,"function":{"name":"a"}}')))[0] for turn in (1, 3))
    assert first != second


def test_calls_that_all_have_index_0_are_told_apart_by_their_ids() -> None:
    events = read(
        called('{"index":0,"id":"x","function":{"name":"a","arguments":"{}"}}'),
        called('{"index":0,"id":"y","function":{"name":"a","arguments":"{"}}'),
        called('{"index":0,"id":"y","function":{"arguments":"}"}}'),
        FINISH,
    )
    assert [event for event in events if isinstance(event, ToolStart)] == [
        ToolStart(0, "x", "a"),
        ToolStart(1, "y", "a"),
    ]
    assert [event for event in events if isinstance(event, ToolArguments)][-1] == ToolArguments(1, "}")


def test_pieces_without_an_index_belong_to_the_call_that_last_began() -> None:
    events = read(
        called('{"function":{"name":"a","arguments":"{"}}'),
        called('{"function":{"arguments":"}"}}'),
        called('{"function":{"name":"b","arguments":"{}"}}'),
        FINISH,
    )
    assert [event.index for event in events if isinstance(event, ToolStart | ToolArguments)] == [0, 0, 0, 1, 1]


def test_a_name_that_comes_late_is_waited_for() -> None:
    events = read(
        called('{"index":0,"id":"x"}'),
        called('{"index":0,"function":{"arguments":"{"}}'),
        called('{"index":0,"function":{"name":"a","arguments":"}"}}'),
        FINISH,
    )
    assert events[:3] == [ToolStart(0, "x", "a"), ToolArguments(0, "{"), ToolArguments(0, "}")]


def test_a_call_without_arguments_gets_none_and_one_without_a_name_is_still_told() -> None:
    events = read(called('{"index":0,"id":"x","function":{"name":"a"}}', '{"index":1,"id":"y"}'), FINISH)
    assert events == [
        ToolStart(0, "x", "a"),
        ToolArguments(0, "{}"),
        ToolStart(1, "y", ""),
        ToolArguments(1, "{}"),
        Finish(FinishReason.TOOL_CALLS),
    ]


def test_a_legacy_function_call_is_a_tool_call() -> None:
    events = read(delta('{"function_call":{"name":"a","arguments":"{}"}}'), delta("{}", '"function_call"'))
    assert events[1:] == [ToolArguments(0, "{}"), Finish(FinishReason.TOOL_CALLS)]


# --- Trouble -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"<html>login</html>",
        sse(delta('{"content":"a"}')),
        sse(delta('{"content":"a"}')) + b'data: {"choi',
        sse(FINISH) + b'data: {"choi',
        sse("[DONE]"),
        sse("nonsense"),
        sse("[]"),
        sse('{"choices":1}'),
        sse(FINISH.replace('"index":0', '"index":1'), delta('{"content":"a"}')),
        b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n',
    ],
)
def test_what_breaks_off_or_is_no_answer_is_malformed(stream: bytes) -> None:
    for cuts in ([], list(range(len(stream)))):
        reader = ChatReader()
        with pytest.raises(MalformedAnswer):
            for piece in pieces(stream, cuts):
                reader.feed(piece)
            reader.end()


@pytest.mark.parametrize("cuts", [[], [5, 60, 100]])
def test_what_was_good_before_the_trouble_is_not_lost(cuts: list[int]) -> None:
    reader = ChatReader()
    events: list[Event] = []
    with pytest.raises(MalformedAnswer):
        for piece in pieces(sse(delta('{"content":"a"}'), "nonsense"), cuts):
            events += reader.feed(piece)
        reader.end()
    assert events == [Text("a")]
    with pytest.raises(MalformedAnswer):
        reader.feed(b"")


def test_good_events_at_the_very_end_before_a_broken_one() -> None:
    reader = ChatReader()
    # Line ends of two kinds: no event is whole before the end.
    assert reader.feed(b"data: " + delta('{"content":"a"}').encode() + b"\n\rdata: nonsense\n") == []
    with pytest.raises(MalformedAnswer):
        reader.end()


@pytest.mark.parametrize(
    "error", [b'data: {"error":{"code":500,"message":"boom"}}\n\n', b'error: {"code":500,"message":"boom"}\n\n']
)
def test_an_error_in_band_ends_the_stream(error: bytes) -> None:
    reader = ChatReader()
    *good, failed = reader.feed(sse(delta('{"content":"a"}')) + error + sse(FINISH))
    assert good == [Text("a")]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, NodeFailed)
    assert "boom" in failed.error.detail
    assert reader.feed(sse(FINISH)) == []
    assert reader.end() == []


# --- Whole answers -------------------------------------------------------------------------------------------------


def test_a_whole_answer_gives_the_same_events() -> None:
    body = (
        '{"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":"a",'
        '"reasoning_content":"r","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}},'
        '{"type":"function","function":{"name":"f","arguments":"{}"}}]}}],'
        '"usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}'
    )
    assert whole(body) == [
        Reasoning("r"),
        Text("a"),
        ToolStart(0, "x", "f"),
        ToolArguments(0, "{}"),
        ToolStart(1, made_up_id(0, 1, "f"), "f"),
        ToolArguments(1, "{}"),
        Finish(FinishReason.TOOL_CALLS),
        Usage(prompt=1, completion=2, reasoning=1),
    ]


def test_a_whole_completion() -> None:
    body = (
        b'{"choices":[{"index":0,"text":"a","finish_reason":"stop"},{"index":1,"text":"b","finish_reason":"length"}]}'
    )
    assert CompletionReader().whole(body) == [Text("a"), Text("b", 1), STOP, Finish(FinishReason.LENGTH, 1)]


@pytest.mark.parametrize("body", ["", "{}", "<html>", '{"choices":[]}', '{"choices":null}', "[]"])
def test_a_whole_body_that_is_no_answer_is_malformed(body: str) -> None:
    with pytest.raises(MalformedAnswer):
        whole(body)


def test_an_error_with_status_200_is_a_failure() -> None:
    (failed,) = whole('{"error":{"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}')
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ContextOverflow)


# --- Embeddings ----------------------------------------------------------------------------------------------------


def test_embeddings_are_read_as_numbers_and_as_base64() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -2.0)).decode()
    body = json.dumps(
        {
            "data": [{"embedding": [1, 0.5], "index": 1}, {"embedding": packed, "index": 0}],
            "usage": {"prompt_tokens": 4},
        }
    ).encode()
    expected = [Vector(1, (1.0, 0.5)), Vector(0, (0.5, -2.0)), Usage(prompt=4)]
    assert EmbeddingReader().whole(body) == expected
    reader = EmbeddingReader()
    assert reader.feed(body[:9]) + reader.feed(body[9:]) == []
    assert reader.end() == expected


def test_embeddings_without_an_index_are_in_order() -> None:
    assert EmbeddingReader().whole(b'{"data":[{"embedding":[1]},{"embedding":[2]}]}') == [
        Vector(0, (1.0,)),
        Vector(1, (2.0,)),
    ]


@pytest.mark.parametrize(
    "body", [b"{}", b"<html>", b'{"data":[{}]}', b'{"data":[{"embedding":"!"}]}', b'{"data":[{"embedding":"AAA="}]}']
)
def test_what_is_no_embedding_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        EmbeddingReader().whole(body)


def test_an_embedding_error_with_status_200_is_a_failure() -> None:
    (failed,) = EmbeddingReader().whole(b'{"error":"boom"}')
    assert isinstance(failed, Failed)
