from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.call import (
    ChatCall,
    EmbedCall,
    EngineHints,
    FormatKind,
    ImagePart,
    InfillCall,
    LoadCall,
    Message,
    Role,
    Sampling,
    TextCall,
    TextPart,
    Thinking,
    Tool,
)
from potluck.core.errors import BadRequest
from potluck.wire.ollama.asks import read_chat, read_embed, read_embeddings, read_generate

PNG = "iVBORw0KGgo="


def chat(**fields: Any) -> ChatCall:
    sent = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **fields}
    call = read_chat(json.dumps(sent).encode()).call()
    assert isinstance(call, ChatCall)
    return call


def generate(**fields: Any) -> TextCall | InfillCall | LoadCall:
    call = read_generate(json.dumps({"model": "m", "prompt": "hello", **fields}).encode()).call()
    assert isinstance(call, TextCall | InfillCall | LoadCall)
    return call


def test_every_field_of_a_chat_finds_its_place() -> None:
    call = chat(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "USER", "content": "What is this?", "images": [PNG]},
            {"role": "assistant", "content": None, "thinking": "hm"},
        ],
        tools=[{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}],
        options={"temperature": 0.5, "num_ctx": 4096, "mirostat": 1},
        keep_alive="5m",
        truncate=False,
        logprobs=True,
        top_logprobs=3,
        shift=True,
    )
    assert call == ChatCall(
        "m",
        (
            Message(Role.SYSTEM, (TextPart("Be brief."),)),
            Message(Role.USER, (ImagePart(PNG), TextPart("What is this?"))),
            Message(Role.ASSISTANT, reasoning="hm"),
        ),
        tools=(Tool("f", "d", {"type": "object"}),),
        sampling=Sampling(temperature=0.5, logprobs=True, top_logprobs=3),
        hints=EngineHints(4096, 300.0, False, {"shift": True}, {"mirostat": 1}),
    )


def test_tool_results_without_ids_find_their_calls_by_name_then_by_order() -> None:
    f, g = {"function": {"name": "f", "arguments": {"a": 1}}}, {"function": {"name": "g", "arguments": {}}}
    call = chat(
        messages=[
            {"role": "assistant", "content": "", "tool_calls": [f, g, f]},
            {"role": "tool", "tool_name": "g", "content": "1"},
            {"role": "tool", "content": "2"},
            {"role": "tool", "tool_name": "f", "content": "3"},
            {"role": "tool", "tool_name": "f", "content": "4"},
        ]
    )
    first, second, third = call.messages[0].tool_calls
    assert len({first.id, second.id, third.id}) == 3
    results = [(message.tool_call_id, message.name) for message in call.messages[1:]]
    assert results == [(second.id, "g"), (first.id, "f"), (third.id, "f"), ("", "f")]


def test_ids_that_clients_give_are_kept() -> None:
    call = chat(
        messages=[
            {"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "1"},
            {"role": "tool", "tool_call_id": "strange", "content": "2"},
        ]
    )
    assert call.messages[0].tool_calls[0].id == "call_1"
    assert [(message.tool_call_id, message.name) for message in call.messages[1:]] == [("call_1", "f"), ("strange", "")]


def test_the_same_call_in_two_turns_has_two_ids() -> None:
    turn = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    one, other = chat(messages=[turn, turn]).messages
    assert one.tool_calls[0].id != other.tool_calls[0].id


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"a": [1, 2.50]}, '{"a": [1, 2.5]}'), ('{"a": 1}', '{"a": 1}'), (None, "{}"), ([1], "[1]")],
)
def test_arguments_become_the_text_that_was_sent(arguments: Any, text: str) -> None:
    call = chat(messages=[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}])
    assert call.messages[0].tool_calls[0].arguments == text


@pytest.mark.parametrize(
    ("think", "thinking"),
    [
        (None, Thinking()),
        (True, Thinking(True)),
        (False, Thinking(False)),
        ("low", Thinking(True, "low")),
        ("max", Thinking(True, "xhigh")),
    ],
)
def test_thinking_is_a_switch_or_a_degree(think: Any, thinking: Thinking) -> None:
    assert chat(think=think).thinking == thinking


@pytest.mark.parametrize(
    ("sent", "kind", "schema"),
    [
        (None, FormatKind.TEXT, None),
        ("", FormatKind.TEXT, None),
        ("json", FormatKind.JSON, None),
        ({"type": "object"}, FormatKind.SCHEMA, {"type": "object"}),
    ],
)
def test_format_is_nothing_json_or_a_schema(sent: Any, kind: FormatKind, schema: Any) -> None:
    call = chat(format=sent)
    assert (call.format.kind, call.format.schema) == (kind, schema)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"think": "harder"}, "think"),
        ({"format": "xml"}, "format"),
        ({"keep_alive": "long"}, "keep_alive"),
        ({"options": {"seed": "x"}}, "options.seed"),
        ({"messages": [{"role": "king", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "images": ["no base64!"]}]}, "messages[0].images[0]"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        chat(**fields)
    assert caught.value.param == param


def test_a_data_uri_is_an_image_too() -> None:
    call = chat(messages=[{"role": "user", "images": [f"data:image/png;base64,{PNG}"]}])
    assert call.messages[0].parts == (ImagePart(PNG, "image/png"),)


def test_a_generation_goes_through_the_template_unless_it_is_raw() -> None:
    templated = generate(system="s", template="t", images=[PNG], format="json", think=True, context=[1, 2])
    assert isinstance(templated, TextCall)
    assert (templated.prompts, templated.templated) == (("hello",), True)
    assert (templated.system, templated.template, templated.images) == ("s", "t", (ImagePart(PNG),))
    raw = generate(raw=True)
    assert isinstance(raw, TextCall)
    assert not raw.templated


def test_a_suffix_is_a_gap_to_fill_and_the_model_must_be_able_to() -> None:
    call = generate(suffix="after", options={"num_predict": 9})
    assert call == InfillCall("m", "hello", "after", strict=True, sampling=Sampling(max_tokens=9))


def test_embeddings_say_what_runs_the_model() -> None:
    sent = {"model": "m", "input": ["a", "b"], "dimensions": 64, "truncate": False, "options": {"num_ctx": 512}, "x": 1}
    call = read_embed(json.dumps(sent).encode()).call()
    assert call == EmbedCall("m", ("a", "b"), 64, True, EngineHints(512, truncate=False, extra={"x": 1}))
    old = read_embeddings(b'{"model":"m","prompt":"a","keep_alive":-1}').call()
    assert old == EmbedCall("m", ("a",), normalised=False, hints=EngineHints(keep_alive_s=-1.0))


@pytest.mark.parametrize("dimensions", [0, -1, None])
def test_a_number_of_dimensions_that_is_none_is_overlooked_as_by_ollama(dimensions: int | None) -> None:
    call = read_embed(json.dumps({"model": "m", "input": "a", "dimensions": dimensions}).encode()).call()
    assert isinstance(call, EmbedCall)
    assert call.dimensions is None


@pytest.mark.parametrize("value", [7, 0, False, {}, [7], ["a", None], [["a"]]])
def test_input_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(BadRequest, match="invalid input type"):
        read_embed(json.dumps({"model": "m", "input": value}).encode())
