"""The Anthropic SDK against each kind of engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic.types import Usage

from tests.e2e.processes import THINKING_MODEL, Fronted
from tests.e2e.stands import WEATHER, Stand

TOOL: Any = {"name": "weather", "description": "Tells the weather.", "input_schema": WEATHER}


@pytest.fixture
def client(stand: Stand) -> Iterator[Anthropic]:
    with Anthropic(base_url=stand.url, api_key=stand.key, max_retries=0) as made:
        yield made


@pytest.fixture
def sure(known: Stand) -> Iterator[Anthropic]:
    with Anthropic(base_url=known.url, api_key=known.key, max_retries=0) as made:
        yield made


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def prompt_tokens(usage: Usage) -> int:
    """All of the prompt: Anthropic tells what came from the cache apart."""
    return usage.input_tokens + (usage.cache_read_input_tokens or 0)


def test_a_message_has_text_usage_and_a_reason(client: Anthropic, stand: Stand) -> None:
    answer = client.messages.create(
        model=stand.model, max_tokens=12, system="Be brief.", messages=user("repeat 5"), extra_body={"temperature": 0}
    )
    assert (answer.type, answer.role, answer.model) == ("message", "assistant", stand.model)
    assert answer.content[0].type == "text"
    assert answer.content[0].text
    assert answer.stop_reason in ("end_turn", "max_tokens")
    assert prompt_tokens(answer.usage) > 0
    assert 0 < answer.usage.output_tokens <= 12
    if stand.known:
        assert (answer.content[0].text, answer.stop_reason) == ("w1 w2 w3 w4 w5", "end_turn")


def test_a_stream_gives_the_same_text_and_the_true_usage(client: Anthropic, stand: Stand) -> None:
    asked: dict[str, Any] = {
        "model": stand.model,
        "max_tokens": 12,
        "messages": user("repeat 5"),
        "extra_body": {"temperature": 0},
    }
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert final.stop_reason == whole.stop_reason
    assert prompt_tokens(final.usage) == prompt_tokens(whole.usage)
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_a_forced_tool_is_called_with_arguments_that_fit(client: Anthropic, stand: Stand) -> None:
    answer = client.messages.create(
        model=stand.model,
        max_tokens=100,
        messages=user("How will the weather be in Rome for 3 days?"),
        tools=[TOOL],
        tool_choice={"type": "tool", "name": "weather"},
    )
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert call.name == "weather"
    assert isinstance(call.input, dict)
    assert set(call.input) == {"city", "days"}
    assert answer.stop_reason == "tool_use"


def test_tools_go_round_in_parallel(sure: Anthropic, known: Stand) -> None:
    messages = user('call weather {"city": "Rome", "days": 1}\ncall weather {"city": "Oslo", "days": 2}')
    first = sure.messages.create(model=known.model, max_tokens=200, messages=messages, tools=[TOOL])
    assert first.stop_reason == "tool_use"
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "Rome", "days": 1}, {"city": "Oslo", "days": 2}]
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": f"sun {n}"} for n, c in enumerate(calls)]
    messages += [
        {"role": "assistant", "content": [block.model_dump() for block in first.content]},
        {"role": "user", "content": results},
    ]
    second = sure.messages.create(model=known.model, max_tokens=200, messages=messages, tools=[TOOL])
    assert second.content[0].type == "text"
    assert second.content[0].text == "The tools say: sun 0; sun 1"


def test_streamed_tools_are_joined_by_the_sdk(sure: Anthropic, known: Stand) -> None:
    asked = user('call weather {"city": "Rome", "days": 1}\ncall weather {"city": "Oslo", "days": 2}')
    with sure.messages.stream(model=known.model, max_tokens=200, messages=asked, tools=[TOOL]) as stream:
        final = stream.get_final_message()
    assert [block.input for block in final.content if block.type == "tool_use"] == [
        {"city": "Rome", "days": 1},
        {"city": "Oslo", "days": 2},
    ]


def test_thinking_comes_in_blocks_of_its_own(fronted: Fronted) -> None:
    service = fronted.service
    with (
        Anthropic(base_url=service.url, api_key=service.key, max_retries=0) as client,
        client.messages.stream(
            model=THINKING_MODEL,
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
            messages=user("think: soup first\nsay: bread"),
        ) as stream,
    ):
        final = stream.get_final_message()
    assert [(block.type, getattr(block, block.type)) for block in final.content] == [
        ("thinking", "soup first"),
        ("text", "bread"),
    ]


def test_tokens_are_counted_before_they_are_spent(client: Anthropic, stand: Stand) -> None:
    few = client.messages.count_tokens(model=stand.model, messages=user("one"))
    many = client.messages.count_tokens(model=stand.model, messages=user("one two three " * 50), system="Be brief.")
    assert 0 < few.input_tokens < many.input_tokens


def test_models_are_listed_for_anthropics_clients_too(client: Anthropic, stand: Stand) -> None:
    listed = client.models.list()
    assert stand.model in [model.id for model in listed]
    assert listed.has_more is False
    found = client.models.retrieve(stand.model)
    assert (found.id, found.type) == (stand.model, "model")
    assert found.created_at.year >= 2020


def test_a_stop_sequence_ends_the_answer(sure: Anthropic, known: Stand) -> None:
    answer = sure.messages.create(model=known.model, max_tokens=50, messages=user("repeat 9"), stop_sequences=["w4"])
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "w1 w2 w3 "
