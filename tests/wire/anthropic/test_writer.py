"""Anthropic's answers: the exact events, and the same answer whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import (
    Answer,
    Choice,
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
from potluck.core.call import ToolCall
from potluck.core.errors import NodeFailed, NoEngineReady
from potluck.wire.anthropic.writer import SIGNATURE, MessageWriter
from potluck.wire.port import AnswerMeta
from potluck.wire.sse import parse_events
from tests.wire.legal_events import cut_up, legal_events

META = AnswerMeta("a1B2", "llama3.2", 1_700_000_000.5, prompt_tokens=31)
STOP = Finish(FinishReason.STOP)
USAGE = Usage(prompt=20, completion=9, cached=5, reasoning=2)


def stream(events: Sequence[Event], writer: MessageWriter | None = None) -> bytes:
    writer = writer or MessageWriter(META)
    return writer.open() + writer.write(events, 1.0) + writer.close(2.0)


def payloads(data: bytes) -> list[dict[str, Any]]:
    """The events' JSON; every event must be named after its type, since SDKs drop those without a name."""
    events = parse_events(data)
    read = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == [payload["type"] for payload in read]
    return read


def brief(data: bytes) -> list[str]:
    """The events between `message_start` and `message_delta`, in short."""
    short: list[str] = []
    for event in payloads(data)[1:-2]:
        match event["type"]:
            case "content_block_start":
                short.append(f"+{event['index']} {event['content_block']['type']}")
            case "content_block_delta":
                kind, value = event["delta"].values()
                short.append(f"{event['index']} {kind.removesuffix('_delta')}: {value}")
            case _:
                short.append(f"-{event['index']}")
    return short


def ended(data: bytes) -> dict[str, Any]:
    delta, stop = payloads(data)[-2:]
    assert delta["type"] == "message_delta"
    assert stop == {"type": "message_stop"}
    return delta


def test_a_streamed_text_is_these_very_bytes() -> None:
    assert stream([Text("Hi"), Text(" ☺"), STOP, USAGE]).decode().split("\n\n") == [
        'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_a1B2","type":"message",'
        '"role":"assistant","model":"llama3.2","content":[],"stop_reason":null,"stop_sequence":null,"usage":'
        '{"input_tokens":31,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}',
        "event: content_block_start\n"
        'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        "event: content_block_delta\n"
        'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}',
        "event: content_block_delta\n"
        'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" ☺"}}',
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}',
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        '"usage":{"input_tokens":15,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"output_tokens":9}}',
        'event: message_stop\ndata: {"type":"message_stop"}',
        "",
    ]


def test_thinking_is_signed_when_it_ends_and_text_follows_in_its_own_block() -> None:
    assert brief(stream([Reasoning("Hm"), Text("Hi"), STOP])) == [
        "+0 thinking",
        "0 thinking: Hm",
        f"0 signature: {SIGNATURE}",
        "-0",
        "+1 text",
        "1 text: Hi",
        "-1",
    ]


def test_woven_tool_calls_become_blocks_in_a_row() -> None:
    woven: list[Event] = [
        ToolStart(0, "call_a", "f"),
        ToolStart(1, "call_b", "g"),
        ToolArguments(1, '{"y":'),
        ToolArguments(0, '{"x":'),
        ToolArguments(1, "2}"),
        ToolArguments(0, "1}"),
        Finish(FinishReason.TOOL_CALLS),
    ]
    data = stream(woven)
    assert brief(data) == [
        "+0 tool_use",
        '0 input_json: {"x":',
        "0 input_json: 1}",
        "-0",
        "+1 tool_use",
        '1 input_json: {"y":2}',
        "-1",
    ]
    starts = [event["content_block"] for event in payloads(data) if event["type"] == "content_block_start"]
    assert starts[0] == {"type": "tool_use", "id": "call_a", "name": "f", "input": {}}
    assert ended(data)["delta"]["stop_reason"] == "tool_use"


def test_thinking_that_nobody_asked_for_is_left_out() -> None:
    assert brief(stream([Reasoning("Hm"), Text("Hi"), STOP], MessageWriter(META, show_thinking=False))) == [
        "+0 text",
        "0 text: Hi",
        "-0",
    ]
    answer = Answer((Choice("Hi", "Hm", finish=FinishReason.STOP),))
    whole = json.loads(MessageWriter(META, show_thinking=False).whole(answer, 2.0))
    assert whole["content"] == [{"type": "text", "text": "Hi"}]


def test_other_choices_and_what_the_dialect_has_no_place_for_are_left_out() -> None:
    other: list[Event] = [Text("b", 1), Reasoning("b", 1), ToolStart(0, "b", "f", 1), ToolArguments(0, "b", 1)]
    nothing: list[Event] = [Logprobs({}), Timings(), Vector(0, ())]
    assert brief(stream([*other, *nothing, Text("a"), Finish(FinishReason.LENGTH, 1), STOP])) == [
        "+0 text",
        "0 text: a",
        "-0",
    ]


@pytest.mark.parametrize(
    ("finish", "reason", "sequence"),
    [
        (STOP, "end_turn", None),
        (Finish(FinishReason.STOP, stop_sequence="END"), "stop_sequence", "END"),
        (Finish(FinishReason.LENGTH), "max_tokens", None),
        (Finish(FinishReason.TOOL_CALLS), "tool_use", None),
        (Finish(FinishReason.CONTENT_FILTER), "refusal", None),
        (Finish(FinishReason.LOAD), "end_turn", None),
        (None, "end_turn", None),
    ],
)
def test_stop_reasons(finish: Finish | None, reason: str, sequence: str | None) -> None:
    expected = {"stop_reason": reason, "stop_sequence": sequence}
    assert ended(stream([Text("Hi"), *([finish] if finish else [])]))["delta"] == expected
    choice = Choice(
        "Hi", finish=finish.reason if finish else None, stop_sequence=finish.stop_sequence if finish else ""
    )
    whole = json.loads(MessageWriter(META).whole(Answer((choice,)), 2.0))
    assert {name: whole[name] for name in expected} == expected


@pytest.mark.parametrize("finish", [[STOP], []])
def test_a_plain_stop_behind_a_tool_call_is_tool_use(finish: list[Event]) -> None:
    assert ended(stream([ToolStart(0, "a", "f"), *finish]))["delta"]["stop_reason"] == "tool_use"


def test_without_usage_the_estimate_stands() -> None:
    assert ended(stream([STOP]))["usage"] == {
        "input_tokens": 31,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }


def test_a_whole_answer_holds_the_same_blocks() -> None:
    calls = (ToolCall("call_a", "f", '{"x":1.0}'), ToolCall("call_b", "g", ""))
    answer = Answer((Choice("Hi", "Hm", calls, FinishReason.TOOL_CALLS),), usage=USAGE)
    assert MessageWriter(META).whole(answer, 2.0).decode() == (
        '{"id":"msg_a1B2","type":"message","role":"assistant","model":"llama3.2","content":['
        f'{{"type":"thinking","thinking":"Hm","signature":"{SIGNATURE}"}},'
        '{"type":"text","text":"Hi"},'
        '{"type":"tool_use","id":"call_a","name":"f","input":{"x":1.0}},'
        '{"type":"tool_use","id":"call_b","name":"g","input":{}}],'
        '"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":15,"cache_creation_input_tokens":0,'
        '"cache_read_input_tokens":5,"output_tokens":9}}'
    )


@pytest.mark.parametrize("arguments", ['{"x":', "[1]", '"x"', "no JSON"])
def test_arguments_that_are_no_object_are_shown_as_they_are(arguments: str) -> None:
    answer = Answer((Choice(tool_calls=(ToolCall("a", "f", arguments),)),))
    whole = json.loads(MessageWriter(META).whole(answer, 2.0))
    assert whole["content"][0]["input"] == {"INVALID_JSON": arguments}


def test_an_answer_without_choices_is_an_empty_message() -> None:
    whole = json.loads(MessageWriter(META).whole(Answer(), 2.0))
    assert (whole["content"], whole["stop_reason"]) == ([], "end_turn")


def test_an_in_band_failure_is_raised_for_the_relay_to_decide() -> None:
    error = NodeFailed("The engine failed.")
    with pytest.raises(NodeFailed):
        MessageWriter(META).write([Failed(error)], 1.0)


def test_an_error_in_the_stream_has_its_event() -> None:
    assert MessageWriter(META).fail(NoEngineReady("No engine is up.", retry_after_s=3), "req_1") == (
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"No engine is up."},'
        b'"request_id":"req_1"}\n\n'
    )


def test_silences_are_kept_alive_by_pings() -> None:
    assert MessageWriter.stream_type == "text/event-stream"
    assert payloads(MessageWriter.keep_alive) == [{"type": "ping"}]


@given(legal_events(), st.lists(st.integers(0, 4), max_size=5))
def test_any_legal_stream_is_blocks_in_a_row_with_all_that_was_said(events: list[Event], sizes: list[int]) -> None:
    writer = MessageWriter(META)
    data = writer.open() + b"".join(writer.write(batch, 1.0) for batch in cut_up(events, sizes)) + writer.close(2.0)
    assert data == stream(events)  # reads from the engine may be of any size
    open_index: int | None = None
    count = 0
    said = {"text": "", "thinking": ""}
    for event in payloads(data)[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert open_index is None
                assert event["index"] == count
                open_index, count = count, count + 1
            case "content_block_delta":
                assert event["index"] == open_index
                kind = event["delta"]["type"].removesuffix("_delta")
                if kind in said:
                    said[kind] += event["delta"][kind]
            case "content_block_stop":
                assert event["index"] == open_index
                open_index = None
    assert open_index is None
    choice = collect(events).choices[0]
    assert said == {"text": choice.text, "thinking": choice.reasoning}
