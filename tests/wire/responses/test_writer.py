"""Responses answers: the exact events, and the same answer whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
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
from potluck.core.errors import BadRequest, ContextOverflow, NodeFailed, PotluckError, QueueFull, RateLimited
from potluck.wire.port import AnswerMeta
from potluck.wire.responses.body import Echo, ToolSpec
from potluck.wire.responses.tools import read_tools
from potluck.wire.responses.writer import ResponseWriter
from potluck.wire.sse import parse_events
from tests.wire.legal_events import cut_up, legal_events

META = AnswerMeta("a1B2", "llama3.2", 1_700_000_000.5, prompt_tokens=31)
STOP = Finish(FinishReason.STOP)
CALLED = Finish(FinishReason.TOOL_CALLS)
USAGE = Usage(prompt=20, completion=9, cached=5, reasoning=2)
BOX = read_tools(
    [
        ToolSpec("function", "weather"),
        ToolSpec("custom", "patch"),
        ToolSpec("namespace", "crm", tools=[ToolSpec("function", "find"), ToolSpec("custom", "note")]),
    ]
)


def writer(**asked: Any) -> ResponseWriter:
    return ResponseWriter(META, msgspec.json.decode(json.dumps(asked).encode(), type=Echo), BOX)


def stream(*events: Event) -> bytes:
    made = writer()
    return made.open() + made.write(events, 1.0) + made.close(1_700_000_009.9)


def payloads(data: bytes) -> list[dict[str, Any]]:
    """The events' JSON, each named after its type and numbered without a gap."""
    events = parse_events(data)
    read = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == [payload["type"] for payload in read]
    assert [payload["sequence_number"] for payload in read] == list(range(len(read)))
    return read


def brief(data: bytes) -> list[tuple[Any, ...]]:
    """The events between `in_progress` and the last one: type, and all values but the number and the empty lists."""
    return [
        (event["type"].removeprefix("response."), *(value for value in list(event.values())[1:-1] if value != []))
        for event in payloads(data)[2:-1]
    ]


def whole(choice: Choice, **asked: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(writer(**asked).whole(Answer((choice,), usage=USAGE), 1_700_000_009.9))
    return read


def item(data: bytes, index: int = 0) -> dict[str, Any]:
    """An item of the final response; the one that was announced as done must be the same."""
    final: dict[str, Any] = payloads(data)[-1]["response"]["output"][index]
    done = [event["item"] for event in payloads(data) if event["type"] == "response.output_item.done"]
    assert final in done
    return final


EMPTY_TEXT = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
MESSAGE = {"id": "msg_a1B2_0", "type": "message", "status": "completed", "role": "assistant"}


def test_a_text_is_announced_told_and_done() -> None:
    data = stream(Text("Hi"), Text(" ☺"), STOP, USAGE)
    said = {**EMPTY_TEXT, "text": "Hi ☺"}
    done = {**MESSAGE, "content": [said]}
    assert brief(data) == [
        ("output_item.added", 0, {**MESSAGE, "status": "in_progress", "content": []}),
        ("content_part.added", "msg_a1B2_0", 0, 0, EMPTY_TEXT),
        ("output_text.delta", "msg_a1B2_0", 0, 0, "Hi"),
        ("output_text.delta", "msg_a1B2_0", 0, 0, " ☺"),
        ("output_text.done", "msg_a1B2_0", 0, 0, "Hi ☺"),
        ("content_part.done", "msg_a1B2_0", 0, 0, said),
        ("output_item.done", 0, done),
    ]
    created, in_progress, *_, last = payloads(data)
    assert (created["type"], in_progress["type"], last["type"]) == (
        "response.created",
        "response.in_progress",
        "response.completed",
    )
    assert created["response"] == in_progress["response"]
    assert last["response"] == created["response"] | {
        "status": "completed",
        "completed_at": 1_700_000_009,
        "output": [done],
        "usage": {
            "input_tokens": 20,
            "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 29,
        },
    }


def test_the_event_lines_are_these_very_bytes() -> None:
    made = writer()
    made.open()
    assert made.write([Text("Hi")], 1.0).split(b"\n\n")[-2] == (
        b"event: response.output_text.delta\n"
        b'data: {"type":"response.output_text.delta","item_id":"msg_a1B2_0","output_index":0,"content_index":0,'
        b'"delta":"Hi","logprobs":[],"sequence_number":4}'
    )


def test_the_response_object_repeats_the_request() -> None:
    asked: dict[str, Any] = {
        "instructions": "Be.",
        "max_output_tokens": 9,
        "max_tool_calls": 2,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low"},
        "safety_identifier": "s",
        "temperature": 0.5,
        "text": {"format": {"type": "json_object"}},
        "tool_choice": "required",
        "tools": [{"type": "web_search"}],
        "top_p": 0.9,
        "truncation": "auto",
        "user": "u",
    }
    response = whole(Choice("Hi"), **asked, store=True, background=None)
    assert {name: response[name] for name in asked} == asked
    assert (response["store"], response["background"], response["previous_response_id"]) == (False, False, None)


def test_nulls_in_the_request_are_its_defaults_in_the_answer() -> None:
    names = list(Echo.__struct_fields__)
    response = whole(Choice("Hi"), **dict.fromkeys(names))
    assert {name: response[name] for name in names} == {name: whole(Choice("Hi"))[name] for name in names}
    assert (response["tools"], response["tool_choice"], response["metadata"]) == ([], "auto", {})


def test_reasoning_is_a_summary_in_its_own_item() -> None:
    text = {"type": "summary_text", "text": "Hm"}
    reasoning = {"id": "rs_a1B2_0", "type": "reasoning", "status": "completed"}
    assert brief(stream(Reasoning("Hm"), Text("Hi"), STOP))[:7] == [
        ("output_item.added", 0, {**reasoning, "status": "in_progress", "summary": []}),
        ("reasoning_summary_part.added", "rs_a1B2_0", 0, 0, {**text, "text": ""}),
        ("reasoning_summary_text.delta", "rs_a1B2_0", 0, 0, "Hm"),
        ("reasoning_summary_text.done", "rs_a1B2_0", 0, 0, "Hm"),
        ("reasoning_summary_part.done", "rs_a1B2_0", 0, 0, text),
        ("output_item.done", 0, {**reasoning, "summary": [text]}),
        ("output_item.added", 1, {**MESSAGE, "id": "msg_a1B2_1", "status": "in_progress", "content": []}),
    ]


def test_woven_function_calls_become_items_in_a_row() -> None:
    data = stream(
        ToolStart(0, "call_a", "weather"),
        ToolStart(1, "call_b", "crm.find"),
        ToolArguments(1, "{}"),
        ToolArguments(0, '{"x":'),
        ToolArguments(0, "1}"),
        CALLED,
    )
    first = {"type": "function_call", "id": "fc_a1B2_0", "call_id": "call_a", "name": "weather"}
    second = {"type": "function_call", "id": "fc_a1B2_1", "call_id": "call_b", "name": "find", "namespace": "crm"}
    assert brief(data) == [
        ("output_item.added", 0, {**first, "status": "in_progress", "arguments": ""}),
        ("function_call_arguments.delta", "fc_a1B2_0", 0, '{"x":'),
        ("function_call_arguments.delta", "fc_a1B2_0", 0, "1}"),
        ("function_call_arguments.done", "fc_a1B2_0", 0, '{"x":1}', "weather"),
        ("output_item.done", 0, {**first, "status": "completed", "arguments": '{"x":1}'}),
        ("output_item.added", 1, {**second, "status": "in_progress", "arguments": ""}),
        ("function_call_arguments.delta", "fc_a1B2_1", 1, "{}"),
        ("function_call_arguments.done", "fc_a1B2_1", 1, "{}", "find"),
        ("output_item.done", 1, {**second, "status": "completed", "arguments": "{}"}),
    ]


def test_a_call_without_arguments_still_has_an_object() -> None:
    data = stream(ToolStart(0, "call_a", "made_up"), CALLED)
    assert ("function_call_arguments.delta", "fc_a1B2_0", 0, "{}") in brief(data)
    assert item(data)["arguments"] == "{}"
    assert item(data)["name"] == "made_up"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input":"say \\"hi\\""}', 'say "hi"'), ('{"other":1}', '{"other":1}'), ("*** Begin", "*** Begin"), ("", "")],
)
def test_a_custom_tools_call_comes_back_as_the_text_it_takes(arguments: str, text: str) -> None:
    data = stream(ToolStart(0, "call_a", "patch"), ToolArguments(0, arguments), CALLED)
    custom = {"type": "custom_tool_call", "id": "ctc_a1B2_0", "call_id": "call_a", "name": "patch"}
    assert brief(data) == [
        ("output_item.added", 0, {**custom, "status": "in_progress", "input": ""}),
        ("custom_tool_call_input.delta", "ctc_a1B2_0", 0, text),
        ("custom_tool_call_input.done", "ctc_a1B2_0", 0, text),
        ("output_item.done", 0, {**custom, "status": "completed", "input": text}),
    ]
    calls = (ToolCall("call_a", "patch", arguments), ToolCall("call_b", "crm.note", '{"input":"x"}'))
    first, second = whole(Choice(tool_calls=calls))["output"]
    assert first == item(data)
    assert (second["name"], second["namespace"], second["input"]) == ("note", "crm", "x")


@pytest.mark.parametrize(
    ("finish", "kind", "why"),
    [
        (STOP, "completed", None),
        (CALLED, "completed", None),
        (None, "completed", None),
        (Finish(FinishReason.LENGTH), "incomplete", {"reason": "max_output_tokens"}),
        (Finish(FinishReason.CONTENT_FILTER), "incomplete", {"reason": "content_filter"}),
    ],
)
def test_how_it_ended(finish: Finish | None, kind: str, why: dict[str, str] | None) -> None:
    last = payloads(stream(Text("Hi"), *([finish] if finish else [])))[-1]
    for response in (last["response"], whole(Choice("Hi", finish=finish.reason if finish else None))):
        assert (response["status"], response["incomplete_details"]) == (kind, why)
        assert (response["completed_at"] is None) == (kind == "incomplete")
    assert last["type"] == f"response.{kind}"
    assert last["response"]["usage"] is None  # nobody told


def test_a_cut_answer_marks_what_was_cut_and_only_that() -> None:
    cut = Finish(FinishReason.LENGTH)
    data = stream(
        Reasoning("Hm"), ToolStart(0, "a", "weather"), ToolArguments(0, "{}"), ToolStart(1, "b", "weather"), cut
    )
    assert [item(data, n)["status"] for n in range(3)] == ["completed", "completed", "incomplete"]
    assert item(stream(Text("Hi"), cut))["status"] == "incomplete"
    choice = Choice("Hi", "Hm", (ToolCall("a", "weather", "{}"), ToolCall("b", "weather", '{"x')), FinishReason.LENGTH)
    assert [each["status"] for each in whole(choice)["output"]] == [
        "completed",
        "completed",
        "completed",
        "incomplete",
    ]


def test_other_choices_and_what_the_dialect_has_no_place_for_are_left_out() -> None:
    other: list[Event] = [Text("b", 1), Reasoning("b", 1), ToolStart(0, "b", "f", 1), ToolArguments(0, "b", 1)]
    nothing: list[Event] = [Logprobs({}), Timings(), Vector(0, ())]
    data = stream(*other, *nothing, Text("a"), Finish(FinishReason.LENGTH, 1), STOP)
    assert len(payloads(data)[-1]["response"]["output"]) == 1
    assert item(data)["content"][0]["text"] == "a"


def test_an_answer_without_choices_is_an_empty_response() -> None:
    response = json.loads(writer().whole(Answer(), 2.0))
    assert (response["output"], response["status"], response["usage"]) == ([], "completed", None)


def test_an_in_band_failure_is_raised_for_the_relay_to_decide() -> None:
    with pytest.raises(NodeFailed):
        writer().write([Failed(NodeFailed("The engine failed."))], 1.0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NodeFailed("Broke."), "server_error"),
        (QueueFull("Full.", retry_after_s=1), "server_error"),
        (RateLimited("Spent.", retry_after_s=1), "rate_limit_exceeded"),
        (BadRequest("Bad."), "invalid_prompt"),
        (ContextOverflow(9, 4), "context_length_exceeded"),
    ],
)
def test_a_failure_is_the_last_event_and_keeps_what_was_written(error: PotluckError, code: str) -> None:
    made = writer()
    data = made.open() + made.write([Reasoning("Hm"), Text("Hi")], 1.0) + made.fail(error, "req_1")
    last = payloads(data)[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {"code": code, "message": str(error)}
    assert [each["status"] for each in last["response"]["output"]] == ["completed", "incomplete"]
    empty = writer()
    assert payloads(empty.open() + empty.fail(error, "req_1"))[-1]["response"]["output"] == []


def test_silences_are_kept_alive_by_comments() -> None:
    assert (ResponseWriter.stream_type, ResponseWriter.keep_alive) == ("text/event-stream", b": ping\n\n")


@given(legal_events(), st.lists(st.integers(0, 4), max_size=5))
def test_any_legal_stream_has_items_in_a_row_and_ends_with_all_of_them(events: list[Event], sizes: list[int]) -> None:
    made = writer()
    batches = cut_up(events, sizes)
    data = made.open() + b"".join(made.write(batch, 1.0) for batch in batches) + made.close(1_700_000_009.9)
    assert data == stream(*events)  # reads from the engine may be of any size
    read = payloads(data)
    open_item: str | None = None
    done: list[dict[str, Any]] = []
    for event in read[2:-1]:
        match event["type"]:
            case "response.output_item.added":
                assert open_item is None
                assert event["output_index"] == len(done)
                open_item = event["item"]["id"]
            case "response.output_item.done":
                assert event["item"]["id"] == open_item
                done.append(event["item"])
                open_item = None
            case _:
                assert (event["item_id"], event["output_index"]) == (open_item, len(done))
    assert open_item is None
    assert read[-1]["response"]["output"] == done
    said = "".join(part["text"] for each in done if each["type"] == "message" for part in each["content"])
    assert said == collect(events).choices[0].text
