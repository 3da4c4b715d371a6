"""OpenAI's own SDK reads what we write, over a transport that never leaves the process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from pydantic import BaseModel

from potluck.core.answer import (
    Event,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolArguments,
    ToolStart,
    Usage,
    collect,
)
from potluck.core.errors import ModelNotFound, NodeFailed, PotluckError
from potluck.wire.openai.errors import write_error
from potluck.wire.port import AnswerMeta
from potluck.wire.responses import read_responses
from tests.wire.legal_events import legal_events

TOOLS: list[Any] = [
    {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}, "strict": False},
    {"type": "custom", "name": "patch"},
    {"type": "namespace", "name": "crm", "description": "d", "tools": [{"type": "function", "name": "find"}]},
]
ASKED: dict[str, Any] = {"model": "llama3.2", "input": "Hi", "tools": TOOLS, "metadata": {"a": "b"}}
EVENTS: list[Event] = [
    Reasoning("Hm."),
    Text("I "),
    Text("look."),
    ToolStart(0, "call_a", "weather"),
    ToolArguments(0, '{"city":'),
    ToolStart(1, "call_b", "patch"),
    ToolStart(2, "call_c", "crm.find"),
    ToolArguments(2, '{"city":"Bonn"}'),
    ToolArguments(1, '{"input":"x"}'),
    ToolArguments(0, '"Ulm"}'),
    Finish(FinishReason.TOOL_CALLS),
    Usage(prompt=20, completion=9, cached=5, reasoning=2),
]
SAID = [
    ("reasoning", "Hm."),
    ("message", "I look."),
    ("function_call", ("call_a", "weather", None, '{"city":"Ulm"}')),
    ("custom_tool_call", ("call_b", "patch", "x")),
    ("function_call", ("call_c", "find", "crm", '{"city":"Bonn"}')),
]


def client(events: Sequence[Event], error: PotluckError | None = None, *, started: bool = True) -> openai.OpenAI:
    """A client of a Potluck that answers every request with ``events``, then breaks with ``error`` if there is one."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if error and not started:
            reply = write_error(error, "req_1")
            return httpx2.Response(reply.status, content=reply.body, headers=dict(reply.headers))
        ask = read_responses(request.content)
        writer = ask.writer(AnswerMeta("a1B2", ask.model, 1.0))
        if not ask.stream:
            body = writer.whole(collect(events), 2.0)
            return httpx2.Response(200, content=body, headers={"content-type": "application/json"})
        body = writer.open() + writer.keep_alive + writer.write(events, 1.0) + writer.keep_alive
        body += writer.fail(error, "req_1") if error else writer.close(2.0)
        return httpx2.Response(200, content=body, headers={"content-type": writer.stream_type})

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(
        api_key="k", base_url="http://potluck/v1", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def said(response: Any) -> list[tuple[str, Any]]:
    items: list[tuple[str, Any]] = []
    for item in response.output:
        match item.type:
            case "reasoning":
                items.append((item.type, "".join(part.text for part in item.summary)))
            case "message":
                items.append((item.type, "".join(part.text for part in item.content)))
            case "function_call":
                items.append((item.type, (item.call_id, item.name, item.namespace, item.arguments)))
            case _:
                items.append((item.type, (item.call_id, item.name, item.input)))
    return items


def test_a_whole_response() -> None:
    response = client(EVENTS).responses.create(**ASKED)
    assert (response.id, response.model, response.status) == ("resp_a1B2", "llama3.2", "completed")
    assert said(response) == SAID
    assert response.output_text == "I look."
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens == 5
    assert response.metadata == {"a": "b"}
    # The SDK builds what it gets without checking; here every field must be of the declared type.
    type(response).model_validate(response.model_dump(by_alias=True), strict=False)


def test_raw_events_are_all_of_known_types() -> None:
    with client(EVENTS).responses.create(**ASKED, stream=True) as events:
        read = list(events)
    assert [event.sequence_number for event in read] == list(range(len(read)))
    for event in read:
        type(event).model_validate(event.model_dump(by_alias=True))


def test_the_streaming_helper_builds_the_same_response_as_the_whole_one() -> None:
    with client(EVENTS).responses.stream(**ASKED) as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        response = events.get_final_response()
    assert text == "I look."
    assert said(response) == SAID


class Town(BaseModel):
    name: str


def test_parsed_output() -> None:
    events: list[Event] = [Text('{"name":'), Text('"Ulm"}'), Finish(FinishReason.STOP)]
    parsed = client(events).responses.parse(model="m", input="Hi", text_format=Town)
    assert parsed.output_parsed == Town(name="Ulm")
    with client(events).responses.stream(model="m", input="Hi", text_format=Town) as streamed:
        assert streamed.get_final_response().output_parsed == Town(name="Ulm")


def test_a_cut_answer_is_incomplete() -> None:
    cut: list[Event] = [Text("Hi"), Finish(FinishReason.LENGTH)]
    assert client(cut).responses.create(**ASKED).status == "incomplete"
    with client(cut).responses.stream(**ASKED) as events:
        last = list(events)[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"


def test_an_error_in_the_middle_of_a_stream_is_a_failed_response() -> None:
    with client([Text("Hi")], NodeFailed("The engine failed.")).responses.stream(**ASKED) as events:
        last = list(events)[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert (last.response.error.code, last.response.error.message) == ("server_error", "The engine failed.")
    assert last.response.output_text == "Hi"


def test_an_error_before_the_stream_is_of_its_class() -> None:
    with pytest.raises(openai.NotFoundError):
        client([], ModelNotFound("m"), started=False).responses.create(**ASKED)


@given(legal_events())
def test_any_legal_stream_is_accepted_and_says_what_the_whole_answer_says(events: list[Event]) -> None:
    with client(events).responses.stream(**ASKED) as streamed:
        last = list(streamed)[-1]
    assert last.type in ("response.completed", "response.incomplete")
    items = said(last.response)
    choice = collect(events).choices[0]
    assert "".join(text for kind, text in items if kind == "message") == choice.text
    assert "".join(text for kind, text in items if kind == "reasoning") == choice.reasoning
    for (_, call), sent in zip([i for i in items if i[0] == "function_call"], choice.tool_calls, strict=True):
        # Only what comes behind a closing brace may be missing.
        assert (sent.arguments or "{}").startswith(call[3])
        assert call[:2] == (sent.id, sent.name)


@given(legal_events(well_formed=True))
def test_well_formed_arguments_arrive_whole(events: list[Event]) -> None:
    response = client(events).responses.create(**ASKED)
    calls = [json.loads(value[3]) for kind, value in said(response) if kind == "function_call"]
    assert calls == [json.loads(call.arguments) for call in collect(events).choices[0].tool_calls]
