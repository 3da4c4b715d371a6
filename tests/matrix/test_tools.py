"""Tools, schemas, reasoning, images and several answers, on every engine through every surface that has them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.matrix.said import Said
from tests.matrix.surfaces import (
    CHATS,
    COMPLETION,
    MESSAGES,
    NATIVE_CHAT,
    OLLAMA_CHAT,
    OLLAMA_GENERATE,
    OPENAI_CHAT,
    PNG_B64,
    RESPONSES,
    TOOLED,
    Surface,
    Wish,
)
from tests.matrix.world import KINDS, World, last_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)
whole_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
with_tools = pytest.mark.parametrize("surface", TOOLED, ids=lambda surface: surface.name)
# Ollama's dialect cannot force a call.
that_force = pytest.mark.parametrize("surface", [OPENAI_CHAT, RESPONSES, MESSAGES], ids=lambda surface: surface.name)

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
TIME = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
TOOLS = (("weather", WEATHER), ("clock", TIME))

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["name", "age", "tags", "note"],
    "additionalProperties": False,
    "$defs": {"tag": {"enum": ["a", "b"]}},
}


async def said(world: World, surface: Surface, wish: Wish) -> Said:
    return surface.read(wish, await world.client.post(surface.path, surface.body(wish)))


@on_every_engine
@with_tools
@whole_and_streamed
async def test_a_model_calls_tools_and_is_told_their_results(
    every: World, surface: Surface, kind: str, stream: bool
) -> None:
    """Two calls at once, then their results go back and the model speaks of both."""
    text = 'call weather {"city": "Zürich", "days": 3}\ncall clock {"zone": "CET"}'
    wish = Wish(f"m-{kind}", text, stream=stream, tools=TOOLS)
    answer = await said(every, surface, wish)
    assert [(call.name, call.arguments) for call in answer.calls] == [
        ("weather", {"city": "Zürich", "days": 3}),
        ("clock", {"zone": "CET"}),
    ]
    assert answer.finish == "tools"
    assert not answer.text
    ids = [call.id for call in answer.calls]
    assert all(ids)
    assert len(set(ids)) == 2

    results = tuple(zip(answer.calls, ("sunny", "noon"), strict=True))
    spoken = await said(every, surface, replace(wish, results=results))
    assert (spoken.text, spoken.calls, spoken.finish) == ("The tools say: sunny; noon", [], "stop")


@on_every_engine
@with_tools
@whole_and_streamed
async def test_a_model_may_leave_its_tools_alone(every: World, surface: Surface, kind: str, stream: bool) -> None:
    answer = await said(every, surface, Wish(f"m-{kind}", "say: no tool", stream=stream, tools=TOOLS))
    assert (answer.text, answer.calls, answer.finish) == ("no tool", [], "stop")


@on_every_engine
@that_force
@whole_and_streamed
@pytest.mark.parametrize("choice", ["required", "clock"])
async def test_a_call_can_be_forced(every: World, surface: Surface, kind: str, stream: bool, choice: str) -> None:
    answer = await said(
        every, surface, Wish(f"m-{kind}", "Say what you like.", stream=stream, tools=TOOLS, choice=choice)
    )
    assert answer.finish == "tools"
    assert not answer.text
    (call,) = answer.calls
    assert call.name == ("clock" if choice == "clock" else "weather")
    assert set(call.arguments) == ({"zone"} if choice == "clock" else {"city", "days"})
    assert call.id


@on_every_engine
@that_force
@whole_and_streamed
async def test_tools_can_be_forbidden(every: World, surface: Surface, kind: str, stream: bool) -> None:
    text = 'call clock {"zone": "CET"}'
    answer = await said(every, surface, Wish(f"m-{kind}", text, stream=stream, tools=TOOLS, choice="none"))
    assert answer.calls == []
    assert answer.text
    assert answer.finish == "stop"


@on_every_engine
@whole_and_streamed
@pytest.mark.parametrize("surface", [*TOOLED, OLLAMA_GENERATE], ids=lambda surface: surface.name)
async def test_an_answer_keeps_to_a_schema(every: World, surface: Surface, kind: str, stream: bool) -> None:
    answer = await said(every, surface, Wish(f"m-{kind}", "A person.", stream=stream, schema=PERSON))
    person = json.loads(answer.text)
    assert set(person) == {"name", "age", "tags", "note"}
    assert isinstance(person["age"], int)


@pytest.mark.parametrize(
    ("surface", "fields"),
    [
        (OPENAI_CHAT, {"response_format": {"type": "json_object"}}),
        (RESPONSES, {"text": {"format": {"type": "json_object"}}}),
        (OLLAMA_CHAT, {"format": "json"}),
        (OLLAMA_GENERATE, {"format": "json"}),
    ],
    ids=lambda value: value.name if isinstance(value, Surface) else "",
)
@on_every_engine
async def test_an_answer_can_be_any_json(every: World, surface: Surface, fields: Any, kind: str) -> None:
    answer = await said(every, surface, Wish(f"m-{kind}", "Some JSON.", more=tuple(fields.items())))
    assert isinstance(json.loads(answer.text), dict)


@on_every_engine
@whole_and_streamed
@pytest.mark.parametrize("surface", CHATS, ids=lambda surface: surface.name)
async def test_reasoning_is_told_apart(every: World, surface: Surface, kind: str, stream: bool) -> None:
    text = "think: let me see\nsay: so be it"
    wish = Wish(f"think-{kind}", text, stream=stream, think=True)
    answer = await said(every, surface, wish)
    assert (answer.reasoning, answer.text, answer.finish) == ("let me see", "so be it", "stop")
    answer = await said(every, surface, replace(wish, think=False))
    assert (answer.reasoning, answer.text, answer.finish) == ("", "so be it", "stop")


@on_every_engine
@whole_and_streamed
@pytest.mark.parametrize("surface", CHATS, ids=lambda surface: surface.name)
async def test_images_reach_the_engine(every: World, surface: Surface, kind: str, stream: bool) -> None:
    fake = every.engines[kind]
    wish = Wish(f"m-{kind}", "say: a dot", stream=stream, image=PNG_B64)
    answer = await said(every, surface, wish)
    assert answer.text == "a dot"
    assert PNG_B64.encode() in last_call(fake)
    # An image has its price: the fake's is 256 tokens.
    assert answer.prompt is not None
    assert answer.prompt > 256


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.png", "http://localhost/a.png", "http://169.254.169.254/latest"])
@pytest.mark.parametrize("surface", [OPENAI_CHAT, RESPONSES, MESSAGES, NATIVE_CHAT], ids=lambda surface: surface.name)
async def test_images_from_inside_the_network_are_refused(every: World, surface: Surface, url: str) -> None:
    before = sum(fake.counters.started for fake in every.engines.values())
    wish = Wish("m-openai", image=url, stream=True)
    reply = await every.client.post(surface.path, surface.body(wish))
    assert reply.status == 400
    assert b"not public" in reply.body
    assert sum(fake.counters.started for fake in every.engines.values()) == before


@pytest.mark.parametrize("kind", ["ollama", "llamacpp", "openai"])
@pytest.mark.parametrize("surface", CHATS, ids=lambda surface: surface.name)
async def test_a_model_that_cannot_see_says_so(every: World, surface: Surface, kind: str) -> None:
    reply = await every.client.post(surface.path, surface.body(Wish(f"plain-{kind}", image=PNG_B64)))
    assert reply.status == 400, reply.body
    assert b"vision" in reply.body or b"image" in reply.body
    assert f"plain-{kind}".encode() in reply.body or kind == "openai"


# A server that speaks only OpenAI's API does not tell what its models can do.
@pytest.mark.parametrize("kind", ["ollama", "llamacpp"])
@pytest.mark.parametrize("surface", TOOLED, ids=lambda surface: surface.name)
async def test_a_model_without_tools_says_so(every: World, surface: Surface, kind: str) -> None:
    reply = await every.client.post(surface.path, surface.body(Wish(f"plain-{kind}", tools=TOOLS)))
    assert reply.status == 400, reply.body
    assert b"does not support tools" in reply.body


@on_every_engine
@whole_and_streamed
@pytest.mark.parametrize("surface", [OPENAI_CHAT, COMPLETION], ids=lambda surface: surface.name)
async def test_several_answers_to_one_question(every: World, surface: Surface, kind: str, stream: bool) -> None:
    wish = Wish(f"m-{kind}", "Anything.", stream=stream, n=3, seed=5, max_tokens=8)
    answer = await said(every, surface, wish)
    texts = [answer.text, *answer.others]
    assert len(set(texts)) == 3
    assert answer.completion is not None
    assert answer.completion > 8


@on_every_engine
@whole_and_streamed
async def test_several_prompts(every: World, kind: str, stream: bool) -> None:
    wish = Wish(f"m-{kind}", stream=stream, more=(("prompt", ["say: one", "say: two"]),))
    answer = await said(every, COMPLETION, wish)
    assert [answer.text, *answer.others] == ["one", "two"]
    wish = replace(wish, n=2, more=(("prompt", ["say: one", "say: two"]),))
    answer = await said(every, COMPLETION, wish)
    assert [answer.text, *answer.others] == ["one", "one", "two", "two"]


@on_every_engine
@whole_and_streamed
async def test_a_prompt_can_be_echoed(every: World, kind: str, stream: bool) -> None:
    wish = Wish(f"m-{kind}", "say: one", stream=stream, more=(("echo", True),))
    assert (await said(every, COMPLETION, wish)).text == "say: oneone"


async def test_log_probabilities_are_asked_for(every: World) -> None:
    for kind in KINDS:
        wish = Wish(f"m-{kind}", more=(("logprobs", True), ("top_logprobs", 2)))
        await said(every, OPENAI_CHAT, wish)
        fields = json.loads(last_call(every.engines[kind]))
        assert (fields["logprobs"], fields["top_logprobs"]) == (True, 2)
