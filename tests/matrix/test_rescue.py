"""Engines that break after the first byte: another one goes on, and the client reads one answer to the letter."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from tests.matrix.http import Reply
from tests.matrix.said import Said
from tests.matrix.surfaces import (
    CHATS,
    COMPLETION,
    INFILL,
    MESSAGES,
    NATIVE_CHAT,
    OLLAMA_CHAT,
    OPENAI_CHAT,
    Surface,
    Wish,
)
from tests.matrix.test_breaking import Trouble, sweep, well
from tests.matrix.world import ALL, KINDS, PAIRS, World, engine, settled, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)

# Characters of two, three and four bytes, a fence, spaces at the beginning and two in a row.
ODD = "  grüße,  日本語 🙂🙃:\n```py\nprint('ä')  # \\n\n```\n\tund  \"so\" weiter" + " größer ß" * 12
SUFFIX = "\n    return nothing\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def all_pairs(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    specs = [
        engine(f"{kind}-{number}", kind, f"m-{kind},capabilities={ALL},resident=true,context=100000", slots=4)
        for kind in KINDS
        for number in (1, 2)
    ]
    async with world(tmp_path_factory.mktemp("rescued"), *specs, routes=PAIRS) as made, sweep(made):
        made.app.relay.limits = replace(made.app.relay.limits, stall_s=60.0)
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def pairs(all_pairs: World) -> AsyncGenerator[World]:
    """All engines are well, before and after."""
    yield all_pairs
    for fake in all_pairs.engines.values():
        fake.clear_faults()
        await fake.accept_again()
    await well(all_pairs)


def crossed(*cases: tuple[Sequence[Surface], Sequence[Trouble]]) -> pytest.MarkDecorator:
    all_cases = [(surface, trouble) for surfaces, troubles in cases for surface in surfaces for trouble in troubles]
    ids = [f"{surface.name}-{trouble}" for surface, trouble in all_cases]
    return pytest.mark.parametrize(("surface", "trouble"), all_cases, ids=ids)


MIDDLE = (Trouble("cut", {"after": 20}), Trouble("in-band", {"after": 20, "message": "CUDA error at /usr/src/x"}))
OTHERS = (
    Trouble("cut", {"after": 3}),
    Trouble("cut", {"after": 41, "reset": True}),
    Trouble("cut-character", {"after": 2}),
    Trouble("cut-character", {"after": 30}),
)
STALL = (Trouble("stall", {"after": 20}),)


def usual(said: Said) -> Said:
    """What must be the same in every answer to one question. A count of tokens over two engines is an estimate."""
    return replace(said, calls=[], prompt=None)


@on_every_engine
@crossed((CHATS, MIDDLE), ((OPENAI_CHAT, MESSAGES, OLLAMA_CHAT), OTHERS), ((OPENAI_CHAT,), STALL))
async def test_an_answer_goes_on_elsewhere(pairs: World, surface: Surface, kind: str, trouble: Trouble) -> None:
    first, second = pairs.engines[f"{kind}-1"], pairs.engines[f"{kind}-2"]
    wish = Wish(f"pair-{kind}", f"say: {ODD}", stream=True)
    undisturbed = surface.read(wish, await pairs.client.post(surface.path, surface.body(wish)))
    assert undisturbed.text == ODD
    first.fault(trouble.kind, **trouble.how)
    reply = await pairs.client.post(surface.path, surface.body(wish))
    assert usual(surface.read(wish, reply)) == usual(undisturbed)
    assert b"CUDA" not in reply.body
    if surface is not NATIVE_CHAT:  # whose head is written by a task of its own: the break may have come before
        assert reply.headers["x-potluck-node"] == f"{kind}-1"
    story = await pairs.story(reply.headers["x-potluck-request-id"])
    assert (story["status"], story["node"]) == ("ok", f"{kind}-2")
    assert [attempt["engine"].split("/")[0] for attempt in story["attempts"]] == [f"{kind}-1", f"{kind}-2"]
    assert story["asked_model"] == f"pair-{kind}"
    assert story["route"] == f"pair-{kind}"
    await settled(lambda: first.busy() == second.busy() == pairs.busy() == 0)


def comments(reply: Reply) -> list[str]:
    """Those that say who goes on, and how. How long the call stood in line is not looked at."""
    found = [line for line in reply.body.decode().splitlines() if line.startswith((": seated", ": rescue"))]
    return [line.partition(" queue-ms")[0] for line in found]


@on_every_engine
async def test_an_event_stream_says_who_goes_on(pairs: World, kind: str) -> None:
    for surface in (OPENAI_CHAT, MESSAGES):
        pairs.engines[f"{kind}-1"].fault("cut", after=5)
        wish = Wish(f"pair-{kind}", "repeat 30\n", stream=True)
        reply = await pairs.client.post(surface.path, surface.body(wish))
        way = {"ollama": "prefill", "llamacpp": "replay", "openai": "final"}[kind]
        assert comments(reply) == [f": seated node={kind}-2 attempts=2", f": rescue way={way}"]
        await well(pairs)


@on_every_engine
async def test_limits_hold_over_the_seam(pairs: World, kind: str) -> None:
    for surface in (OPENAI_CHAT, MESSAGES, OLLAMA_CHAT):
        wish = Wish(f"pair-{kind}", "repeat 300\n", stream=True, max_tokens=50)
        undisturbed = surface.read(wish, await pairs.client.post(surface.path, surface.body(wish)))
        assert len(undisturbed.text.split()) == undisturbed.completion == 50
        pairs.engines[f"{kind}-1"].fault("cut", after=20)
        said = surface.read(wish, await pairs.client.post(surface.path, surface.body(wish)))
        assert usual(said) == usual(undisturbed)
        assert said.finish == "length"
        await well(pairs)


async def test_an_answer_longer_than_the_loaded_context_goes_on_in_a_larger_one(pairs: World) -> None:
    wish = Wish("pair-ollama", "repeat 5000\n", stream=True)
    pairs.engines["ollama-1"].fault("cut", after=4500)
    reply = await pairs.client.post(OLLAMA_CHAT.path, OLLAMA_CHAT.body(wish))
    said = OLLAMA_CHAT.read(wish, reply)
    assert said.text.split() == [f"w{number}" for number in range(1, 5001)]
    assert pairs.engines["ollama-2"].bodies("/api/chat")[-1]["options"]["num_ctx"] > 4500


async def test_characters_of_several_tokens_are_counted_by_the_engine_that_goes_on(pairs: World) -> None:
    # Beside tools llama.cpp takes no grammar, so that the rest alone is asked for, with what is left of the limit.
    text = "say: " + "größer 日本 " * 30
    tools = (("look", {"type": "object", "properties": {}}),)
    wish = Wish("pair-llamacpp", text, stream=True, max_tokens=50, tools=tools)
    undisturbed = OPENAI_CHAT.read(wish, await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish)))
    pairs.engines["llamacpp-1"].fault("cut", after=20)
    reply = await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish))
    assert comments(reply)[-1] == ": rescue way=prefill"
    assert usual(OPENAI_CHAT.read(wish, reply)) == usual(undisturbed)
    counted, nothing = pairs.engines["llamacpp-2"].bodies("/tokenize")[-2:]
    assert undisturbed.text.startswith(counted["content"])
    assert (bool(counted["content"]), nothing["content"]) == (True, "")


@on_every_engine
async def test_stop_sequences_hold_over_the_seam(pairs: World, kind: str) -> None:
    wish = Wish(f"pair-{kind}", "repeat 300\n", stream=True, stop=("w9 w10",))
    for after in (5, 9):
        pairs.engines[f"{kind}-1"].fault("cut", after=after)
        said = OPENAI_CHAT.read(wish, await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish)))
        assert said.text.split() == [f"w{number}" for number in range(1, 9)]
        assert said.finish == "stop"
        await well(pairs)


@on_every_engine
async def test_two_engines_in_a_row_end_in_the_dialects_error_and_nothing_is_faked(pairs: World, kind: str) -> None:
    for number in (1, 2):
        pairs.engines[f"{kind}-{number}"].fault("cut", after=10, times=None, path="/*/chat*")
    wish = Wish(f"pair-{kind}", "repeat 300\n", stream=True)
    reply = await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish))
    assert b"[DONE]" not in reply.body
    assert b'"finish_reason":"' not in reply.body
    *_, last = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]
    assert last["error"]["message"]


@on_every_engine
async def test_what_is_asked_with_a_fixed_answer_may_be_asked_again(pairs: World, kind: str) -> None:
    """Tool calls, thoughts and JSON are not gone on with; the same may come once more, and is held to."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "mood": {"type": "string"}}}
    calls = Wish(
        f"pair-{kind}",
        'call look {"where": "in the garden behind the old house", "how": "carefully"}\n',
        stream=True,
        tools=(("look", {"type": "object"}),),
        more=(("temperature", 0),),
    )
    held = Wish(f"pair-{kind}", "be brief", stream=True, schema=schema, more=(("temperature", 0),))
    for wish in (calls, held):
        undisturbed = OPENAI_CHAT.read(wish, await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish)))
        pairs.engines[f"{kind}-1"].fault("cut", after=5)
        said = OPENAI_CHAT.read(wish, await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish)))
        assert usual(said) == usual(undisturbed)
        assert [(call.name, call.arguments) for call in said.calls] == [
            (call.name, call.arguments) for call in undisturbed.calls
        ]
        await well(pairs)


@on_every_engine
@pytest.mark.parametrize("temperature", [0, 1])
async def test_a_prompt_without_a_template_goes_on_too(pairs: World, kind: str, temperature: float) -> None:
    """The fakes go on with such a prompt by words that each follow from those before."""
    body = {"model": f"pair-{kind}", "prompt": "Once upon a", "stream": True, "max_tokens": 20}
    said: list[tuple[str, str]] = []
    for cut in (False, True):
        if cut:
            pairs.engines[f"{kind}-1"].fault("cut", after=4)
        reply = await pairs.client.post(COMPLETION.path, {**body, "temperature": temperature})
        chunks = [
            json.loads(line[6:])
            for line in reply.body.decode().splitlines()
            if line.startswith("data: ") and not line.endswith("[DONE]")
        ]
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert len({chunk["id"] for chunk in chunks}) == 1
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        said.append(("".join(each["text"] for each in choices), choices[-1]["finish_reason"]))
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", ["llamacpp", "openai"])
async def test_where_nothing_was_shown_but_a_role_the_answer_starts_anew(pairs: World, kind: str) -> None:
    pairs.engines[f"{kind}-1"].fault("cut", after=1)
    wish = Wish(f"pair-{kind}", f"say: {ODD}", stream=True)
    reply = await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish))
    assert OPENAI_CHAT.read(wish, reply).text == ODD
    assert comments(reply) == [f": seated node={kind}-2 attempts=2", ": rescue way=restart"]


@on_every_engine
async def test_json_that_may_come_otherwise_is_not_gone_on_with(pairs: World, kind: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "mood": {"type": "string"}}}
    pairs.engines[f"{kind}-1"].fault("cut", after=3)
    wish = Wish(f"pair-{kind}", "be brief", stream=True, schema=schema)
    reply = await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish))
    assert b'"error"' in reply.body
    assert b"[DONE]" not in reply.body


async def test_code_is_filled_in_to_its_end(pairs: World) -> None:
    wish = Wish("pair-llamacpp", "say: x", stream=True, suffix=SUFFIX)
    undisturbed = INFILL.read(wish, await pairs.client.post(INFILL.path, INFILL.body(wish)))
    pairs.engines["llamacpp-1"].fault("cut", after=3)
    reply = await pairs.client.post(INFILL.path, INFILL.body(wish))
    assert INFILL.read(wish, reply).text == undisturbed.text


async def test_rescues_are_counted_and_can_be_turned_off(pairs: World) -> None:
    async def counts() -> dict[str, float]:
        text = (await pairs.client.get("/metrics")).body.decode()
        found = [line.split() for line in text.splitlines() if line.startswith("potluck_rescues_total{")]
        return {name.partition('"')[2].partition('"')[0]: float(value) for name, value in found}

    before = await counts()
    limits: Any = pairs.app.relay.limits
    wish = Wish("pair-llamacpp", "repeat 30\n", stream=True)
    for bounds in (limits.rescue, replace(limits.rescue, attempts=0)):
        pairs.app.relay.limits = replace(limits, rescue=bounds)
        pairs.engines["llamacpp-1"].fault("cut", after=5)
        await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish))
        await well(pairs)
    pairs.app.relay.limits = limits
    after = await counts()
    assert after["saved"] == before.get("saved", 0.0) + 1
    assert after["lost"] == before.get("lost", 0.0) + 1
