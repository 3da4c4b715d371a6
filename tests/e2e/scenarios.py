"""What is recorded: one small use of each client, through a tap. Each must succeed against the fake engines.

Set-ups of the guide and the agents' tool loops are recorded too (`record`); here is what the SDKs do beyond those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import ollama
import openai
from pydantic import BaseModel

from tests.e2e.processes import EMBEDDING_MODEL, OLLAMA_MODEL, OPENAI_MODEL, THINKING_MODEL
from tests.e2e.stands import WEATHER

# One white pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsVEKtgAAAABJRU5ErkJggg=="
QUESTION: Any = [{"role": "user", "content": "What is a potluck?"}]
CALLING = 'call weather {"city": "Rome", "days": 1}'


class Dish(BaseModel):
    name: str
    guests: int
    note: str | None = None


Scenario = Callable[[str, str], None]
"""Takes the service's address and a key."""

SCENARIOS: dict[str, Scenario] = {}
"""By name: the client, then what it does."""


def recorded(scenario: Scenario) -> Scenario:
    SCENARIOS[scenario.__name__.replace("_", "-")] = scenario
    return scenario


def _openai(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key)


def _anthropic(url: str, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key=key)


def _ollama(url: str, key: str) -> ollama.Client:
    return ollama.Client(url, headers={"Authorization": f"Bearer {key}"})


@recorded
def openai_python_models(url: str, key: str) -> None:
    with _openai(url, key) as client:
        client.models.list()
        client.models.retrieve(OPENAI_MODEL)


@recorded
def openai_python_tools(url: str, key: str) -> None:
    """There and back, the second time streamed."""
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": WEATHER, "strict": True}}
    with _openai(url, key) as client:
        messages: Any = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": CALLING}]
        first = client.chat.completions.create(
            model=OPENAI_MODEL, messages=messages, tools=[tool], tool_choice="auto", parallel_tool_calls=True
        )
        message = first.choices[0].message
        messages += [message.model_dump(exclude_none=True)]
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "sun"} for call in message.tool_calls or []]
        stream = client.chat.completions.create(
            model=OPENAI_MODEL,
            messages=messages,
            tools=[tool],
            stream=True,
            stream_options={"include_usage": True},
        )
        list(stream)


@recorded
def openai_python_image(url: str, key: str) -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
    ]
    messages: Any = [{"role": "user", "content": content}]
    with _openai(url, key) as client:
        client.chat.completions.create(model=OPENAI_MODEL, messages=messages, max_completion_tokens=50, seed=7, n=2)


@recorded
def openai_python_parse(url: str, key: str) -> None:
    with _openai(url, key) as client:
        client.chat.completions.parse(model=OPENAI_MODEL, messages=QUESTION, response_format=Dish)
        client.responses.parse(model=OPENAI_MODEL, input="Name a dish.", text_format=Dish)


@recorded
def openai_python_embeddings(url: str, key: str) -> None:
    with _openai(url, key) as client:
        client.embeddings.create(model=EMBEDDING_MODEL, input=["a bowl of soup", "a loaf of bread"])


@recorded
def openai_python_completion(url: str, key: str) -> None:
    with _openai(url, key) as client:
        client.completions.create(model=OPENAI_MODEL, prompt="def greet(", suffix="    return text", max_tokens=20)


@recorded
def openai_python_responses(url: str, key: str) -> None:
    tool: Any = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
    with _openai(url, key) as client:
        asked: Any = [{"role": "user", "content": CALLING}]
        first = client.responses.create(model=OPENAI_MODEL, instructions="Be brief.", input=asked, tools=[tool])
        asked += [item.model_dump(exclude_none=True) for item in first.output]
        asked += [
            {"type": "function_call_output", "call_id": item.call_id, "output": "sun"}
            for item in first.output
            if item.type == "function_call"
        ]
        with client.responses.stream(model=OPENAI_MODEL, input=asked, tools=[tool], store=False) as stream:
            list(stream)


@recorded
def anthropic_python_tools(url: str, key: str) -> None:
    tool: Any = {"name": "weather", "description": "Tells the weather.", "input_schema": WEATHER}
    messages: Any = [{"role": "user", "content": CALLING}]
    with _anthropic(url, key) as client:
        first = client.messages.create(model=OLLAMA_MODEL, max_tokens=100, messages=messages, tools=[tool])
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": "sun"}]}
            for block in first.content
            if block.type == "tool_use"
        ]
        messages += [
            {"role": "assistant", "content": [block.model_dump() for block in first.content]},
            {"role": "user", "content": results},
        ]
        with client.messages.stream(model=OLLAMA_MODEL, max_tokens=100, messages=messages, tools=[tool]) as stream:
            stream.until_done()


@recorded
def anthropic_python_image(url: str, key: str) -> None:
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
    ]
    messages: Any = [{"role": "user", "content": content}]
    with _anthropic(url, key) as client:
        client.messages.create(
            model=OLLAMA_MODEL, max_tokens=100, system="Be brief.", messages=messages, stop_sequences=["END"]
        )


@recorded
def anthropic_python_thinking(url: str, key: str) -> None:
    with _anthropic(url, key) as client:
        client.messages.create(
            model=THINKING_MODEL,
            max_tokens=2000,
            thinking={"type": "enabled", "budget_tokens": 1024},
            messages=QUESTION,
        )


@recorded
def anthropic_python_count_tokens(url: str, key: str) -> None:
    with _anthropic(url, key) as client:
        client.messages.count_tokens(model=OLLAMA_MODEL, messages=QUESTION)


@recorded
def ollama_python_tools(url: str, key: str) -> None:
    def weather(city: str, days: int) -> str:
        """Tells the weather.

        Args:
            city: where
            days: how many
        """
        return f"sun in {city} for {days} days"

    messages: Any = [{"role": "user", "content": CALLING}]
    with _ollama(url, key) as client:
        first = client.chat(OLLAMA_MODEL, messages, tools=[weather])
        messages += [first.message, {"role": "tool", "tool_name": "weather", "content": "sun"}]
        list(client.chat(OLLAMA_MODEL, messages, tools=[weather], stream=True))


@recorded
def ollama_python_image(url: str, key: str) -> None:
    messages: Any = [{"role": "user", "content": "What is this?", "images": [PNG]}]
    with _ollama(url, key) as client:
        client.chat(OLLAMA_MODEL, messages, options={"num_ctx": 4096, "temperature": 0.2}, keep_alive="10m")


@recorded
def ollama_python_format(url: str, key: str) -> None:
    with _ollama(url, key) as client:
        client.chat(OLLAMA_MODEL, QUESTION, format=Dish.model_json_schema())


@recorded
def ollama_python_thinking(url: str, key: str) -> None:
    with _ollama(url, key) as client:
        client.chat(THINKING_MODEL, QUESTION, think=True)


@recorded
def ollama_python_generate(url: str, key: str) -> None:
    with _ollama(url, key) as client:
        list(client.generate(OLLAMA_MODEL, "What is a potluck?", system="Be brief.", stream=True))
        client.generate(OLLAMA_MODEL, "def greet(", suffix="    return text", options={"num_predict": 20})


@recorded
def ollama_python_embed(url: str, key: str) -> None:
    with _ollama(url, key) as client:
        client.embed(OLLAMA_MODEL, ["a bowl of soup", "a loaf of bread"])
        client.embeddings(OLLAMA_MODEL, "a bowl of soup")


@recorded
def ollama_python_catalogue(url: str, key: str) -> None:
    with _ollama(url, key) as client:
        client.list()
        client.ps()
        client.show(OLLAMA_MODEL)
