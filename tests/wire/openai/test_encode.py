"""Calls become requests that any engine of the family reads, and reading them back gives the call."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import (
    AudioPart,
    ChatCall,
    EmbedCall,
    EngineHints,
    Format,
    FormatKind,
    ImagePart,
    InfillCall,
    Message,
    Role,
    Sampling,
    TextCall,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.tool_ids import made_up_id
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.openai.encode import (
    LLAMACPP,
    PLAIN,
    Habits,
    as_chat,
    encode_chat,
    encode_completion,
    encode_embedding,
    encode_infill,
)

HELLO = (Message(Role.USER, (TextPart("hi"),)),)


def encoded(call: ChatCall, *, stream: bool = False, habits: Habits = PLAIN) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode_chat(call, "q", stream=stream, habits=habits))
    return body


def said(*messages: Message) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = encoded(ChatCall("m", messages))["messages"]
    return told


def test_a_plain_chat_says_only_what_the_client_said() -> None:
    assert encode_chat(ChatCall("m", HELLO), "q", stream=False) == (
        b'{"model":"q","messages":[{"role":"user","content":"hi"}],"stream":false}'
    )


def test_a_stream_is_metered_unless_the_engine_cannot() -> None:
    call = ChatCall("m", HELLO)
    assert encoded(call, stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in encoded(call, stream=True, habits=Habits(stream_options=False))


def test_tools_and_their_choice() -> None:
    tools = (Tool("a", "d", {"type": "object"}, strict=True), Tool("b"))
    call = ChatCall("m", HELLO, tools, ToolChoice(ToolMode.NAMED, "a"), parallel_tool_calls=False)
    body = encoded(call)
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "a", "parameters": {"type": "object"}, "description": "d", "strict": True},
        },
        {"type": "function", "function": {"name": "b", "parameters": {}}},
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "a"}}
    assert body["parallel_tool_calls"] is False
    assert encoded(replace(call, tool_choice=ToolChoice(ToolMode.REQUIRED)))["tool_choice"] == "required"


def test_formats() -> None:
    json_object, schema = Format(FormatKind.JSON), Format(FormatKind.SCHEMA, {"type": "object"})
    assert encoded(ChatCall("m", HELLO, format=json_object))["response_format"] == {"type": "json_object"}
    assert encoded(ChatCall("m", HELLO, format=schema))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}},
    }


def test_thinking_goes_by_effort_and_for_llamacpp_by_the_template() -> None:
    def told(thinking: Thinking, habits: Habits) -> tuple[Any, Any]:
        body = encoded(ChatCall("m", HELLO, thinking=thinking), habits=habits)
        return body.get("reasoning_effort"), body.get("chat_template_kwargs")

    assert told(Thinking(), LLAMACPP) == (None, None)
    assert told(Thinking(True), PLAIN) == (None, None)
    assert told(Thinking(True), LLAMACPP) == (None, {"enable_thinking": True})
    assert told(Thinking(False), PLAIN) == ("none", None)
    assert told(Thinking(False), LLAMACPP) == ("none", {"enable_thinking": False})
    assert told(Thinking(True, "low"), PLAIN) == ("low", None)
    assert told(Thinking(True, "low"), LLAMACPP) == ("low", {"enable_thinking": True, "reasoning_effort": "low"})


def test_unknown_fields_go_with_it_but_never_overrule() -> None:
    extra: dict[str, Any] = {"grammar": "g", "stream": 5, "chat_template_kwargs": {"x": 1, "enable_thinking": False}}
    call = ChatCall("m", HELLO, thinking=Thinking(True), hints=EngineHints(extra=extra))
    body = encoded(call, habits=LLAMACPP)
    assert (body["grammar"], body["stream"]) == ("g", False)
    assert body["chat_template_kwargs"] == {"enable_thinking": False, "x": 1}
    assert encoded(call)["chat_template_kwargs"] == extra["chat_template_kwargs"]


def test_calls_without_ids_and_their_results_find_each_other() -> None:
    ids = [made_up_id(0, 0, "f", "{}"), made_up_id(0, 1, "g")]
    calls = (ToolCall("", "f", "{}"), ToolCall("", "g", ""), ToolCall("x", "h", "{broken"))
    told = said(
        Message(Role.ASSISTANT, tool_calls=calls),
        Message(Role.TOOL, (TextPart("3"),), tool_call_id="x"),
        Message(Role.TOOL, (TextPart("1"),), name="f"),
        Message(Role.TOOL, (TextPart("2"),)),
        Message(Role.TOOL, (TextPart("?"),), name="lost"),
    )
    assert told[0]["content"] is None
    assert [call["id"] for call in told[0]["tool_calls"]] == [*ids, "x"]
    assert [call["function"]["arguments"] for call in told[0]["tool_calls"]] == ["{}", "{}", "{broken"]
    assert [message["tool_call_id"] for message in told[1:]] == ["x", *ids, made_up_id(4, 0, "lost")]
    assert [message.get("name") for message in told[1:]] == [None, "f", None, "lost"]


def test_images_in_a_tools_result_follow_as_a_users() -> None:
    image = ImagePart("iVBORw0KGgo=")
    assert said(Message(Role.TOOL, (TextPart("see"), image), tool_call_id="x")) == [
        {"role": "tool", "tool_call_id": "x", "content": "see"},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}],
        },
    ]


def test_text_is_a_string_and_anything_else_keeps_its_order() -> None:
    text = Message(Role.SYSTEM, (TextPart("a"), TextPart("b")), name="n")
    mixed = Message(Role.USER, (TextPart("a"), AudioPart("QUJD", "mp3"), TextPart("b")))
    assert said(text, mixed, Message(Role.ASSISTANT, (TextPart("c"),), reasoning="r")) == [
        {"role": "system", "content": "ab", "name": "n"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
                {"type": "text", "text": "b"},
            ],
        },
        {"role": "assistant", "content": "c", "reasoning_content": "r"},
    ]


def test_a_completion() -> None:
    call = TextCall("m", ("a",), echo=True, sampling=Sampling(logprobs=True, top_logprobs=2), choices=2)
    assert encode_completion(call, "q", stream=False) == (
        b'{"model":"q","prompt":"a","logprobs":2,"n":2,"stream":false}'
    )
    call = TextCall("m", ("a", (1, 2)), format=Format(FormatKind.JSON))
    assert json.loads(encode_completion(call, "q", stream=True, habits=LLAMACPP)) == {
        "model": "q",
        "prompt": ["a", [1, 2]],
        "response_format": {"type": "json_object"},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_infill() -> None:
    call = InfillCall("m", "a", "c", prompt="b", sampling=Sampling(max_tokens=5, logit_bias={"1": 2.0}, stop=("x",)))
    assert json.loads(encode_infill(call, "q", stream=False)) == {
        "model": "q",
        "prompt": "ab",
        "suffix": "c",
        "max_tokens": 5,
        "stop": ["x"],
        "logit_bias": {"1": 2.0},
        "stream": False,
    }


def test_an_embedding() -> None:
    call = EmbedCall("m", ("a", (1, 2)), dimensions=8, hints=EngineHints(extra={"user": "u", "model": "no"}))
    assert encode_embedding(call, "q") == (
        b'{"user":"u","model":"q","input":["a",[1,2]],"encoding_format":"float","dimensions":8}'
    )


def test_a_templated_text_is_a_conversation() -> None:
    image = ImagePart("QUJD")
    text = TextCall("m", ("p",), templated=True, system="s", images=(image,), thinking=Thinking(True), choices=2)
    assert as_chat(text) == ChatCall(
        "m",
        (Message(Role.SYSTEM, (TextPart("s"),)), Message(Role.USER, (TextPart("p"), image))),
        thinking=Thinking(True),
        choices=2,
    )
    assert as_chat(TextCall("m", ("p",))).messages == (Message(Role.USER, (TextPart("p"),)),)


# --- Round trips ---------------------------------------------------------------------------------------------------

_words = st.text(min_size=1, max_size=6)
_floats = st.none() | st.floats(0, 2, allow_nan=False)
_counts = st.none() | st.integers(0, 2**40)
_samplings = st.builds(
    Sampling,
    max_tokens=_counts,
    temperature=_floats,
    top_p=_floats,
    top_k=_counts,
    min_p=_floats,
    seed=_counts,
    stop=st.lists(_words, max_size=2).map(tuple),
    presence_penalty=_floats,
    frequency_penalty=_floats,
    repeat_penalty=_floats,
    logit_bias=st.dictionaries(_words, st.floats(-100, 100), max_size=2),
    logprobs=st.just(True),
    top_logprobs=st.integers(0, 20),
)
_parts = st.one_of(
    st.builds(TextPart, _words),
    st.just(ImagePart("iVBORw0KGgo=", "image/png")),
    st.just(AudioPart("QUJD", "wav")),
)
_content = st.one_of(
    st.just(()),
    st.builds(TextPart, _words).map(lambda part: (part,)),
    # With something beside text the parts stay apart.
    st.lists(_parts, max_size=3).map(lambda parts: (ImagePart("iVBORw0KGgo=", "image/png"), *parts)),
)
_calls = st.builds(ToolCall, id=_words, name=_words, arguments=_words)
_messages = st.one_of(
    st.builds(Message, st.sampled_from([Role.SYSTEM, Role.USER]), _content, name=st.text(max_size=4)),
    st.builds(
        Message,
        st.just(Role.ASSISTANT),
        _content,
        reasoning=st.text(max_size=4),
        tool_calls=st.lists(_calls, max_size=2).map(tuple),
    ),
    st.builds(
        Message, st.just(Role.TOOL), _words.map(lambda text: (TextPart(text),)), tool_call_id=_words, name=st.text()
    ),
)
_tools = st.builds(Tool, _words, st.text(max_size=4), st.just({"type": "object"}), st.none() | st.booleans())
_formats = st.sampled_from([Format(), Format(FormatKind.JSON), Format(FormatKind.SCHEMA, {"type": "object"}, "n")])
_hints = st.builds(EngineHints, extra=st.dictionaries(st.sampled_from(["user", "grammar", "x"]), st.text(), max_size=2))
_chats = st.builds(
    ChatCall,
    model=st.just("q"),
    messages=st.lists(_messages, min_size=1, max_size=4).map(tuple),
    tools=st.lists(_tools, max_size=2).map(tuple),
    format=_formats,
    thinking=st.sampled_from([Thinking(), Thinking(True, "low"), Thinking(False, "none")]),
    sampling=_samplings,
    choices=st.integers(1, 4),
    hints=_hints,
)


@given(_chats, st.booleans())
def test_reading_an_encoded_chat_gives_the_call_again(call: ChatCall, stream: bool) -> None:
    ask = read_chat(encode_chat(call, "q", stream=stream))
    assert ask.call() == call
    assert ask.stream is stream
    assert encode_chat(ask.call(), "q", stream=stream) == encode_chat(call, "q", stream=stream)


@given(
    st.lists(st.text() | st.lists(st.integers(0, 9), min_size=1).map(tuple), min_size=2, max_size=3).map(tuple),
    _samplings,
    st.integers(1, 4),
)
def test_reading_an_encoded_completion_gives_the_call_again(
    prompts: tuple[str | tuple[int, ...], ...], sampling: Sampling, choices: int
) -> None:
    # Said nowhere, the limit is the dialect's.
    sampling = replace(sampling, max_tokens=sampling.max_tokens if sampling.max_tokens is not None else 16)
    call = TextCall("q", prompts, sampling=sampling, choices=choices)
    assert read_completion(encode_completion(call, "q", stream=True)).call() == call


@given(st.lists(_words, min_size=1, max_size=3).map(tuple), st.none() | st.integers(1, 4096))
def test_reading_an_encoded_embedding_gives_the_call_again(inputs: tuple[str, ...], dimensions: int | None) -> None:
    call = EmbedCall("q", inputs, dimensions)
    assert read_embedding(encode_embedding(call, "q")).call() == call
