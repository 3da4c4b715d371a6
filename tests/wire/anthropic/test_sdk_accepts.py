"""Anthropic's own SDK reads what we write, over a transport that never leaves the process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given

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
from potluck.core.errors import ModelNotFound, NodeFailed, PotluckError, QueueFull
from potluck.wire.anthropic import read_count_tokens, read_messages, write_count, write_error
from potluck.wire.port import AnswerMeta
from tests.wire.legal_events import legal_events

ASKED: dict[str, Any] = {
    "model": "llama3.2",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hi"}],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
EVENTS: list[Event] = [
    Reasoning("Hm."),
    Text("I "),
    Text("look."),
    ToolStart(0, "call_a", "weather"),
    ToolArguments(0, '{"city":'),
    ToolStart(1, "call_b", "weather"),
    ToolArguments(1, '{"city":"Bonn"}'),
    ToolArguments(0, '"Ulm"}'),
    Finish(FinishReason.TOOL_CALLS),
    Usage(prompt=20, completion=9, cached=5),
]


def client(events: Sequence[Event], error: PotluckError | None = None, *, started: bool = True) -> anthropic.Anthropic:
    """A client of a Potluck that answers every request with ``events``, then breaks with ``error`` if there is one."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if error and not started:
            reply = write_error(error, "req_1")
            return httpx2.Response(reply.status, content=reply.body, headers=dict(reply.headers))
        if request.url.path.endswith("/count_tokens"):
            read_count_tokens(request.content)
            return httpx2.Response(200, content=write_count(7), headers={"content-type": "application/json"})
        ask = read_messages(request.content)
        writer = ask.writer(AnswerMeta("a1B2", ask.model, 1.0, prompt_tokens=31))
        if not ask.stream:
            body = writer.whole(collect(events), 2.0)
            return httpx2.Response(200, content=body, headers={"content-type": "application/json"})
        body = writer.keep_alive + writer.open() + writer.keep_alive + writer.write(events, 1.0) + writer.keep_alive
        body += writer.fail(error, "req_1") if error else writer.close(2.0)
        return httpx2.Response(200, content=body, headers={"content-type": writer.stream_type})

    transport = httpx2.MockTransport(answer)
    return anthropic.Anthropic(
        api_key="k", base_url="http://potluck", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


CONTENT = [
    ("thinking", "Hm."),
    ("text", "I look."),
    ("tool_use", ("call_a", "weather", {"city": "Ulm"})),
    ("tool_use", ("call_b", "weather", {"city": "Bonn"})),
]


def said(message: anthropic.types.Message) -> list[tuple[str, Any]]:
    blocks: list[tuple[str, Any]] = []
    for block in message.content:
        match block.type:
            case "text":
                blocks.append(("text", block.text))
            case "thinking":
                assert block.signature
                blocks.append(("thinking", block.thinking))
            case "tool_use":
                blocks.append(("tool_use", (block.id, block.name, block.input)))
    return blocks


def test_a_whole_message() -> None:
    message = client(EVENTS).messages.create(**ASKED)
    assert (message.id, message.model, message.stop_reason) == ("msg_a1B2", "llama3.2", "tool_use")
    assert said(message) == CONTENT
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (15, 5)


def test_raw_events() -> None:
    with client(EVENTS).messages.create(**ASKED, stream=True) as events:
        kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_the_streaming_helper_builds_the_same_message_as_the_whole_one() -> None:
    with client(EVENTS).messages.stream(**ASKED) as events:
        text = "".join(events.text_stream)
        message = events.get_final_message()
    assert text == "I look."
    assert said(message) == CONTENT
    assert message.usage.output_tokens == 9
    assert message.usage.input_tokens == 15


def test_beta_messages_as_claude_code_asks_for_them() -> None:
    asked = {**ASKED, "thinking": {"type": "adaptive"}}
    with client(EVENTS).beta.messages.stream(**asked, betas=["context-management-2025-06-27"]) as events:
        assert len(events.get_final_message().content) == len(CONTENT)


def test_counting() -> None:
    counted = client([]).messages.count_tokens(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert counted.input_tokens == 7


def test_an_error_in_the_middle_of_a_stream_is_raised() -> None:
    failing = client([Text("Hi")], NodeFailed("The engine failed."))
    with pytest.raises(anthropic.APIStatusError, match="engine failed"), failing.messages.stream(**ASKED) as events:
        events.get_final_message()


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ModelNotFound("m"), anthropic.NotFoundError),
        (QueueFull("Full.", retry_after_s=1), anthropic.InternalServerError),
    ],
)
def test_an_error_before_the_stream_is_of_its_class(error: PotluckError, raised: type[Exception]) -> None:
    with pytest.raises(raised) as caught:
        client([], error, started=False).messages.create(**ASKED)
    assert isinstance(caught.value, anthropic.APIStatusError)
    assert caught.value.request_id == "req_1"


@given(legal_events(well_formed=True))
def test_any_legal_stream_is_accepted_and_says_what_the_whole_answer_says(events: list[Event]) -> None:
    with client(events).messages.stream(**ASKED) as streamed:
        message = streamed.get_final_message()
    choice = collect(events).choices[0]
    blocks = said(message)
    assert "".join(text for kind, text in blocks if kind == "text") == choice.text
    assert "".join(text for kind, text in blocks if kind == "thinking") == choice.reasoning
    assert [value for kind, value in blocks if kind == "tool_use"] == [
        (call.id, call.name, json.loads(call.arguments)) for call in choice.tool_calls
    ]
