"""The OpenAI dialect, through the real SDK and on the raw socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from potluck_fake_engine.answers import answer
from potluck_fake_engine.asking import Ask, Message
from potluck_fake_engine.dialects.openai import QUIRKS
from potluck_fake_engine.testing import FakeEngine, running
from tests.fake_engine.raw import ask, chat

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALLS = 'call weather {"city": "Köln"}\ncall weather {"city": "Rom"}'


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running() as engine:
        yield engine


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=fake.url + "/v1", api_key="k", max_retries=0) as sdk:
        yield sdk


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def test_a_chat_gets_the_answer_that_can_be_known_beforehand(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="fake-model", messages=user("hello"))
    assert reply.choices[0].message.content == answer(Ask("fake-model", (Message("user", "hello"),))).text()
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


async def test_a_stream_has_role_text_finish_and_usage_in_this_order(fake: FakeEngine) -> None:
    got = await ask(
        fake, "POST", "/v1/chat/completions", chat("repeat 3", stream=True, stream_options={"include_usage": True})
    )
    *events, usage, done = got.events()
    assert done == "[DONE]"
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [event["choices"][0]["delta"].get("content") for event in events[1:]] == ["w1", " w2", " w3", None]
    assert [event["choices"][0]["finish_reason"] for event in events] == [None, None, None, None, "stop"]
    assert all(event["usage"] is None for event in events)
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 3)
    assert len({(event["id"], event["created"]) for event in [*events, usage]}) == 1


async def test_without_being_asked_a_stream_tells_no_usage(fake: FakeEngine) -> None:
    got = await ask(fake, "POST", "/v1/chat/completions", chat("hi", stream=True))
    assert all("usage" not in event for event in got.events()[:-1])


async def test_parallel_tool_calls_come_in_pieces_that_the_sdk_joins(client: openai.AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="fake-model", messages=user(CALLS), tools=[TOOL]) as stream:
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Köln", "Rom"]
    assert final.choices[0].finish_reason == "tool_calls"


async def test_a_required_tool_is_called(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(
        model="fake-model", messages=user("hi"), tools=[TOOL], tool_choice="required"
    )
    assert reply.choices[0].message.content is None
    assert (reply.choices[0].message.tool_calls or [])[0].function.name == "weather"  # type: ignore[union-attr]


async def test_structured_output_parses(client: openai.AsyncOpenAI) -> None:
    class Finding(BaseModel):
        path: str
        line: int | None
        tags: list[str]

    reply = await client.chat.completions.parse(model="fake-model", messages=user("review"), response_format=Finding)
    assert isinstance(reply.choices[0].message.parsed, Finding)


async def test_limits_stop_words_and_seed_are_honoured(client: openai.AsyncOpenAI) -> None:
    async def said(**how: Any) -> tuple[str | None, str]:
        reply = await client.chat.completions.create(model="fake-model", **how)
        return reply.choices[0].message.content, reply.choices[0].finish_reason

    assert await said(messages=user("repeat 9"), max_completion_tokens=2) == ("w1 w2", "length")
    assert await said(messages=user("repeat 9"), stop=["w3"]) == ("w1 w2 ", "stop")
    assert await said(messages=user("a"), seed=1) != await said(messages=user("a"), seed=2)


async def test_several_choices_differ_and_have_their_indexes(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="fake-model", messages=user("a"), n=2)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert reply.choices[0].message.content != reply.choices[1].message.content


async def test_a_thinking_model_tells_its_thoughts_unless_told_not_to() -> None:
    async with running("deep,capabilities=completion+thinking") as fake:
        asked = {**chat("think: hmm\nsay: yes"), "model": "deep"}
        reply = (await ask(fake, "POST", "/v1/chat/completions", asked)).json["choices"][0]["message"]
        assert (reply["reasoning_content"], reply["content"]) == ("hmm", "yes")
        quiet = await ask(fake, "POST", "/v1/chat/completions", {**asked, "reasoning_effort": "none"})
        assert "reasoning_content" not in quiet.json["choices"][0]["message"]


async def test_completions_take_suffix_echo_and_several_prompts(client: openai.AsyncOpenAI) -> None:
    reply = await client.completions.create(model="fake-model", prompt=["say: a", "say: b"], echo=True)
    assert [choice.text for choice in reply.choices] == ["say: aa", "say: bb"]
    plain = await client.completions.create(model="fake-model", prompt="def f(")
    filled = await client.completions.create(model="fake-model", prompt="def f(", suffix="return x")
    assert plain.choices[0].text != filled.choices[0].text
    stream = await client.completions.create(model="fake-model", prompt="repeat 99", stream=True)
    chunks = [chunk async for chunk in stream]
    assert len("".join(chunk.choices[0].text for chunk in chunks).split()) == 16
    assert chunks[-1].choices[0].finish_reason == "length"


async def test_embeddings_are_equal_as_floats_and_as_base64(client: openai.AsyncOpenAI) -> None:
    packed = await client.embeddings.create(model="fake-model", input=["a", "b"])
    floats = await client.embeddings.create(model="fake-model", input=["a", "b"], encoding_format="float")
    assert [one.index for one in packed.data] == [0, 1]
    assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding)
    assert len(floats.data[0].embedding) == 384


async def test_models_are_listed_and_found(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["fake-model"]
    assert (await client.models.retrieve("fake-model")).object == "model"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("other")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"model":', 400, None),
        ({"model": "fake-model"}, 400, "missing_required_parameter"),
        ({"model": "fake-model", "messages": "hi"}, 400, None),
        (chat("hi") | {"model": "nobody"}, 404, "model_not_found"),
        (chat("word " * 9000), 400, "context_length_exceeded"),
    ],
)
async def test_errors_have_openai_form(fake: FakeEngine, body: Any, status: int, code: str | None) -> None:
    got = await ask(fake, "POST", "/v1/chat/completions", body)
    assert got.status == status
    assert got.json["error"]["code"] == code
    assert set(got.json["error"]) == {"message", "type", "param", "code"}


async def test_a_key_is_demanded_if_there_is_one() -> None:
    async with running(api_key="secret") as fake:
        assert (await ask(fake, "GET", "/v1/models")).status == 401
        assert (await ask(fake, "GET", "/v1/models", headers="Authorization: Bearer secret\r\n")).status == 200
        assert (await ask(fake, "GET", "/fake/state")).status == 200


async def test_unknown_paths_and_methods_are_told_apart(fake: FakeEngine) -> None:
    assert (await ask(fake, "POST", "/v1/nothing", {})).status == 404
    assert (await ask(fake, "DELETE", "/v1/models")).status == 405


async def stream_with(quirk: str) -> tuple[bytes, list[bytes]]:
    async with running("fake-model", quirks=frozenset({quirk})) as fake:
        body = chat("repeat 3", stream=True, stream_options={"include_usage": True})
        data = (await ask(fake, "POST", "/v1/chat/completions", body)).dechunked()
        return data, data.replace(b"\r\n", b"\n").strip().split(b"\n\n")


@pytest.mark.parametrize("quirk", sorted(QUIRKS))
async def test_every_quirk_is_seen_on_the_wire(quirk: str) -> None:
    data, events = await stream_with(quirk)
    choices = [json.loads(e.partition(b":")[2])["choices"] for e in events if b"choices" in e]
    deltas = [choice[0]["delta"] for choice in choices if choice]
    match quirk:
        case "no-usage":
            assert b"prompt_tokens" not in data
        case "role-every-delta":
            assert all(delta["role"] == "assistant" for delta in deltas)
        case "finish-with-content":
            assert (choices[-2][0]["delta"], choices[-2][0]["finish_reason"]) == ({"content": " w3"}, "stop")
        case "extra-after-finish":
            assert (choices[-2][0]["finish_reason"], choices[-3][0]["finish_reason"]) == (None, "stop")
        case "no-space":
            assert b"data: " not in data
            assert data.startswith(b'data:{"')
        case "comments":
            assert data.startswith(b": ")
        case "no-done":
            assert b"[DONE]" not in data
        case "crlf":
            assert b"\r\n\r\n" in data
            assert b"\n\n" not in data.replace(b"\r\n", b"")
        case _:
            pytest.fail(f"{quirk} has no test")


async def test_the_chunk_behind_the_finish_has_the_shape_of_its_stream() -> None:
    async with running("m", dialect="openai", quirks=frozenset({"extra-after-finish"})) as fake:
        body = {"model": "m", "prompt": "say: x", "stream": True}
        events = (await ask(fake, "POST", "/v1/completions", body)).events()
        assert [choice["text"] for event in events[:-1] for choice in event["choices"]][-1] == ""
