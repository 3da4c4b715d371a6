"""Responses requests as calls: what is kept, what moves, what is refused and where."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import (
    AudioPart,
    ChatCall,
    EngineHints,
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
from potluck.wire.port import Ask, Shape
from potluck.wire.responses import read_responses
from tests.wire.odd_json import odd_bodies

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n0123").decode()
IMAGE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
PICTURE = ImagePart(PNG, "image/png")
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "name": "weather", "description": "Looks out.", "parameters": SCHEMA, "strict": True}
WEB_SEARCH = {"type": "web_search", "filters": {"allowed_domains": ["x"]}}
CUSTOM_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


def ask(items: Any = "Hi", **fields: Any) -> Ask:
    return read_responses(json.dumps({"model": "m", "input": items, **fields}).encode())


def call(items: Any = "Hi", **fields: Any) -> ChatCall:
    made = ask(items, **fields).call()
    assert isinstance(made, ChatCall)
    return made


def message(role: str, *parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def user(*texts: str) -> Message:
    return Message(Role.USER, tuple(TextPart(text) for text in texts))


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(BadRequest) as caught:
        run()
    return caught.value.param


CALLED = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Ulm"}'}
RETURNED = {"type": "function_call_output", "call_id": "call_1", "output": "Sun"}


def test_the_least_request_is_a_call() -> None:
    made = ask()
    assert made.call() == ChatCall("m", (user("Hi"),))
    assert (made.shape, made.model, made.stream) == (Shape.OPENAI_RESPONSES, "m", False)
    assert made.needs == {Capability.COMPLETION}
    assert not made.untouchable


def test_instructions_lead_and_limits_are_read() -> None:
    made = ask(instructions="Be.", stream=True, max_output_tokens=9, temperature=0, top_p=0.5, truncation="auto")
    assert made.stream
    assert made.call() == ChatCall(
        "m",
        (Message(Role.SYSTEM, (TextPart("Be."),)), user("Hi")),
        sampling=Sampling(max_tokens=9, temperature=0, top_p=0.5),
        hints=EngineHints(truncate=True),
    )
    assert call(truncation="disabled").hints == EngineHints()


def test_unknown_fields_are_ignored_everywhere() -> None:
    odd = {"later": [1], "status": "completed"}
    items = [{**message("user", {"type": "input_text", "text": "Hi", **odd}), **odd}]
    assert call(items, tools=[{**TOOL, **odd}], include=["x"], store=True, client_metadata={}).messages == (user("Hi"),)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"input": [message("robot", "Hi")]}, "input[0].content[0]"),
        ({"input": [{"role": "robot", "content": "Hi"}]}, "input[0].role"),
        ({"input": [message("user", {"type": "hologram"})]}, "input[0].content[0]"),
        ({"input": [message("user", {"type": "input_audio"})]}, "input[0].content[0]"),
        ({"input": [message("user", {"type": "input_image", "file_id": "f"})]}, "input[0].content[0].image_url"),
        ({"input": [message("user", {"type": "input_file", "file_id": "f"})]}, "input[0].content[0].file_data"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom"}]}]}, "tools[0].tools[0].name"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"reasoning": {"effort": "heroic"}}, "reasoning.effort"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], param: str) -> None:
    assert refused(lambda: read_responses(json.dumps({"model": "m", "input": "Hi", **fields}).encode())) == param


def test_what_needs_a_store_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadRequest, match=r"stored here\. Send the whole conversation in 'input'"):
        ask(previous_response_id="resp_1")


# --- Items ---------------------------------------------------------------------------------------------------------


def test_messages_of_all_roles_with_and_without_their_type() -> None:
    items = [
        {"role": "developer", "content": "Be."},
        {"role": "system", "content": [{"type": "input_text", "text": "Do."}]},
        message("user", {"type": "input_text", "text": "Hi"}, {"type": "text", "text": " you"}),
        message("assistant", {"type": "output_text", "text": "Yes"}, {"type": "refusal", "refusal": "No"}),
        message("user"),
    ]
    assert call(items).messages == (
        Message(Role.SYSTEM, (TextPart("Be."),)),
        Message(Role.SYSTEM, (TextPart("Do."),)),
        user("Hi", " you"),
        Message(Role.ASSISTANT, (TextPart("Yes"), TextPart("No"))),
    )


def test_images_and_sound_are_kept() -> None:
    items = [
        message(
            "user",
            IMAGE,
            {"type": "input_image", "image_url": "https://example.org/cat.png"},
            {"type": "image_url", "image_url": {"url": IMAGE["image_url"]}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        )
    ]
    made = ask(items)
    parts = (PICTURE, ImagePart(url="https://example.org/cat.png"), PICTURE, AudioPart("UklGRg==", "wav"))
    assert made.call() == ChatCall("m", (Message(Role.USER, parts),))
    assert Capability.VISION in made.needs


@pytest.mark.parametrize("prefix", ["", "data:text/plain;base64,"])
def test_text_files_become_text(prefix: str) -> None:
    data = prefix + base64.b64encode(b"Es war.").decode()
    named = message("user", {"type": "input_file", "filename": "tale.txt", "file_data": data})
    assert call([named]).messages == (user('<document title="tale.txt">\nEs war.\n</document>\n'),)
    nameless = message("user", {"type": "input_file", "file_data": data})
    assert call([nameless]).messages == (user("<document>\nEs war.\n</document>\n"),)


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"\xff\xfe", b""])
def test_other_files_are_refused_with_a_way_out(data: bytes) -> None:
    file = {"type": "input_file", "filename": "x.pdf", "file_data": base64.b64encode(data).decode()}
    with pytest.raises(BadRequest, match="pages as images"):
        call([message("user", file)])


def test_an_assistants_items_in_a_row_are_one_message() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Rain?"}]},
        message("assistant", {"type": "output_text", "text": "I look."}),
        message("assistant", {"type": "output_text", "text": "Twice."}),
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        CALLED,
        {"type": "function_call", "call_id": "call_2", "name": "weather", "arguments": ""},
        RETURNED,
        {**RETURNED, "call_id": "call_2", "output": [{"type": "input_text", "text": "Rain"}]},
    ]
    calls = (ToolCall("call_1", "weather", '{"city":"Ulm"}'), ToolCall("call_2", "weather", "{}"))
    said = (TextPart("I look."), TextPart("\n\n"), TextPart("Twice."))
    assert call(items).messages[1:] == (
        Message(Role.ASSISTANT, said, reasoning="Rain?", tool_calls=calls),
        Message(Role.TOOL, (TextPart("Sun"),), tool_call_id="call_1", name="weather"),
        Message(Role.TOOL, (TextPart("Rain"),), tool_call_id="call_2", name="weather"),
    )


def test_full_reasoning_is_taken_before_its_summary_and_dropped_where_nothing_follows() -> None:
    full = [{"type": "reasoning_text", "text": "a"}, {"type": "reasoning_text", "text": "b"}]
    items = [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "s"}], "content": full},
        CALLED,
        RETURNED,
        {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "gAAA"},
        {"role": "user", "content": "Well?"},
    ]
    messages = call(items).messages
    assert messages[0].reasoning == "a\nb"
    assert [each.role for each in messages] == [Role.ASSISTANT, Role.TOOL, Role.USER]


def test_images_in_tool_results_move_behind_all_the_results() -> None:
    items = [
        CALLED,
        {**CALLED, "call_id": "call_2"},
        {**RETURNED, "output": [IMAGE]},
        {**RETURNED, "call_id": "call_2", "output": [{"type": "input_text", "text": "Two"}, IMAGE]},
    ]
    shown = Message(Role.USER, (PICTURE, PICTURE))
    messages = call(items).messages
    assert [each.text for each in messages[1:3]] == ["The result is in the images of the next message.", "Two"]
    assert messages[3:] == (shown,)
    question = {"role": "user", "content": "And?"}
    assert call([*items, question]).messages[3:] == (Message(Role.USER, (PICTURE, PICTURE, TextPart("And?"))),)
    for next_item in (
        message("assistant", {"type": "output_text", "text": "A"}),
        {"role": "system", "content": "A"},
        CALLED,
        {"type": "reasoning", "summary": []},
    ):
        assert call([*items, next_item]).messages[3] == shown


def test_items_of_openais_own_tools_are_dropped() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
        {"type": "tool_search_call", "arguments": {"q": 1}},
        {"type": "something_new", "content": None},
    ]
    assert call(items).messages == (user("Hi"),)


def test_an_output_that_is_an_object_or_without_its_call_is_an_empty_result() -> None:
    output = {"type": "function_call_output", "output": {"odd": 1}}
    assert call([output]).messages == (Message(Role.TOOL, (TextPart(""),)),)


def test_custom_and_namespaced_calls_go_back_as_the_functions_they_were() -> None:
    items = [
        {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": 'say "hi"'},
        {"type": "function_call", "call_id": "c2", "namespace": "crm", "name": "find", "arguments": "{}"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
        {"type": "function_call_output", "call_id": "c2", "output": "found"},
    ]
    assistant, patched, found = call(items).messages
    assert assistant.tool_calls == (
        ToolCall("c1", "patch", '{"input":"say \\"hi\\""}'),
        ToolCall("c2", "crm.find", "{}"),
    )
    assert (patched.name, found.name) == ("patch", "crm.find")


# --- Tools, format, reasoning --------------------------------------------------------------------------------------

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: A"}
SPECS = [
    TOOL,
    WEB_SEARCH,
    {"type": "custom", "name": "patch", "description": "Patches.", "format": GRAMMAR},
    {"type": "custom", "name": "note", "format": {"type": "text"}},
    {"type": "custom", "name": "bare", "format": GRAMMAR},
    {"type": "namespace", "name": "crm", "description": "d", "tools": [{"type": "function", "name": "find"}]},
    {"type": "namespace", "name": "empty", "description": "d"},
]
PATCH = Tool("patch", "Patches.\n\nThe input must match this lark grammar:\nstart: A", CUSTOM_PARAMETERS)
BARE = Tool("bare", "The input must match this lark grammar:\nstart: A", CUSTOM_PARAMETERS)
WEATHER = Tool("weather", "Looks out.", SCHEMA, strict=True)
FIND = Tool("crm.find")


def test_custom_tools_and_namespaces_are_functions_and_openais_own_tools_are_ignored() -> None:
    made = ask(tools=SPECS, parallel_tool_calls=False)
    read = made.call()
    assert isinstance(read, ChatCall)
    assert read.tools == (WEATHER, PATCH, Tool("note", "", CUSTOM_PARAMETERS), BARE, FIND)
    assert read.parallel_tool_calls is False
    assert Capability.TOOLS in made.needs
    assert ask(tools=[WEB_SEARCH]).needs == {Capability.COMPLETION}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice()),
        (None, ToolChoice()),
        ("none", ToolChoice(ToolMode.NONE)),
        ("required", ToolChoice(ToolMode.REQUIRED)),
        ({"type": "function", "name": "weather"}, ToolChoice(ToolMode.NAMED, "weather")),
        ({"type": "custom", "name": "patch"}, ToolChoice(ToolMode.NAMED, "patch")),
        ({"type": "function", "name": "find", "namespace": "crm"}, ToolChoice(ToolMode.NAMED, "crm.find")),
    ],
)
def test_tool_choices(choice: Any, expected: ToolChoice) -> None:
    made = call(tools=SPECS, tool_choice=choice)
    assert made.tool_choice == expected
    assert len(made.tools) == 5


def test_allowed_tools_leave_the_others_out() -> None:
    listed = [{"type": "function", "name": "weather"}, {"type": "namespace", "name": "crm"}, {"type": "web_search"}]
    made = call(tools=SPECS, tool_choice={"type": "allowed_tools", "mode": "required", "tools": listed})
    assert made.tools == (WEATHER, FIND)
    assert made.tool_choice == ToolChoice(ToolMode.REQUIRED)
    assert call(tools=SPECS, tool_choice={"type": "allowed_tools", "mode": "auto"}).tools == ()


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "web_search"},
        {"type": "mcp", "server_label": "x"},
        {"type": "function", "name": "weather"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
    ],
)
def test_forcing_a_tool_that_is_not_here_is_refused(choice: Any) -> None:
    assert refused(lambda: call(tools=[WEB_SEARCH], tool_choice=choice)) == "tool_choice"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Format()),
        ({"verbosity": "low"}, Format()),
        ({"format": {"type": "text"}}, Format()),
        ({"format": {"type": "json_object"}}, Format(FormatKind.JSON)),
        (
            {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
            Format(FormatKind.SCHEMA, SCHEMA, "n"),
        ),
        ({"format": {"type": "json_schema", "schema": SCHEMA}}, Format(FormatKind.SCHEMA, SCHEMA)),
    ],
)
def test_formats(text: Any, expected: Format) -> None:
    assert call(text=text).format == expected


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (None, Thinking()),
        ({"summary": "auto"}, Thinking()),
        ({"effort": "none"}, Thinking(False, "none")),
        ({"effort": "medium"}, Thinking(None, "medium")),
        ({"effort": "max"}, Thinking(None, "xhigh")),
    ],
)
def test_efforts(reasoning: Any, expected: Thinking) -> None:
    assert call(reasoning=reasoning).thinking == expected


# --- What nobody should send ---------------------------------------------------------------------------------------


def test_bytes_that_are_no_text_are_refused_in_what_is_only_repeated() -> None:
    assert refused(lambda: read_responses(b'{"model":"m","input":"Hi","metadata":{"a":"\xff"}}')) == "metadata"


KEYS = (
    "model input role content type text id call_id name namespace arguments output summary tools tool_choice "
    "mode format schema parameters definition image_url url file_data input_audio data refusal reasoning "
    "effort"
)
VALUES = (
    "message user assistant input_text output_text input_image input_file input_audio function_call "
    "custom_tool_call function_call_output reasoning function custom namespace allowed_tools required auto f "
    "http://x"
)


@given(odd_bodies(KEYS, VALUES), st.booleans())
def test_odd_requests_are_read_or_refused_and_nothing_else(odd: bytes, framed: bool) -> None:
    body = odd
    if framed:
        parts = {"role": "user", "content": [json.loads(odd)]}
        body = json.dumps({"model": "m", "input": [json.loads(odd), parts]}).encode()
    with contextlib.suppress(BadRequest):
        read_responses(body)
