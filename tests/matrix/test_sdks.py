"""The three Python SDKs as their users call them, on engines of every kind."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anthropic
import ollama
import openai
import pytest
import pytest_asyncio

from tests.matrix.test_tools import PERSON, WEATHER
from tests.matrix.world import KINDS, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)


@pytest_asyncio.fixture(loop_scope="session")
async def gpt(every: World) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{every.client.url}/v1", api_key=every.client.key, max_retries=0, timeout=10
    ) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def claude(every: World) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=every.client.url, api_key=every.client.key, max_retries=0, timeout=10
    ) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def llama(every: World) -> AsyncGenerator[ollama.AsyncClient]:
    async with ollama.AsyncClient(
        host=every.client.url, headers={"Authorization": f"Bearer {every.client.key}"}
    ) as made:
        yield made


def says(text: str) -> Any:
    return [{"role": "user", "content": text}]


@on_every_engine
async def test_openais_helpers(gpt: openai.AsyncOpenAI, kind: str) -> None:
    model = f"m-{kind}"
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    async with gpt.chat.completions.stream(
        model=model, messages=says('call weather {"city": "A", "days": 1}'), tools=[tool]
    ) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.arguments == '{"city": "A", "days": 1}' or "city" in calls[0].function.arguments
    async with gpt.responses.stream(model=model, input="say: hello") as responses:
        async for _ in responses:
            pass
        done = await responses.get_final_response()
    assert (done.output_text, done.status) == ("hello", "completed")
    vectors = await gpt.embeddings.create(model="embed-openai" if kind == "openai" else model, input=["a", "b"])
    assert [len(item.embedding) for item in vectors.data] == [384, 384]
    assert model in [each.id.removesuffix(":latest") async for each in gpt.models.list()]
    with pytest.raises(openai.NotFoundError) as caught:
        await gpt.chat.completions.create(model="m-olama", messages=says("x"))
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@on_every_engine
async def test_anthropics_helpers(claude: anthropic.AsyncAnthropic, kind: str) -> None:
    model = f"m-{kind}"
    tool: Any = {"name": "weather", "input_schema": WEATHER}
    async with claude.messages.stream(
        model=model, max_tokens=100, messages=says('call weather {"city": "A", "days": 1}'), tools=[tool]
    ) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_message()
    (block,) = [block for block in final.content if block.type == "tool_use"]
    assert (block.input, final.stop_reason) == ({"city": "A", "days": 1}, "tool_use")
    assert final.usage.input_tokens > 0
    count = await claude.messages.count_tokens(model=model, messages=says("hello"))
    assert count.input_tokens > 0
    assert model in [each.id.removesuffix(":latest") async for each in claude.models.list()]
    with pytest.raises(anthropic.NotFoundError):
        await claude.messages.create(model="m-olama", max_tokens=1, messages=says("x"))


@on_every_engine
async def test_ollamas_client(llama: ollama.AsyncClient, kind: str) -> None:
    model = f"m-{kind}"
    answer = await llama.chat(model=model, messages=says("A person."), format=PERSON)
    assert answer.message.content is not None
    assert '"name"' in answer.message.content
    parts = [part async for part in await llama.generate(model=model, prompt="say: hello", stream=True)]
    assert "".join(part.response or "" for part in parts) == "hello"
    assert parts[-1].done_reason == "stop"
    assert (await llama.show(model)).modelinfo
    assert model in [each.model.removesuffix(":latest") for each in (await llama.list()).models if each.model]
    await llama.ps()
    with pytest.raises(ollama.ResponseError) as caught:
        await llama.chat(model="m-olama", messages=says("x"))
    assert (caught.value.status_code, "m-ollama" in caught.value.error) == (404, True)
