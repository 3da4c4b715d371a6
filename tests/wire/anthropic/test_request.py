"""Anthropic's requests as calls: what is kept, what moves, what is refused and where."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Reasoning
from potluck.core.call import (
    ChatCall,
    Format,
    FormatKind,
    ImagePart,
    Message,
    Role,
    Sampling,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import BadRequest
from potluck.core.model import Capability
from potluck.wire.anthropic import read_count_tokens, read_messages, write_count
from potluck.wire.port import AnswerMeta, Ask, Shape
from tests.wire.odd_json import odd_bodies

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n0123").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"name": "weather", "description": "Looks out.", "input_schema": SCHEMA}
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}


def ask(messages: Any = "Hi", **fields: Any) -> Ask:
    turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return read_messages(json.dumps({"model": "m", "max_tokens": 9, "messages": turns, **fields}).encode())


def call(messages: Any = "Hi", **fields: Any) -> ChatCall:
    made = ask(messages, **fields).call()
    assert isinstance(made, ChatCall)
    return made


def content(*blocks: Any, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": list(blocks)}]


def user(*texts: str) -> Message:
    return Message(Role.USER, tuple(TextPart(text) for text in texts))


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(BadRequest) as caught:
        run()
    return caught.value.param


def test_the_least_request_is_a_call() -> None:
    made = ask()
    assert made.call() == ChatCall("m", (user("Hi"),), sampling=Sampling(max_tokens=9))
    assert (made.shape, made.model, made.stream) == (Shape.ANTHROPIC_MESSAGES, "m", False)
    assert made.generations == 1
    assert made.body.startswith(b"{")
    assert made.needs == {Capability.COMPLETION}


def test_the_bytes_never_go_to_an_engine() -> None:
    made = ask()
    assert not made.untouchable
    with pytest.raises(AssertionError, match="No engine speaks this shape"):
        made.passed("other")
    with pytest.raises(AssertionError, match="No engine speaks this shape"):
        made.passage(AnswerMeta("x", "m", 0.0))


def test_sampling_stops_and_stream_are_read() -> None:
    fields = {"temperature": 0, "top_p": 0.5, "top_k": 7, "stop_sequences": ["END"], "stream": True}
    assert ask(**fields).stream
    assert call(**fields).sampling == Sampling(max_tokens=9, temperature=0, top_p=0.5, top_k=7, stop=("END",))


def test_unknown_fields_and_cache_control_are_ignored_everywhere() -> None:
    odd = {"cache_control": {"type": "ephemeral"}, "later": [1]}
    turns = [{"role": "user", "content": [{"type": "text", "text": "Hi", **odd}], **odd}]
    made = call(
        turns,
        system=[{"type": "text", "text": "Be", **odd}],
        tools=[{**TOOL, **odd}],
        context_management={"edits": []},
        mcp_servers=[],
        metadata={"user_id": "u"},
        service_tier="auto",
    )
    assert made.messages == (Message(Role.SYSTEM, (TextPart("Be"),)), user("Hi"))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": content({"text": "no type"})}, "messages[0].content[0].type"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "perhaps"}}, "tool_choice.type"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], param: str) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **fields}
    assert refused(lambda: read_messages(json.dumps(body).encode())) == param


def test_max_tokens_is_required_for_messages_but_not_for_counting() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}'
    assert refused(lambda: read_messages(body)) == "max_tokens"
    counted = read_count_tokens(body)
    assert not counted.stream
    assert counted.call() == ChatCall("m", (user("Hi"),))
    assert write_count(12) == b'{"input_tokens":12}'


# --- Turns ---------------------------------------------------------------------------------------------------------


def test_system_blocks_are_joined_as_paragraphs_without_the_billing_header() -> None:
    blocks = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=00000;"},
        {"type": "text", "text": "Be kind."},
        {"type": "text", "text": ""},
        {"type": "text", "text": "Be brief."},
    ]
    assert call(system=blocks).messages[0] == Message(Role.SYSTEM, (TextPart("Be kind.\n\nBe brief."),))
    assert call(system="Be.").messages[0].text == "Be."
    assert call(system="").messages == (user("Hi"),)


def test_a_system_turn_in_the_middle_stays_where_it_is() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Yes"},
    ]
    assert [message.role for message in call(turns).messages] == [Role.USER, Role.SYSTEM, Role.ASSISTANT]


def test_images_are_kept_and_ask_for_vision() -> None:
    url = {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.png"}}
    data = {"type": "image", "source": {"type": "url", "url": f"data:image/png;base64,{PNG}"}}
    made = ask(content(IMAGE, url, data, {"type": "text", "text": "What?"}))
    image = ImagePart(PNG, "image/png")
    expected = (image, ImagePart(url="https://example.org/cat.png"), image, TextPart("What?"))
    assert made.call().messages == (Message(Role.USER, expected),)  # type: ignore[union-attr]
    assert Capability.VISION in made.needs


@pytest.mark.parametrize(
    ("source", "param"),
    [
        ({"type": "file", "file_id": "file_1"}, "source"),
        ({"type": "url", "url": "file:///etc/passwd"}, "source.url"),
        ({"type": "base64", "media_type": "image/png", "data": "?"}, "source.data"),
        ("text", "source"),
    ],
)
def test_an_image_that_cannot_be_read_is_refused(source: Any, param: str) -> None:
    assert refused(lambda: call(content({"type": "image", "source": source}))) == f"messages[0].content[0].{param}"


def test_text_documents_become_text() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "Once."}
    inner = {"type": "content", "content": [{"type": "text", "text": "Twice."}, IMAGE]}
    made = call(
        content(
            {"type": "document", "source": plain, "title": "Tale", "context": "Old."},
            {"type": "document", "source": inner},
            {"type": "document", "source": {"type": "content", "content": "Thrice."}},
        )
    )
    message = made.messages[0]
    assert message.text == (
        '<document title="Tale">\nOld.\nOnce.\n</document>\n'
        "<document>\nTwice.\n</document>\n"
        "<document>\nThrice.\n</document>\n"
    )
    assert ImagePart(PNG, "image/png") in message.parts


def test_pdfs_are_refused_with_a_way_out() -> None:
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    with pytest.raises(BadRequest, match="pages as images") as caught:
        call(content(pdf))
    assert caught.value.param == "messages[0].content[0].source"


def test_search_results_become_text_with_their_origin() -> None:
    result = {"type": "search_result", "source": "https://x", "title": "X", "content": [{"type": "text", "text": "Y"}]}
    assert call(content(result)).messages[0].text == "X (https://x)\nY"


def test_server_tools_blocks_are_dropped_whatever_they_hold() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        *content({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, role="assistant"),
        *content(
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]},
            {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"type": "r", "stdout": ""}},
            {"type": "text", "text": "Found."},
            role="assistant",
        ),
        *content({"type": "container_upload", "file_id": "f"}),
    ]
    assert call(turns).messages == (user("Hi"), Message(Role.ASSISTANT, (TextPart("Found."),)))


def test_thinking_and_tool_use_are_an_assistants_message() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        *content(
            {"type": "thinking", "thinking": "Rain?", "signature": "abc"},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm", "n": 1.50}},
            {"type": "tool_use", "id": "toolu_2", "name": "weather"},
            role="assistant",
        ),
    ]
    calls = (ToolCall("toolu_1", "weather", '{"city": "Ulm", "n": 1.5}'), ToolCall("toolu_2", "weather", "{}"))
    assert call(turns).messages[1] == Message(
        Role.ASSISTANT, (TextPart("I look."),), reasoning="Rain?", tool_calls=calls
    )


USED = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}


def test_tool_results_come_first_and_their_images_move_behind_them() -> None:
    turns = [
        *content(USED, role="assistant"),
        *content(
            {"type": "text", "text": "And?"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Sun"}, IMAGE]},
            {"type": "tool_result", "tool_use_id": "toolu_9", "content": "Rain"},
        ),
    ]
    assert call(turns).messages[1:] == (
        Message(Role.TOOL, (TextPart("Sun"),), tool_call_id="toolu_1", name="weather"),
        Message(Role.TOOL, (TextPart("Rain"),), tool_call_id="toolu_9"),
        Message(Role.USER, (ImagePart(PNG, "image/png"), TextPart("And?"))),
    )


def test_a_result_of_images_alone_says_where_they_are() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]}
    tool, shown = call(content(result)).messages
    assert tool.text == "The result is in the images of the next message."
    assert shown == Message(Role.USER, (ImagePart(PNG, "image/png"),))


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"content": "No such city", "is_error": True}, "Error: No such city"),
        ({"content": "Sun", "is_error": False}, "Sun"),
        ({"is_error": True}, "Error: "),
        ({}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
    ],
)
def test_a_failed_tool_is_said_in_words(result: dict[str, Any], text: str) -> None:
    (message,) = call(content({"type": "tool_result", "tool_use_id": "t", **result})).messages
    assert message.text == text


@pytest.mark.parametrize(
    ("role", "block", "param"),
    [
        ("user", USED, "messages[0].content[0]"),
        ("assistant", {"type": "tool_result", "tool_use_id": "t"}, "messages[0].content[0]"),
        ("assistant", {**USED, "input": "{}"}, "messages[0].content[0].input"),
    ],
)
def test_a_block_in_the_wrong_place_is_refused(role: str, block: dict[str, Any], param: str) -> None:
    assert refused(lambda: call(content(block, role=role))) == param


# --- Tools, format, thinking ---------------------------------------------------------------------------------------


def test_functions_are_kept_and_anthropics_own_tools_ignored() -> None:
    made = ask(tools=[TOOL, WEB_SEARCH, {"type": "custom", "name": "f", "input_schema": {}, "strict": True}])
    expected = (Tool("weather", "Looks out.", SCHEMA), Tool("f", "", {}, strict=True))
    assert made.call().tools == expected  # type: ignore[union-attr]
    assert Capability.TOOLS in made.needs
    assert ask(tools=[WEB_SEARCH]).needs == {Capability.COMPLETION}


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice(), False),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice(ToolMode.REQUIRED), True),
        ({"type": "tool", "name": "weather"}, ToolChoice(ToolMode.NAMED, "weather"), None),
        ({"type": "none"}, ToolChoice(ToolMode.NONE), None),
    ],
)
def test_tool_choices(choice: dict[str, Any], expected: ToolChoice, parallel: bool | None) -> None:
    made = call(tools=[TOOL], tool_choice=choice)
    assert (made.tool_choice, made.parallel_tool_calls) == (expected, parallel)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "web_search"}])
def test_forcing_a_tool_that_is_not_here_is_refused(choice: dict[str, Any]) -> None:
    assert refused(lambda: call(tools=[WEB_SEARCH], tool_choice=choice)) == "tool_choice"


def test_a_schema_is_a_format_in_both_of_its_places() -> None:
    wanted = {"type": "json_schema", "schema": SCHEMA}
    expected = Format(FormatKind.SCHEMA, SCHEMA)
    assert call(output_config={"format": wanted}).format == expected
    assert call(output_format=wanted).format == expected
    assert call(output_config={"effort": "low"}).format == Format()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Thinking()),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, Thinking(None, "low")),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, Thinking(None, "medium")),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, Thinking(None, "high")),
        ({"thinking": {"type": "enabled"}, "output_config": {"effort": "high"}}, Thinking(None, "high")),
        ({"thinking": {"type": "between_tools"}}, Thinking()),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, Thinking(False)),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, Thinking(None, "xhigh")),
        ({"output_config": {"effort": "medium"}}, Thinking(None, "medium")),
        ({"output_config": {"effort": "heroic"}}, Thinking()),
    ],
)
def test_thinking_and_effort(fields: dict[str, Any], expected: Thinking) -> None:
    assert call(**fields).thinking == expected


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 2048}, True),
        ({"type": "adaptive"}, True),
        ({"type": "adaptive", "display": "summarized"}, True),
        ({"type": "adaptive", "display": "omitted"}, False),
    ],
)
def test_only_who_asked_for_thinking_is_shown_it(thinking: dict[str, Any] | None, shown: bool) -> None:
    writer = ask(thinking=thinking).writer(AnswerMeta("x", "m", 0.0))
    assert (b"Hm" in writer.write([Reasoning("Hm")], 1.0)) == shown


# --- What nobody should send ---------------------------------------------------------------------------------------


def test_documents_in_documents_are_refused_before_they_get_deep() -> None:
    plain = {"type": "document", "source": {"type": "text", "data": "x"}}
    nested = {"type": "document", "source": {"type": "content", "content": [plain]}}
    assert refused(lambda: call(content(nested))) == "messages[0].content[0].source.content[0]"
    result = {"type": "search_result", "source": "s", "title": "t", "content": [plain]}
    assert refused(lambda: call(content(result))) == "messages[0].content[0].content[0]"


def test_bytes_that_are_no_text_are_refused_in_a_tools_input_too() -> None:
    body = json.dumps(
        {"model": "m", "max_tokens": 9, "messages": content({**USED, "input": {"a": "?"}}, role="assistant")}
    )
    assert refused(lambda: read_messages(body.encode().replace(b"?", b"\xff"))) == "messages[0].content[0].input"


KEYS = (
    "model max_tokens messages role content type text source data url media_type input name id tool_use_id "
    "is_error thinking title context system tools input_schema tool_choice output_config format schema effort"
)
VALUES = (
    "user assistant text image document content base64 url tool_use tool_result thinking search_result enabled "
    "any auto tool json_schema f http://x"
)


@given(odd_bodies(KEYS, VALUES), st.booleans())
def test_odd_requests_are_read_or_refused_and_nothing_else(odd: bytes, framed: bool) -> None:
    body = odd
    if framed:
        turns = [{"role": role, "content": [json.loads(odd)]} for role in ("user", "assistant")]
        body = json.dumps({"model": "m", "max_tokens": 1, "messages": turns}).encode()
    with contextlib.suppress(BadRequest):
        read_messages(body)


def test_what_a_call_needs_of_its_context_is_told() -> None:
    ask = read_messages(b'{"model":"m","max_tokens":7,"messages":[{"role":"user","content":"a"}]}')
    assert (ask.answer_tokens, ask.options, ask.may_cut, ask.opening) == (7, {}, False, ("a",))
