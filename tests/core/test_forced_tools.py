from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import (
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolArguments,
    ToolStart,
    Usage,
    collect,
)
from potluck.core.call import (
    ChatCall,
    FormatKind,
    Message,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import BadRequest, NodeFailed
from potluck.core.forced_tools import ForcedToolEvents, force
from potluck.core.model import Json

WEATHER = Tool(
    "weather",
    "The weather in a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)
# As Pydantic writes a model that refers to another, and to itself.
TREE = Tool(
    "plant",
    "",
    {
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {
                    "kind": {"enum": ["oak", {"$ref": "#/$defs/Node"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                },
                "required": ["kind"],
            }
        },
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/Node"}},
        "required": ["root"],
    },
)
RECURSIVE = Tool(
    "count",
    "",
    {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "next": {"$ref": "#"}, "twin": {"$ref": "#/properties/n"}},
        "required": ["n"],
        "additionalProperties": False,
    },
)
OTHER_TREE = Tool(
    "fell",
    "",
    {
        "definitions": {"Node": {"type": "integer"}},
        "type": "object",
        "properties": {"root": {"$ref": "#/definitions/Node"}},
        "required": ["root"],
    },
)
USER = Message(Role.USER, (TextPart("hello"),))
REQUIRED = ToolChoice(ToolMode.REQUIRED)


def a_call(*tools: Tool, choice: ToolChoice = REQUIRED, messages: tuple[Message, ...] = (USER,)) -> ChatCall:
    return ChatCall("m", messages, tools=tools, tool_choice=choice)


def accepts(call: ChatCall, value: Json) -> bool:
    assert isinstance(call.format.schema, dict)
    return jsonschema.Draft202012Validator(call.format.schema).is_valid(value)


def test_a_call_that_forces_nothing_stays_the_same() -> None:
    call = a_call(WEATHER, choice=ToolChoice())
    assert force(call) is call


def test_one_tool_becomes_exactly_its_call() -> None:
    forced = force(a_call(WEATHER))
    assert forced.tools == ()
    assert not forced.tool_choice.forced
    assert forced.format.kind is FormatKind.SCHEMA
    assert forced.format.schema == {
        "type": "object",
        "properties": {"name": {"const": "weather"}, "arguments": WEATHER.parameters},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def test_the_schema_lists_the_name_before_the_arguments() -> None:
    text = json.dumps(force(a_call(WEATHER)).format.schema)
    assert text.index('"name"') < text.index('"arguments"')


def test_a_tool_without_parameters_takes_any_object() -> None:
    assert accepts(force(a_call(Tool("ping"))), {"name": "ping", "arguments": {}})
    assert not accepts(force(a_call(Tool("ping"))), {"name": "ping", "arguments": 1})


def test_only_the_named_tool_may_be_called() -> None:
    forced = force(a_call(WEATHER, TREE, choice=ToolChoice(ToolMode.NAMED, "weather")))
    assert accepts(forced, {"name": "weather", "arguments": {"city": "Bern"}})
    assert not accepts(forced, {"name": "plant", "arguments": {"root": {"kind": "oak"}}})


@pytest.mark.parametrize("choice", [ToolChoice(ToolMode.NAMED, "nobody"), REQUIRED])
def test_a_tool_that_is_not_there_cannot_be_forced(choice: ToolChoice) -> None:
    tools = (WEATHER,) if choice.name else ()
    with pytest.raises(BadRequest) as caught:
        force(a_call(*tools, choice=choice))
    assert caught.value.param == "tool_choice"


def test_references_resolve_from_the_root_for_one_tool() -> None:
    forced = force(a_call(TREE))
    assert accepts(forced, {"name": "plant", "arguments": {"root": {"kind": "oak", "children": [{"kind": "oak"}]}}})
    assert not accepts(forced, {"name": "plant", "arguments": {"root": {"kind": "elm"}}})


def test_what_only_looks_like_a_reference_is_data() -> None:
    schema = force(a_call(TREE, RECURSIVE)).format.schema
    assert '{"$ref": "#/$defs/Node"}' in json.dumps(schema)


def test_definitions_of_one_name_in_two_tools_stay_apart() -> None:
    forced = force(a_call(TREE, OTHER_TREE, RECURSIVE))
    assert accepts(forced, {"name": "plant", "arguments": {"root": {"kind": "oak"}}})
    assert accepts(forced, {"name": "fell", "arguments": {"root": 7}})
    assert not accepts(forced, {"name": "fell", "arguments": {"root": {"kind": "oak"}}})
    assert not accepts(forced, {"name": "plant", "arguments": {"root": 7}})


@pytest.mark.parametrize("tools", [(RECURSIVE,), (RECURSIVE, WEATHER)])
def test_a_schema_may_refer_to_the_whole_of_itself(tools: tuple[Tool, ...]) -> None:
    forced = force(a_call(*tools))
    assert accepts(forced, {"name": "count", "arguments": {"n": 1, "next": {"n": 2}, "twin": 3}})
    assert not accepts(forced, {"name": "count", "arguments": {"n": 1, "next": {"n": "two"}}})
    assert not accepts(forced, {"name": "count", "arguments": {"n": 1, "twin": "three"}})


def test_the_tools_are_explained_in_the_one_system_message() -> None:
    system = Message(Role.SYSTEM, (TextPart("Be brief."),))
    with_system = force(a_call(WEATHER, messages=(system, USER))).messages
    assert [message.role for message in with_system] == [Role.SYSTEM, Role.USER]
    assert with_system[0].text.startswith("Be brief.\n\n")
    assert '"The weather in a city"' in with_system[0].text
    without = force(a_call(WEATHER)).messages
    assert [message.role for message in without] == [Role.SYSTEM, Role.USER]


def read(
    text: str, *tools: Tool, reason: FinishReason = FinishReason.STOP, pieces: int = 1
) -> tuple[list[Event], tuple[ToolCall, ...]]:
    filtered = ForcedToolEvents.of(a_call(*(tools or (WEATHER,))))
    size = max(1, -(-len(text) // pieces))
    events: list[Event] = []
    for start in range(0, len(text), size):
        events += filtered.feed([Text(text[start : start + size])])
    events += filtered.feed([Finish(reason), Usage(1, 2)])
    events += filtered.end()
    return events, collect(events).choices[0].tool_calls


def test_the_text_becomes_a_tool_call_with_the_arguments_as_written() -> None:
    events, calls = read('{"name": "weather", "arguments": {"city":  "Bern", "n": 1.50}}')
    (call,) = calls
    assert (call.name, call.arguments) == ("weather", '{"city":  "Bern", "n": 1.50}')
    assert call.id.startswith("call_")
    assert [type(event) for event in events] == [ToolStart, ToolArguments, Finish, Usage]
    assert events[2] == Finish(FinishReason.TOOL_CALLS)


@given(st.integers(1, 70))
def test_the_pieces_of_the_text_do_not_matter(pieces: int) -> None:
    text = '{"name":"weather","arguments":{"city":"Zürich"}}'
    assert read(text, pieces=pieces) == read(text)


def test_a_call_cut_short_ends_with_length_and_the_arguments_that_came() -> None:
    events, (call,) = read('{"name": "weather", "arguments": {"city": "Be', reason=FinishReason.LENGTH)
    assert call.arguments == '{"city": "Be'
    assert Finish(FinishReason.LENGTH) in events


def test_a_call_cut_before_its_arguments_is_a_call_without_any() -> None:
    events, (call,) = read('{"name": "weather", "arguments": ', reason=FinishReason.LENGTH)
    assert (call.name, call.arguments) == ("weather", "")
    assert Finish(FinishReason.LENGTH) in events


@pytest.mark.parametrize(
    "text",
    [
        '{"arguments": {"city": "Bern"}, "name": "weather"}',
        'Sure!\n```json\n{"name": "weather", "arguments": {"city": "Bern"}}\n```',
        '{"city": "Bern"}',
    ],
)
def test_an_engine_that_heeds_the_schema_badly_is_understood_all_the_same(text: str) -> None:
    _, (call,) = read(text)
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Bern"})


@pytest.mark.parametrize(
    "text",
    [
        "I cannot do that.",
        '{"name": "weath',
        '{"name": "nobody", "arguments": {}}',
        '{"name": "weather", "arguments": 7}',
        '{"name": "\\ud8',
        "{{{",
        '["weather"]',
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    events, calls = read(text)
    assert calls == ()
    assert events[:2] == [Text(text), Finish(FinishReason.STOP)]


def test_bare_arguments_are_nobodys_with_two_tools() -> None:
    _, calls = read('{"city": "Bern"}', WEATHER, TREE)
    assert calls == ()


def test_an_empty_answer_just_ends() -> None:
    events, _ = read("")
    assert events == [Finish(FinishReason.STOP), Usage(1, 2)]


def test_reasoning_and_failures_pass_at_once() -> None:
    filtered = ForcedToolEvents.of(a_call(WEATHER))
    failed = Failed(NodeFailed("broken"))
    assert filtered.feed([Reasoning("hm"), Text("{"), failed]) == [Reasoning("hm"), failed]
    assert filtered.end() == [Text("{")]
    assert filtered.end() == []


def test_choices_are_kept_apart() -> None:
    filtered = ForcedToolEvents.of(a_call(WEATHER))
    text = '{"name":"weather","arguments":{"city":"%s"}}'
    events = filtered.feed(
        [Text(text % "Bern", 0), Text(text % "Chur", 1), Finish(FinishReason.STOP, 1), Finish(FinishReason.STOP, 0)]
    )
    answers = collect(events).choices
    assert [choice.tool_calls[0].arguments for choice in answers] == ['{"city":"Bern"}', '{"city":"Chur"}']
    assert answers[0].tool_calls[0].id != answers[1].tool_calls[0].id
