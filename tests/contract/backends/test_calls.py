"""What every backend makes of calls, through its engine's own bytes."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace

import jsonschema
import pytest

from potluck.core.answer import Finish, FinishReason, Text, Timings, Usage, collect
from potluck.core.call import (
    ChatCall,
    EmbedCall,
    EngineHints,
    Format,
    FormatKind,
    InfillCall,
    LoadCall,
    Message,
    Role,
    Sampling,
    TextCall,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.errors import ContextOverflow, ModelNotFound, Unsupported
from potluck.core.model import Capability, EngineKind
from potluck.wire.port import EngineRequest
from tests.contract.backends.rigs import CONTEXT, UNKNOWN, Refused, Rig

pytestmark = pytest.mark.asyncio(loop_scope="session")

BRIEF = Sampling(max_tokens=12, temperature=0)
# Half a second on a quiet machine; the bound is for a busy one.
SOON_S = 3.0
WEATHER = Tool(
    "get_weather",
    "The weather in a city now",
    {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]},
)
ADD = Tool(
    "add",
    "The sum of two numbers",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
)


def said(role: Role, text: str) -> Message:
    return Message(role, (TextPart(text),))


def chat(*texts: str, **fields: object) -> ChatCall:
    """A conversation in which the user speaks first and last."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(said(roles[place % 2], text) for place, text in enumerate(texts))
    return ChatCall("", messages, **{"sampling": BRIEF, **fields})  # type: ignore[arg-type]


def endless() -> ChatCall:
    """A call whose answer takes half a minute, from a fake and from a real model alike."""
    ignored = EngineHints(extra={"ignore_eos": True})
    return chat("repeat 2000", sampling=Sampling(max_tokens=1500, temperature=0), hints=ignored)


async def test_a_streamed_chat_is_text_then_its_end_then_its_cost(rig: Rig) -> None:
    events = await rig.events(chat("Say hello."))
    kinds = [type(event) for event in events]
    assert Text in kinds
    end = kinds.index(Finish)
    assert set(kinds[:end]) == {Text}
    assert set(kinds[end + 1 :]) <= {Usage, Timings}
    assert Usage in kinds[end + 1 :]


async def test_a_whole_chat_says_what_the_streamed_one_says(rig: Rig) -> None:
    call = chat("Tell me about the sea.")
    streamed, whole = await rig.answer(call), await rig.answer(call, stream=False)
    assert streamed.choices[0].text == whole.choices[0].text != ""
    assert streamed.choices[0].finish is whole.choices[0].finish


async def test_usage_counts_prompt_and_answer(rig: Rig) -> None:
    short, long = await rig.answer(chat("Hi.")), await rig.answer(chat("Hi, " + "and hi again, " * 30))
    assert short.usage is not None
    assert long.usage is not None
    assert 0 < short.usage.prompt < long.usage.prompt
    assert 0 < short.usage.completion <= 12
    assert not short.usage.estimated


async def test_an_answer_cut_by_max_tokens_says_so(rig: Rig) -> None:
    answer = await rig.answer(chat("Count: one, two, three, four, and so on.", sampling=Sampling(max_tokens=3)))
    assert answer.choices[0].finish is FinishReason.LENGTH
    assert answer.usage is not None
    assert answer.usage.completion == 3


async def test_a_stop_sequence_ends_the_answer_and_is_not_in_it(rig: Rig) -> None:
    free = (await rig.answer(chat("Tell me about the sea.", sampling=replace(BRIEF, max_tokens=24)))).choices[0].text
    stop = free.split()[2]
    call = chat("Tell me about the sea.", sampling=replace(BRIEF, max_tokens=24, stop=(stop,)))
    choice = (await rig.answer(call)).choices[0]
    assert choice.finish is FinishReason.STOP
    assert stop not in choice.text
    assert free.startswith(choice.text)


async def test_earlier_turns_and_the_system_message_are_part_of_the_prompt(rig: Rig) -> None:
    one = await rig.answer(chat("What is my name?"))
    three = await rig.answer(chat("My name is Ada.", "Hello Ada!", "What is my name?"))
    system = await rig.answer(
        ChatCall("", (said(Role.SYSTEM, "You answer in rhymes. " * 20), said(Role.USER, "Hi.")), sampling=BRIEF)
    )
    assert one.usage is not None
    assert three.usage is not None
    assert system.usage is not None
    assert three.usage.prompt > one.usage.prompt
    assert system.usage.prompt > one.usage.prompt + 40


async def test_one_seed_gives_one_answer(rig: Rig) -> None:
    seeded = Sampling(max_tokens=16, temperature=0.9, seed=11)
    texts = {(await rig.answer(chat("Invent a word.", sampling=seeded))).choices[0].text for _ in range(2)}
    assert len(texts) == 1
    others = [
        (await rig.answer(chat("Invent a word.", sampling=replace(seeded, seed=seed)))).choices[0].text
        for seed in (12, 13, 14)
    ]
    assert any(text not in texts for text in others)


async def test_an_answer_by_schema_satisfies_it(rig: Rig) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "legs": {"type": "integer", "enum": [2, 4]}},
        "required": ["name", "legs"],
        "additionalProperties": False,
    }
    wanted = Format(FormatKind.SCHEMA, schema=schema, name="animal")  # type: ignore[arg-type]
    answer = await rig.answer(chat("Describe a dog as JSON.", format=wanted, sampling=replace(BRIEF, max_tokens=80)))
    jsonschema.validate(json.loads(answer.choices[0].text), schema)


async def test_a_required_tool_call_always_comes_with_valid_arguments(rig: Rig) -> None:
    call = chat(
        "Good morning.",
        tools=(WEATHER, ADD),
        tool_choice=ToolChoice(ToolMode.REQUIRED),
        sampling=replace(BRIEF, max_tokens=120),
    )
    for stream in (True, False):
        choice = (await rig.answer(call, stream=stream)).choices[0]
        assert choice.finish is FinishReason.TOOL_CALLS
        assert choice.text == ""
        (tool_call,) = choice.tool_calls
        assert tool_call.id
        tool = {tool.name: tool for tool in (WEATHER, ADD)}[tool_call.name]
        jsonschema.validate(json.loads(tool_call.arguments), tool.parameters)


async def test_a_named_tool_is_the_one_that_is_called(rig: Rig) -> None:
    call = chat(
        "What is the weather in Paris?",
        tools=(WEATHER, ADD),
        tool_choice=ToolChoice(ToolMode.NAMED, "add"),
        sampling=replace(BRIEF, max_tokens=120),
    )
    (tool_call,) = (await rig.answer(call)).choices[0].tool_calls
    assert tool_call.name == "add"
    jsonschema.validate(json.loads(tool_call.arguments), ADD.parameters)


async def test_a_tool_may_be_called_where_the_model_chooses(rig: Rig) -> None:
    if rig.real:
        pytest.skip("this model is too small to choose one")
    call = chat('call get_weather {"city": "Paris"}', tools=(WEATHER,), sampling=Sampling(max_tokens=80))
    choice = (await rig.answer(call)).choices[0]
    assert choice.finish in (FinishReason.TOOL_CALLS, FinishReason.STOP)
    (tool_call,) = choice.tool_calls
    assert (tool_call.name, json.loads(tool_call.arguments)) == ("get_weather", {"city": "Paris"})


async def test_the_result_of_a_tool_goes_back_to_the_model(rig: Rig) -> None:
    asked = (
        said(Role.USER, "What is the weather in Paris?"),
        Message(Role.ASSISTANT, tool_calls=(ToolCall("call_1", "get_weather", '{"city": "Paris"}'),)),
        Message(Role.TOOL, (TextPart("Sunny, 21 degrees."),), tool_call_id="call_1", name="get_weather"),
    )
    before = await rig.answer(ChatCall("", asked[:1], tools=(WEATHER,), sampling=BRIEF))
    after = await rig.answer(ChatCall("", asked, tools=(WEATHER,), sampling=BRIEF))
    assert after.choices[0].text
    assert before.usage is not None
    assert after.usage is not None
    assert after.usage.prompt > before.usage.prompt


async def test_raw_text_is_continued_without_a_template(rig: Rig) -> None:
    call = TextCall("", ("One, two, three,",), sampling=BRIEF)
    streamed, whole = await rig.answer(call), await rig.answer(call, stream=False)
    assert streamed.choices[0].text == whole.choices[0].text != ""
    assert streamed.usage is not None
    assert streamed.usage.prompt < 12


async def test_a_templated_text_is_one_turn_of_a_user(rig: Rig) -> None:
    raw = await rig.answer(TextCall("", ("Say hello.",), sampling=BRIEF))
    turn = await rig.answer(TextCall("", ("Say hello.",), templated=True, system="Be brief.", sampling=BRIEF))
    assert turn.choices[0].text
    assert raw.usage is not None
    assert turn.usage is not None
    assert turn.usage.prompt > raw.usage.prompt


async def test_vectors_come_in_order_with_length_one(rig: Rig) -> None:
    model = replace(await rig.model(), capabilities=frozenset({Capability.EMBEDDING}))
    texts = ("a red apple", "the parliament of Norway", "a red apple")
    vectors = collect(await rig.events(EmbedCall("", texts), model=model)).vectors
    assert len({len(vector) for vector in vectors}) == 1
    assert len(vectors[0]) >= 384
    assert all(math.isclose(math.hypot(*vector), 1, rel_tol=1e-3) for vector in vectors)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-3)
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-3)


async def test_code_is_filled_in_without_fences_or_echo(rig: Rig) -> None:
    call = InfillCall("", "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n", language="python", sampling=BRIEF)
    answer = await rig.answer(call)
    assert "```" not in answer.choices[0].text
    assert "def add" not in answer.choices[0].text
    assert answer.choices[0].finish in (FinishReason.STOP, FinishReason.LENGTH)


async def test_strict_filling_in_is_refused_by_a_model_that_cannot(rig: Rig) -> None:
    model = replace(await rig.model(), capabilities=frozenset({Capability.COMPLETION}))
    with pytest.raises(Unsupported) as caught:
        rig.backend.encode(InfillCall(model.id, "a", "b", strict=True), model, stream=False)
    assert caught.value.feature == "insert"


async def test_a_prompt_over_the_context_is_refused_and_not_cut(rig: Rig) -> None:
    """With both numbers, but by Ollama, which tells none."""
    with pytest.raises(Refused) as caught:
        await rig.events(chat("word " * (CONTEXT + 200)))
    error = caught.value.error
    assert isinstance(error, ContextOverflow)
    if rig.backend.kind is EngineKind.OLLAMA:
        assert (error.prompt_tokens, error.context) == (0, 0)
    else:
        assert error.prompt_tokens > CONTEXT
        assert error.context == CONTEXT


async def test_a_model_that_is_not_there_is_not_found(rig: Rig) -> None:
    if rig.backend.kind is EngineKind.LLAMACPP:
        pytest.skip("a server of one model answers to every name")
    with pytest.raises((Refused, ModelNotFound)) as caught:
        await rig.events(chat("Hi."), model=UNKNOWN)
    error = caught.value.error if isinstance(caught.value, Refused) else caught.value
    assert isinstance(error, ModelNotFound)


async def test_loading_a_model_ends_with_load(rig: Rig) -> None:
    events = await rig.events(LoadCall(""), stream=False)
    assert Finish(FinishReason.LOAD) in events


async def test_a_client_that_leaves_frees_the_slot_soon(rig: Rig) -> None:
    model = await rig.model()
    call = endless()
    request = rig.backend.encode(replace(call, model=model.id), model, stream=True)
    assert isinstance(request, EngineRequest)
    async with rig.opened(call, request, model) as reply:
        assert await reply.content.readany()
        assert await rig.busy() == 1
    async with asyncio.timeout(SOON_S):
        while await rig.busy():
            await asyncio.sleep(0.02)


async def test_a_client_that_leaves_before_its_whole_answer_frees_the_slot_soon(rig: Rig) -> None:
    model = await rig.model()
    call = endless()
    request = rig.backend.encode(replace(call, model=model.id), model, stream=False)
    assert isinstance(request, EngineRequest)

    async def wait_for_it() -> None:
        async with rig.opened(call, request, model) as reply:
            await reply.read()

    asked = asyncio.ensure_future(wait_for_it())
    async with asyncio.timeout(5.0):
        while await rig.busy() != 1:
            await asyncio.sleep(0.02)
    asked.cancel()
    async with asyncio.timeout(SOON_S):
        while await rig.busy():
            await asyncio.sleep(0.02)
