"""The OpenAI SDK against each kind of engine: what its users call, and what its own parsers demand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionToolParam

from tests.e2e.stands import WEATHER, Dish, Stand

TOOL: ChatCompletionToolParam = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}


@pytest.fixture
def client(stand: Stand) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stand.url}/v1", api_key=stand.key, max_retries=0) as made:
        yield made


@pytest.fixture
def sure(known: Stand) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{known.url}/v1", api_key=known.key, max_retries=0) as made:
        yield made


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def test_a_whole_answer_has_text_usage_and_a_reason(client: OpenAI, stand: Stand) -> None:
    answer = client.chat.completions.create(model=stand.model, messages=user("repeat 5"), max_tokens=12, seed=1)
    assert answer.object == "chat.completion"
    assert answer.model == stand.model
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 0 < answer.usage.completion_tokens <= 12
    if stand.known:
        assert answer.choices[0].message.content == "w1 w2 w3 w4 w5"


def test_a_stream_gives_the_same_text_in_pieces(client: OpenAI, stand: Stand) -> None:
    asked: dict[str, Any] = {"model": stand.model, "messages": user("repeat 5"), "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**asked)
    chunks: list[ChatCompletionChunk] = list(client.chat.completions.create(**asked, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [
        whole.choices[0].finish_reason
    ]
    assert all(chunk.usage is None for chunk in chunks), "usage was not asked for"
    assert all(chunk.choices for chunk in chunks)


def test_a_stream_tells_its_usage_last_when_asked(client: OpenAI, stand: Stand) -> None:
    chunks = list(
        client.chat.completions.create(
            model=stand.model,
            messages=user("repeat 5"),
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert [chunk for chunk in chunks[:-1] if chunk.usage is not None] == []


def test_a_forced_tool_is_called_with_arguments_that_fit(client: OpenAI, stand: Stand) -> None:
    answer = client.chat.completions.create(
        model=stand.model,
        messages=user("How will the weather be in Rome for 3 days?"),
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        max_tokens=100,
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city", "days"}
    assert call.id
    assert answer.choices[0].finish_reason in ("tool_calls", "stop")


def test_tools_go_round_in_parallel(sure: OpenAI, known: Stand) -> None:
    messages = user('call weather {"city": "Rome", "days": 1}\ncall weather {"city": "Oslo", "days": 2}')
    first = sure.chat.completions.create(model=known.model, messages=messages, tools=[TOOL])
    assert first.choices[0].finish_reason == "tool_calls"
    calls = first.choices[0].message.tool_calls or []
    assert [json.loads(c.function.arguments)["city"] for c in calls if c.type == "function"] == ["Rome", "Oslo"]
    assert len({call.id for call in calls}) == 2
    messages += [first.choices[0].message.model_dump(exclude_none=True)]
    messages += [{"role": "tool", "tool_call_id": call.id, "content": f"sun {n}"} for n, call in enumerate(calls)]
    second = sure.chat.completions.create(model=known.model, messages=messages, tools=[TOOL])
    assert second.choices[0].message.content == "The tools say: sun 0; sun 1"


def test_streamed_tools_are_joined_by_the_sdk(sure: OpenAI, known: Stand) -> None:
    asked = user('call weather {"city": "Rome", "days": 1}\ncall weather {"city": "Oslo", "days": 2}')
    with sure.chat.completions.stream(model=known.model, messages=asked, tools=[TOOL]) as stream:
        stream.until_done()
        calls = stream.get_final_completion().choices[0].message.tool_calls or []
    assert [(c.function.name, json.loads(c.function.arguments)) for c in calls] == [
        ("weather", {"city": "Rome", "days": 1}),
        ("weather", {"city": "Oslo", "days": 2}),
    ]


def test_a_parsed_answer_is_the_callers_own_type(client: OpenAI, stand: Stand) -> None:
    answer = client.chat.completions.parse(
        model=stand.model, messages=user("Name a dish for six guests."), response_format=Dish, max_tokens=200
    )
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Dish)


def test_embeddings_are_the_same_as_base64_and_as_floats(client: OpenAI, stand: Stand) -> None:
    texts = ["a bowl of soup", "a loaf of bread"]
    packed = client.embeddings.create(model=stand.embedder, input=texts)  # the SDK asks for base64 by itself
    plain = client.embeddings.create(model=stand.embedder, input=texts, encoding_format="float")
    assert [item.index for item in packed.data] == [0, 1]
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-5)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert packed.usage.prompt_tokens > 0


def test_a_completion_continues_raw_text(client: OpenAI, stand: Stand) -> None:
    answer = client.completions.create(model=stand.model, prompt="Once upon a time", max_tokens=8)
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    pieces = list(client.completions.create(model=stand.model, prompt="Once upon a time", max_tokens=8, stream=True))
    assert "".join(piece.choices[0].text for piece in pieces if piece.choices)


def test_models_are_listed_and_found(client: OpenAI, stand: Stand) -> None:
    listed = [model.id for model in client.models.list()]
    assert stand.model in listed
    assert len(listed) == len(set(listed))
    found = client.models.retrieve(stand.model)
    assert (found.id, found.object) == (stand.model, "model")


def test_several_answers_at_once(sure: OpenAI, known: Stand) -> None:
    answer = sure.chat.completions.create(model=known.model, messages=user("say: yes"), n=2)
    assert [(c.index, c.message.content) for c in answer.choices] == [(0, "yes"), (1, "yes")]


def test_a_stop_word_ends_the_answer(sure: OpenAI, known: Stand) -> None:
    answer = sure.chat.completions.create(model=known.model, messages=user("repeat 9"), stop=["w4"])
    assert answer.choices[0].message.content == "w1 w2 w3 "
    assert answer.choices[0].finish_reason == "stop"


def test_the_limit_of_tokens_is_told(sure: OpenAI, known: Stand) -> None:
    answer = sure.chat.completions.create(model=known.model, messages=user("repeat 50"), max_completion_tokens=4)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


def test_answers_say_who_served_them(client: OpenAI, stand: Stand) -> None:
    raw = client.chat.completions.with_raw_response.create(model=stand.model, messages=user("say: yes"), max_tokens=4)
    assert raw.headers["x-potluck-node"] in [node["id"] for node in stand.service.get("/api/v1/nodes")["nodes"]]
    assert raw.headers["x-potluck-request-id"]
