"""Chat requests: what is refused at the door, what goes through untouched, and what call they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.call import (
    AudioPart,
    ChatCall,
    Format,
    FormatKind,
    ImagePart,
    Message,
    Role,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import BadRequest
from potluck.core.model import JsonObject
from potluck.wire.openai.asks import ChatAsk, read_chat

HELLO = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "get", "description": "d", "parameters": {"type": "object"}}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def ask(**fields: Any) -> ChatAsk:
    return read_chat(json.dumps({"model": "m", "messages": HELLO, **fields}).encode())


def call(**fields: Any) -> ChatCall:
    return ask(**fields).call()


def messages(*said: dict[str, Any]) -> tuple[Message, ...]:
    return call(messages=list(said)).messages


def parts(*content: Any) -> ChatAsk:
    return ask(messages=[{"role": "user", "content": list(content)}])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"content": ""}]}, "messages[0].role"),
        ({"messages": [*HELLO, {"role": "user", "content": 5}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "messages[0].content[0]"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"reasoning_effort": "furious"}, "reasoning_effort"),
        ({"n": 0}, "n"),
        ({"stop": 5}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"function": {"name": "other"}}}, "tool_choice"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ],
)
def test_bad_requests_are_refused_at_the_door_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ask(**fields)
    assert caught.value.param == param


def test_a_request_without_messages_is_refused() -> None:
    with pytest.raises(BadRequest, match="missing required field `messages`"):
        read_chat(b'{"model":"m"}')


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x", ""])
@pytest.mark.parametrize("bare", [False, True])
def test_links_that_are_neither_data_nor_http_are_refused_at_the_door(url: str, bare: bool) -> None:
    with pytest.raises(BadRequest) as caught:
        parts({"type": "text", "text": "x"}, {"type": "image_url", "image_url": url if bare else {"url": url}})
    assert caught.value.param == "messages[0].content[1].image_url"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "data:;base64,!"}]}]},
            "messages[0].content[0].image_url",
        ),
        ({"tools": [TOOL, {"type": "web_search"}]}, "tools[1].type"),
        ({"top_logprobs": 1.5}, "top_logprobs"),
        ({"seed": 1.5}, "seed"),
        ({"keep_alive": "soon"}, "keep_alive"),
    ],
)
def test_what_only_shows_when_everything_is_read_is_refused_then(fields: dict[str, Any], param: str) -> None:
    read = ask(**fields)
    with pytest.raises(BadRequest) as caught:
        read.call()
    assert caught.value.param == param


def test_roles_of_all_ages_are_known() -> None:
    roles = ["system", "developer", "user", "assistant", "tool", "function"]
    read = messages(*({"role": role, "content": "x"} for role in roles))
    assert [message.role for message in read] == [
        Role.SYSTEM,
        Role.SYSTEM,
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.TOOL,
    ]


def test_content_of_every_form() -> None:
    read = messages(
        {"role": "user", "content": None},
        {"role": "user"},
        {"role": "user", "content": ""},
        {"role": "user", "content": "a"},
        {
            "role": "user",
            "name": "joe",
            "content": [
                "b",
                {"type": "text", "text": "c"},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                {"type": "image_url", "image_url": "https://h/x.png"},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
                {"type": "refusal", "refusal": "no"},
            ],
        },
    )
    assert [message.parts for message in read[:4]] == [(), (), (), (TextPart("a"),)]
    assert read[4] == Message(
        Role.USER,
        (
            TextPart("b"),
            TextPart("c"),
            ImagePart(data_b64="iVBORw0KGgo=", media_type="image/png"),
            ImagePart(url="https://h/x.png"),
            AudioPart("QUJD", "mp3"),
            TextPart("no"),
        ),
        name="joe",
    )


def test_a_round_of_tool_calls_is_read_back() -> None:
    read = messages(
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{broken"}},
                {"function": {"name": "g", "arguments": {"x": 1}}},
                {"id": "c"},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "42"},
        {"role": "assistant", "reasoning": "so", "function_call": {"name": "h", "arguments": "{}"}},
        {"role": "function", "name": "h", "content": "43"},
        {"role": "assistant", "reasoning": [1], "content": "x", "tool_calls": None},
    )
    assert read == (
        Message(
            Role.ASSISTANT,
            reasoning="hm",
            tool_calls=(ToolCall("a", "f", "{broken"), ToolCall("", "g", '{"x":1}'), ToolCall("c", "", "")),
        ),
        Message(Role.TOOL, (TextPart("42"),), tool_call_id="a"),
        Message(Role.ASSISTANT, reasoning="so", tool_calls=(ToolCall("", "h", "{}"),)),
        Message(Role.TOOL, (TextPart("43"),), name="h"),
        Message(Role.ASSISTANT, (TextPart("x"),)),
    )


def test_tools_are_read() -> None:
    read = call(tools=[TOOL, {"function": {"name": "b", "strict": True}}], parallel_tool_calls=False)
    assert read.tools == (Tool("get", "d", {"type": "object"}), Tool("b", strict=True))
    assert read.parallel_tool_calls is False


@pytest.mark.parametrize(
    ("said", "choice"),
    [
        (None, ToolChoice()),
        ("", ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice(ToolMode.NONE)),
        ("required", ToolChoice(ToolMode.REQUIRED)),
        ("any", ToolChoice(ToolMode.REQUIRED)),
        ({"type": "function", "function": {"name": "get"}}, ToolChoice(ToolMode.NAMED, "get")),
        ({"type": "allowed_tools"}, ToolChoice()),
    ],
)
def test_tool_choices(said: Any, choice: ToolChoice) -> None:
    read = ask(tools=[TOOL], tool_choice=said)
    assert read.call().tool_choice == choice
    assert read.untouchable is (choice.mode is ToolMode.AUTO)
    assert read.needs == read.call().needs


SCHEMA: JsonObject = {"type": "object"}
NAMED_SCHEMA: JsonObject = {"name": "n", "strict": True, "schema": SCHEMA}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, Format()),
        ({"response_format": {"type": "text"}}, Format()),
        ({"response_format": {"type": "json_object"}}, Format(FormatKind.JSON)),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, Format(FormatKind.SCHEMA, SCHEMA)),
        ({"response_format": {"type": "json_schema", "schema": SCHEMA}}, Format(FormatKind.SCHEMA, SCHEMA)),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "strict": True, "schema": SCHEMA},
                }
            },
            Format(FormatKind.SCHEMA, SCHEMA, "n"),
        ),
        ({"json_schema": SCHEMA}, Format(FormatKind.SCHEMA, SCHEMA)),
        ({"format": SCHEMA}, Format(FormatKind.SCHEMA, SCHEMA)),
        ({"format": "json"}, Format(FormatKind.JSON)),
        ({"format": ""}, Format()),
    ],
)
def test_formats_of_three_dialects(fields: dict[str, Any], wanted: Format) -> None:
    assert call(**fields).format == wanted


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({}, Thinking()),
        ({"reasoning_effort": "low"}, Thinking(True, "low")),
        ({"reasoning_effort": "none"}, Thinking(False, "none")),
        ({"reasoning": {"effort": "max"}}, Thinking(True, "xhigh")),
        ({"reasoning": {"enabled": True}}, Thinking(True)),
        ({"think": "high"}, Thinking(True, "high")),
        ({"think": False}, Thinking(False)),
        ({"chat_template_kwargs": {"enable_thinking": False}}, Thinking(False)),
        ({"chat_template_kwargs": {"enable_thinking": "no"}}, Thinking()),
        ({"chat_template_kwargs": []}, Thinking()),
    ],
)
def test_thinking_may_be_asked_for_in_many_ways(fields: dict[str, Any], thinking: Thinking) -> None:
    assert call(**fields).thinking == thinking


def test_logprobs_and_choices() -> None:
    read = call(logprobs=True, top_logprobs=3, n=2)
    assert (read.sampling.logprobs, read.sampling.top_logprobs, read.choices) == (True, 3, 2)


def test_every_optional_field_may_be_null() -> None:
    fields = [name for name in ask().request.__struct_encode_fields__ if name not in {"model", "messages"}]
    assert call(**dict.fromkeys(fields)) == call()
    nulls = dict.fromkeys(["content", "name", "tool_calls", "tool_call_id", "function_call", "reasoning_content"])
    assert messages({"role": "user", **nulls}) == (Message(Role.USER),)


def test_unknown_fields_are_kept_for_engines() -> None:
    extra = {"grammar": "g", "mirostat": 1, "chat_template_kwargs": {"x": 1}, "reasoning_format": "none", "user": "u"}
    assert call(**extra).hints.extra == extra


@pytest.mark.parametrize(
    ("fields", "untouchable"),
    [
        ({}, True),
        ({"tools": [TOOL]}, True),
        ({"reasoning_effort": "low", "grammar": "g"}, True),
        ({"messages": [{"role": "developer", "content": "x"}]}, False),
        ({"messages": [{"role": "function", "content": "x"}]}, False),
        ({"messages": [{"role": "user", "content": ["x"]}]}, False),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, True),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}]}, True),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": PNG}]}]}, False),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://h"}}]}]}, False),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}]}, False),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": ""}}]}]}, True),
        # Another engine's way to name a link that it would fetch by itself.
        ({"messages": [{"role": "user", "content": [{"type": "video_url", "text": "x", "video_url": "u"}]}]}, False),
        ({"messages": [{"role": "user", "content": [{"text": "x", "video_url": "u"}]}]}, False),
        # llama.cpp's own places for a schema, which others overlook.
        ({"response_format": {"type": "json_schema", "schema": {"type": "object"}}}, False),
        ({"response_format": {"type": "json_object", "schema": {"type": "object"}}}, False),
        ({"json_schema": {"type": "object"}}, False),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}}, True),
        ({"response_format": {"type": "json_object"}}, True),
        ({"think": False}, False),
        ({"options": {"top_k": 1}}, False),
        ({"format": "json"}, False),
        ({"reasoning": {"effort": "low"}}, False),
    ],
)
def test_only_what_every_engine_understands_goes_through_untouched(fields: dict[str, Any], untouchable: bool) -> None:
    assert ask(**fields).untouchable is untouchable
