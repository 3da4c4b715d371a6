from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from potluck.core.answer import Finish, FinishReason, ToolArguments, ToolStart, collect
from potluck.core.call import (
    AudioPart,
    Call,
    ChatCall,
    EmbedCall,
    EngineHints,
    Format,
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
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import BadRequest, Unsupported
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.ollama.asks import OllamaAsk, read_chat, read_embed, read_embeddings, read_generate
from potluck.wire.ollama.requests import encode_infill, engine_request
from potluck.wire.port import EngineRequest

MODEL = Model(ModelId("llama3.2:latest"))
CODER = Model(ModelId("coder:7b"), frozenset({Capability.COMPLETION, Capability.INSERT}))
EMBEDDER = Model(ModelId("nomic:latest"), frozenset({Capability.EMBEDDING}))
USER = Message(Role.USER, (TextPart("hello"),))
WEATHER = Tool("weather", "d", {"type": "object", "properties": {"city": {"type": "string"}}})


def sent(call: Call, model: Model = MODEL, *, stream: bool = True) -> tuple[str, dict[str, Any]]:
    request = engine_request(call, model, stream=stream)
    return request.path, json.loads(request.body)


def test_a_chat_is_encoded_whole() -> None:
    call = ChatCall(
        "asked",
        (
            Message(Role.SYSTEM, (TextPart("Be "), TextPart("brief."))),
            Message(Role.USER, (TextPart("What?"), ImagePart("aWNvbg=="))),
            Message(Role.ASSISTANT, reasoning="hm", tool_calls=(ToolCall("call_1", "weather", '{"city":"Bern"}'),)),
            Message(Role.TOOL, (TextPart("sunny"),), tool_call_id="call_1"),
        ),
        tools=(WEATHER,),
        format=Format(FormatKind.SCHEMA, schema={"type": "object"}),
        thinking=Thinking(True, "high"),
        sampling=Sampling(max_tokens=9, temperature=0.5, logprobs=True, top_logprobs=2, logit_bias={"1": 1.0}),
        hints=EngineHints(num_ctx=3000, keep_alive_s=-1.0, truncate=False),
        choices=3,
    )
    path, body = sent(call, replace(MODEL, loaded_context=4096))
    assert path == "/api/chat"
    assert body == {
        "model": "llama3.2:latest",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What?", "images": ["aWNvbg=="]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "hm",
                "tool_calls": [{"id": "call_1", "function": {"name": "weather", "arguments": {"city": "Bern"}}}],
            },
            {"role": "tool", "content": "sunny", "tool_name": "weather", "tool_call_id": "call_1"},
        ],
        "stream": True,
        "keep_alive": -1,
        "truncate": False,
        "format": {"type": "object"},
        "think": "high",
        "options": {"num_predict": 9, "temperature": 0.5, "num_ctx": 4096},
        "logprobs": True,
        "top_logprobs": 2,
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "d", "parameters": WEATHER.parameters}}
        ],
    }


def test_a_bare_chat_says_nothing_but_itself() -> None:
    assert sent(ChatCall("m", (USER,)), stream=False)[1] == {
        "model": "llama3.2:latest",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": False,
    }


def test_malformed_arguments_in_a_history_are_no_reason_to_fail() -> None:
    history = Message(Role.ASSISTANT, tool_calls=(ToolCall("c", "f", '{"a":'),))
    _, body = sent(ChatCall("m", (USER, history)))
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"_malformed": '{"a":'}


def test_tools_that_may_not_be_called_are_left_out() -> None:
    assert "tools" not in sent(ChatCall("m", (USER,), tools=(WEATHER,), tool_choice=ToolChoice(ToolMode.NONE)))[1]


def test_a_forced_tool_call_is_asked_for_by_schema_and_comes_back_as_a_call() -> None:
    call = ChatCall("m", (USER,), tools=(WEATHER,), tool_choice=ToolChoice(ToolMode.NAMED, "weather"))
    request = engine_request(call, MODEL, stream=True)
    body = json.loads(request.body)
    assert "tools" not in body
    assert body["format"]["properties"]["name"] == {"const": "weather"}
    answer = {"message": {"content": '{"name":"weather","arguments":{"city":"Bern"}}'}, "done": True}
    start, arguments, finish = request.reader.whole(json.dumps(answer).encode())
    assert isinstance(start, ToolStart)
    assert start.name == "weather"
    assert arguments == ToolArguments(0, '{"city":"Bern"}')
    assert finish == Finish(FinishReason.TOOL_CALLS)


def test_a_forced_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadRequest):
        engine_request(ChatCall("m", (USER,), tool_choice=ToolChoice(ToolMode.REQUIRED)), MODEL, stream=True)


@pytest.mark.parametrize(
    ("thinking", "can", "think"),
    [
        (Thinking(), True, None),
        (Thinking(True), False, True),
        (Thinking(False, "high"), True, False),
        (Thinking(None, "none"), True, False),
        (Thinking(None, "minimal"), True, "low"),
        (Thinking(None, "xhigh"), True, "max"),
        (Thinking(None, "high"), False, None),
        (Thinking(True, "high"), False, "high"),
        (Thinking(None, "ultra"), True, None),
    ],
)
def test_effort_is_a_hint_and_a_switch_is_a_wish(thinking: Thinking, can: bool, think: Any) -> None:
    abilities = {Capability.COMPLETION} | ({Capability.THINKING} if can else set())
    _, body = sent(ChatCall("m", (USER,), thinking=thinking), replace(MODEL, capabilities=frozenset(abilities)))
    assert body.get("think") == think


def test_a_model_is_called_with_the_context_it_is_loaded_with() -> None:
    loaded = replace(MODEL, loaded_context=8192, context=131072)
    assert sent(ChatCall("m", (USER,)), loaded)[1]["options"] == {"num_ctx": 8192}
    many = ChatCall("m", (USER,), hints=EngineHints(num_ctx=200_000, options={"num_gpu": 1}))
    assert sent(many, loaded)[1]["options"] == {"num_ctx": 8192}
    assert "options" not in sent(many)[1]


LONG = "x" * 9000


@pytest.mark.parametrize(
    "call",
    [
        ChatCall("m", (Message(Role.USER, (TextPart(LONG),)),)),
        TextCall("m", (LONG,)),
        InfillCall("coder:7b", LONG, "b", strict=True),
    ],
)
def test_what_may_be_too_long_is_to_be_refused_and_not_cut(call: ChatCall | TextCall | InfillCall) -> None:
    model = replace(CODER, loaded_context=8192)
    assert {"truncate": False, "shift": False}.items() <= sent(call, model)[1].items()
    roomy = replace(CODER, loaded_context=16384)
    assert {"truncate", "shift"}.isdisjoint(sent(call, roomy)[1])
    wished = replace(call, hints=EngineHints(truncate=True))
    assert sent(wished, model)[1].get("truncate") is not False


def test_a_text_to_embed_that_may_be_too_long_is_not_cut_either() -> None:
    long = EmbedCall("m", ("a", LONG))
    assert sent(long, replace(EMBEDDER, loaded_context=8192))[1]["truncate"] is False
    assert "truncate" not in sent(long, replace(EMBEDDER, loaded_context=16384))[1]
    assert sent(replace(long, hints=EngineHints(truncate=True)), EMBEDDER)[1]["truncate"] is True


@pytest.mark.parametrize("part", [ImagePart(url="http://x/y.png"), AudioPart("aaaa", "wav")])
def test_links_and_sound_are_refused(part: ImagePart | AudioPart) -> None:
    with pytest.raises(Unsupported):
        engine_request(ChatCall("m", (Message(Role.USER, (part,)),)), MODEL, stream=True)


def test_text_is_continued_raw() -> None:
    call = TextCall("m", ("Once ",), sampling=Sampling(max_tokens=5), format=Format(FormatKind.JSON))
    assert sent(call) == (
        "/api/generate",
        {
            "model": "llama3.2:latest",
            "prompt": "Once ",
            "stream": True,
            "format": "json",
            "options": {"num_predict": 5},
            "raw": True,
        },
    )
    assert sent(TextCall("m", ()))[1]["prompt"] == ""


def test_a_templated_generation_keeps_what_ollama_knows() -> None:
    call = TextCall("m", ("a",), templated=True, system="s", template="t", images=(ImagePart("aWNvbg=="),))
    assert sent(call)[1] == {
        "model": "llama3.2:latest",
        "prompt": "a",
        "stream": True,
        "system": "s",
        "template": "t",
        "images": ["aWNvbg=="],
    }


def test_token_ids_are_refused() -> None:
    for call in (TextCall("m", ((1, 2),)), EmbedCall("m", ("a", (1, 2)))):
        with pytest.raises(Unsupported, match="token ids"):
            engine_request(call, MODEL, stream=False)


def test_a_gap_is_filled_by_a_generation_with_a_suffix() -> None:
    call = InfillCall("m", "def f():\n", "\n", prompt="    ", sampling=Sampling(max_tokens=9), strict=True)
    assert sent(call, CODER) == (
        "/api/generate",
        {
            "model": "coder:7b",
            "prompt": "def f():\n    ",
            "suffix": "\n",
            "stream": True,
            "options": {"num_predict": 9},
        },
    )
    assert "options" not in sent(InfillCall("m", "a", "b"), CODER)[1]
    reader = engine_request(call, CODER, stream=False).reader
    answer = collect(reader.whole(b'{"response":"<fim_middle>  pass<|endoftext|>","done":true}'))
    assert answer.choices[0].text == "  pass"


def test_a_model_that_cannot_insert_is_asked_in_words_unless_that_is_refused() -> None:
    call = InfillCall("m", "a = ", "\nprint(a)\n")
    request = engine_request(call, MODEL, stream=False)
    assert request.path == "/api/chat"
    answer = {"message": {"content": "```python\na = 1\n```"}, "done": True}
    assert collect(request.reader.whole(json.dumps(answer).encode())).choices[0].text == "1"
    with pytest.raises(Unsupported, match='"m" does not support insert'):
        engine_request(replace(call, strict=True), MODEL, stream=False)
    with pytest.raises(Unsupported):
        encode_infill(call, MODEL, stream=False)


def test_texts_are_embedded() -> None:
    call = EmbedCall("m", ("a", "b"), dimensions=64, hints=EngineHints(num_ctx=512, truncate=True, keep_alive_s=60.0))
    assert sent(call, EMBEDDER) == (
        "/api/embed",
        {
            "model": "nomic:latest",
            "keep_alive": 60,
            "input": ["a", "b"],
            "dimensions": 64,
            "truncate": True,
        },
    )


def test_vectors_as_the_model_made_them_come_from_the_old_route() -> None:
    path, body = sent(EmbedCall("m", ("a",), normalised=False), EMBEDDER)
    assert (path, body) == ("/api/embeddings", {"model": "nomic:latest", "prompt": "a"})
    with pytest.raises(Unsupported):
        engine_request(EmbedCall("m", ("a", "b"), normalised=False), EMBEDDER, stream=False)


def test_a_load_is_a_generation_of_nothing() -> None:
    call = LoadCall("m", hints=EngineHints(num_ctx=5000, keep_alive_s=300.0))
    assert sent(call) == (
        "/api/generate",
        {"model": "llama3.2:latest", "keep_alive": 300, "stream": False},
    )
    assert sent(call, replace(MODEL, loaded_context=4096))[1]["options"] == {"num_ctx": 4096}
    assert sent(LoadCall("m"), stream=False)[1] == {"model": "llama3.2:latest", "stream": False}


def test_a_model_that_only_embeds_is_loaded_by_embedding_nothing() -> None:
    assert sent(LoadCall("m"), EMBEDDER) == ("/api/embed", {"model": "nomic:latest", "stream": False, "input": []})


@pytest.mark.parametrize("model", [MODEL, EMBEDDER])
def test_any_model_is_unloaded_by_the_same_route(model: Model) -> None:
    call = LoadCall("m", unload=True, hints=EngineHints(keep_alive_s=0.0))
    assert sent(call, model) == ("/api/generate", {"model": model.id, "keep_alive": 0, "stream": False})
    request: EngineRequest = engine_request(call, model, stream=True)
    assert not request.stream
    assert request.reader.whole(b'{"done":true}') == [Finish(FinishReason.UNLOAD)]


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (
            read_chat,
            {
                "messages": [
                    {"role": "user", "content": "a", "images": ["aWNvbg=="]},
                    {"role": "assistant", "content": "b", "thinking": "c"},
                ],
                "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"x": 1}}}],
                "stream": True,
                "format": "json",
                "think": "max",
                "keep_alive": 60,
                "truncate": True,
                "options": {"num_predict": 5, "num_ctx": 4096, "stop": ["x"], "typical_p": 0.5},
            },
        ),
        (read_generate, {"prompt": "a", "stream": True, "system": "s", "options": {"seed": 1}}),
        (read_generate, {"prompt": "a", "stream": True, "raw": True}),
        (read_embed, {"input": ["a", "b"], "truncate": False, "dimensions": 8}),
        (read_embeddings, {"prompt": "a"}),
    ],
)
def test_what_a_client_says_reaches_an_engine_of_its_dialect(
    read: Callable[[bytes], OllamaAsk], body: dict[str, Any]
) -> None:
    asked = read(json.dumps({"model": "llama3.2:latest", **body}).encode())
    context = body.get("options", {}).get("num_ctx")
    assert sent(asked.call(), replace(MODEL, loaded_context=context))[1] == {"model": "llama3.2:latest", **body}
