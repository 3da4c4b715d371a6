"""The Responses API as the OpenAI SDK's parser and streaming helper accept it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.stands import WEATHER, Dish, Stand


@pytest.fixture
def client(stand: Stand) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stand.url}/v1", api_key=stand.key, max_retries=0) as made:
        yield made


@pytest.fixture
def sure(known: Stand) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{known.url}/v1", api_key=known.key, max_retries=0) as made:
        yield made


def test_a_response_has_text_and_usage(client: OpenAI, stand: Stand) -> None:
    answer = client.responses.create(
        model=stand.model, instructions="Be brief.", input="repeat 5", max_output_tokens=12, store=False
    )
    assert answer.status in ("completed", "incomplete")
    assert answer.output_text
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    if stand.known:
        assert (answer.status, answer.output_text) == ("completed", "w1 w2 w3 w4 w5")


def test_a_streamed_response_counts_its_events_and_ends_whole(client: OpenAI, stand: Stand) -> None:
    with client.responses.stream(model=stand.model, input="repeat 5", max_output_tokens=12) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == last.response.output_text
    assert text


def test_a_response_that_ran_out_of_tokens_says_so(sure: OpenAI, known: Stand) -> None:
    answer = sure.responses.create(model=known.model, input="repeat 50", max_output_tokens=4)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_a_function_goes_round(sure: OpenAI, known: Stand) -> None:
    tool: Any = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
    asked: Any = [{"role": "user", "content": 'call weather {"city": "Rome", "days": 1}'}]
    first = sure.responses.create(model=known.model, input=asked, tools=[tool])
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Rome", "days": 1})
    asked += [item.model_dump(exclude_none=True) for item in first.output]
    asked += [{"type": "function_call_output", "call_id": call.call_id, "output": "sun"}]
    second = sure.responses.create(model=known.model, input=asked, tools=[tool])
    assert second.output_text == "The tools say: sun"


def test_a_parsed_response_is_the_callers_own_type(client: OpenAI, stand: Stand) -> None:
    answer = client.responses.parse(
        model=stand.model, input="Name a dish for six guests.", text_format=Dish, max_output_tokens=200
    )
    assert isinstance(answer.output_parsed, Dish)
