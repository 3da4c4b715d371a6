"""The Ollama SDK against each kind of engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ollama import AsyncClient, Client

from tests.e2e.processes import EMBEDDING_MODEL, OLLAMA_MODEL, OPENAI_MODEL, THINKING_MODEL, Fronted, Service
from tests.e2e.stands import BRIEF, WEATHER, Stand

TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": WEATHER}}
DISH: dict[str, Any] = {
    "type": "object",
    "properties": {"name": BRIEF, "guests": {"type": "integer"}},
    "required": ["name", "guests"],
}


def connected(service: Service) -> Client:
    return Client(service.url, headers={"Authorization": f"Bearer {service.key}"})


@pytest.fixture
def client(stand: Stand) -> Iterator[Client]:
    with connected(stand.service) as made:
        yield made


@pytest.fixture
def sure(known: Stand) -> Iterator[Client]:
    with connected(known.service) as made:
        yield made


@pytest.fixture
def keeper(fronted: Fronted) -> Iterator[Client]:
    """Of the service with an engine that keeps models."""
    with connected(fronted.service) as made:
        yield made


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def test_a_chat_has_text_counts_and_a_reason(client: Client, stand: Stand) -> None:
    answer = client.chat(stand.model, user("repeat 5"), options={"num_predict": 12, "temperature": 0})
    assert (answer.model, answer.message.role, answer.done) == (stand.model, "assistant", True)
    assert answer.message.content
    assert answer.done_reason in ("stop", "length")
    assert (answer.eval_count or 0) > 0
    if not stand.known:  # the fakes take no time, and Ollama leaves zeros out
        assert (answer.total_duration or 0) > (answer.eval_duration or 0) > 0
    else:
        assert answer.message.content == "w1 w2 w3 w4 w5"


def test_a_streamed_chat_gives_the_same_text_and_ends_with_its_counts(client: Client, stand: Stand) -> None:
    options = {"num_predict": 12, "temperature": 0}
    whole = client.chat(stand.model, user("repeat 5"), options=options)
    parts = list(client.chat(stand.model, user("repeat 5"), options=options, stream=True))
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].eval_count == whole.eval_count


def test_generate_answers_and_streams(client: Client, stand: Stand) -> None:
    options = {"num_predict": 12, "temperature": 0}
    whole = client.generate(stand.model, "repeat 5", options=options)
    pieces = list(client.generate(stand.model, "repeat 5", options=options, stream=True))
    assert whole.response
    assert "".join(piece.response or "" for piece in pieces) == whole.response
    assert pieces[-1].done


def test_a_format_is_kept_to(client: Client, stand: Stand) -> None:
    answer = client.chat(stand.model, user("Name a dish."), format=DISH, options={"num_predict": 200})
    assert set(json.loads(answer.message.content or "")) == {"name", "guests"}


def test_tools_go_round_in_parallel(sure: Client, known: Stand) -> None:
    messages = user('call weather {"city": "Rome", "days": 1}\ncall weather {"city": "Oslo", "days": 2}')
    first = sure.chat(known.model, messages, tools=[TOOL])
    calls = first.message.tool_calls or []
    assert [(call.function.name, dict(call.function.arguments)) for call in calls] == [
        ("weather", {"city": "Rome", "days": 1}),
        ("weather", {"city": "Oslo", "days": 2}),
    ]
    messages += [first.message]
    messages += [{"role": "tool", "tool_name": "weather", "content": f"sun {n}"} for n in range(2)]
    second = sure.chat(known.model, messages, tools=[TOOL])
    assert second.message.content == "The tools say: sun 0; sun 1"


def test_streamed_tool_calls_come_whole(sure: Client, known: Stand) -> None:
    parts = list(sure.chat(known.model, user('call weather {"city": "Rome", "days": 1}'), tools=[TOOL], stream=True))
    calls = [call for part in parts for call in part.message.tool_calls or []]
    assert [dict(call.function.arguments) for call in calls] == [{"city": "Rome", "days": 1}]


def test_thinking_has_a_field_of_its_own(keeper: Client) -> None:
    answer = keeper.chat(THINKING_MODEL, user("think: soup first\nsay: bread"), think=True)
    assert (answer.message.thinking, answer.message.content) == ("soup first", "bread")


def test_embeddings_one_and_many(client: Client, stand: Stand) -> None:
    many = client.embed(stand.embedder, ["a bowl of soup", "a loaf of bread"])
    one = client.embed(stand.embedder, "a bowl of soup")
    assert len(many.embeddings) == 2
    assert list(one.embeddings[0]) == pytest.approx(list(many.embeddings[0]), abs=1e-4)
    assert sum(value * value for value in one.embeddings[0]) == pytest.approx(1, abs=1e-3)
    assert client.embeddings(stand.embedder, "a bowl of soup").embedding


def test_models_are_listed_shown_and_seen_running(client: Client, stand: Stand) -> None:
    listed = {model.model: model for model in client.list().models}
    name = stand.model if ":" in stand.model else f"{stand.model}:latest"
    assert name in listed
    assert listed[name].details is not None
    shown = client.show(stand.model)
    assert "completion" in (shown.capabilities or [])
    assert shown.modelinfo is not None
    client.generate(stand.model, "repeat 2", options={"num_predict": 2})
    assert name in [model.model for model in client.ps().models]


def test_a_model_is_pulled_copied_and_deleted(keeper: Client) -> None:
    steps = [step.status for step in keeper.pull("remote-model", stream=True)]
    assert steps[0] == "pulling manifest"
    assert steps[-1] == "success"
    keeper.copy("remote-model", "mine")
    assert {"remote-model:latest", "mine:latest"} <= {model.model for model in keeper.list().models}
    assert keeper.chat("mine", user("say: copied")).message.content == "copied"
    for name in ("mine", "remote-model"):
        assert keeper.delete(name).status == "success"
    assert {model.model for model in keeper.list().models} == {
        "auto:latest",
        OLLAMA_MODEL,
        THINKING_MODEL,
        f"{OPENAI_MODEL}:latest",
        f"{EMBEDDING_MODEL}:latest",
    }


def test_an_empty_prompt_loads_and_unloads(keeper: Client) -> None:
    assert keeper.generate(OLLAMA_MODEL, "").done_reason == "load"
    assert OLLAMA_MODEL in [model.model for model in keeper.ps().models]
    assert keeper.generate(OLLAMA_MODEL, "", keep_alive=0).done_reason == "unload"


async def test_the_asynchronous_client_streams(known: Stand) -> None:
    async with AsyncClient(known.url, headers={"Authorization": f"Bearer {known.key}"}) as client:
        parts = [part async for part in await client.chat(known.model, user("say: soup"), stream=True)]
    assert "".join(part.message.content or "" for part in parts) == "soup"


def test_the_banner_needs_no_key(fronted: Fronted) -> None:
    for method in ("GET", "HEAD"):
        answer = httpx.request(method, fronted.service.url, headers={"accept": "*/*"})
        assert answer.status_code == 200
        assert answer.text == ("Ollama is running" if method == "GET" else "")
