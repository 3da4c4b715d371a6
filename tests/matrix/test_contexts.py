"""Clients of every dialect with settings of their own on engines that count loads, and prompts of every length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.matrix.errors import checked_error
from tests.matrix.http import Reply
from tests.matrix.surfaces import (
    COMPLETION,
    EMBEDDERS,
    MESSAGES,
    NATIVE_CHAT,
    OLLAMA_CHAT,
    OLLAMA_GENERATE,
    OPENAI_CHAT,
    RESPONSES,
    Surface,
    Wish,
)
from tests.matrix.world import ALL, World, engine, world

ON_OLLAMA = (OLLAMA_CHAT, OLLAMA_GENERATE, OPENAI_CHAT, COMPLETION, MESSAGES, RESPONSES, NATIVE_CHAT)
# Two bytes for each token of the fake's: more tokens than anybody would guess.
DENSE = " b"


@pytest_asyncio.fixture
async def ollama(tmp_path: Path) -> AsyncGenerator[World]:
    """An Ollama with a model that can do 16,384 tokens and is loaded with 4,096 unless somebody says more."""
    async with world(tmp_path, engine("o", "ollama", f"m,context=16384,capabilities={ALL}", slots=8)) as made:
        yield made


async def ask(made: World, surface: Surface, text: str = "say: hello", **more: Any) -> Reply:
    wish = Wish("m", text, max_tokens=more.pop("max_tokens", None), more=tuple(more.items()))
    return await made.client.post(surface.path, surface.body(wish))


def loads(made: World, node: str = "o") -> int:
    return made.engines[node].counters.loads


async def look(made: World) -> None:
    """What the watch does every half minute."""
    for installation in made.app.fleet.installations.values():
        made.app.fleet.reported(installation.id, await installation.backend.probe(installation.http))


SETTINGS: tuple[dict[str, Any], ...] = (
    {"num_ctx": 2048},
    {"num_ctx": 8192, "num_gpu": 1},
    {"num_ctx": 131072},
    {"num_batch": 64, "num_thread": 2, "main_gpu": 0, "use_mmap": False},
    {"temperature": 0.5},
)


@pytest.mark.parametrize("looked", [False, True])
async def test_whatever_clients_say_of_the_runner_a_model_is_loaded_once(ollama: World, looked: bool) -> None:
    assert (await ask(ollama, OPENAI_CHAT)).status == 200
    if looked:
        await look(ollama)
    for surface in ON_OLLAMA:
        said = SETTINGS if surface in (OLLAMA_CHAT, OLLAMA_GENERATE, OPENAI_CHAT) else ({},)
        for options in said:
            reply = await ask(ollama, surface, **({"options": options} if options else {}))
            assert reply.status == 200, reply.body
    for embedder in EMBEDDERS:
        reply = await ollama.client.post(embedder.path, {"model": "m", embedder.field: "hello"})
        assert reply.status == 200, reply.body
    assert loads(ollama) == 1


async def test_a_crowd_with_settings_of_their_own_loads_a_cold_model_once(ollama: World) -> None:
    asks = [
        ask(ollama, surface, options={"num_ctx": num_ctx}) if num_ctx else ask(ollama, surface)
        for num_ctx in (9013, 0, 2048, 16384, 12000)
        for surface in (OLLAMA_CHAT, OLLAMA_GENERATE, OPENAI_CHAT)
    ]
    assert {reply.status for reply in await asyncio.gather(*asks)} == {200}
    assert loads(ollama) == 1


async def test_the_client_is_told_what_became_of_its_settings(ollama: World) -> None:
    await ask(ollama, OPENAI_CHAT)
    await look(ollama)
    reply = await ask(ollama, OLLAMA_CHAT, options={"num_ctx": 2048, "num_gpu": 1, "seed": 1})
    assert reply.headers["x-potluck-options"] == "num_ctx=4096, num_gpu=dropped"
    reply = await ask(ollama, OPENAI_CHAT, options={"num_ctx": 4096})
    assert "x-potluck-options" not in reply.headers


async def test_who_wishes_a_larger_context_before_a_model_is_loaded_gets_it_for_all(ollama: World) -> None:
    await ask(ollama, OLLAMA_CHAT, options={"num_ctx": 9013})
    await ask(ollama, OPENAI_CHAT)
    await look(ollama)
    await ask(ollama, MESSAGES)
    assert loads(ollama) == 1
    assert [model.loaded_context for _, model in ollama.app.fleet.where("m")] == [16384]


@pytest.mark.parametrize("surface", ON_OLLAMA, ids=lambda surface: surface.name)
async def test_a_long_prompt_gets_a_larger_context_which_stays(ollama: World, surface: Surface) -> None:
    await ask(ollama, OPENAI_CHAT)
    reply = await ask(ollama, surface, "say: hello" + " word" * 3000)
    assert reply.status == 200, reply.body
    assert loads(ollama) == 2
    for other in ON_OLLAMA:
        await ask(ollama, other)
    assert loads(ollama) == 2


@pytest.mark.parametrize("surface", ON_OLLAMA, ids=lambda surface: surface.name)
async def test_a_prompt_that_has_more_tokens_than_was_guessed_is_not_cut(ollama: World, surface: Surface) -> None:
    """The engine counts, refuses, and is asked again for a larger context."""
    await ask(ollama, OPENAI_CHAT)
    reply = await ask(ollama, surface, "say: hello" + DENSE * 4400)
    assert reply.status == 200, reply.body
    assert loads(ollama) == 2
    assert reply.headers["x-potluck-attempts"] == ("1" if surface is MESSAGES else "2")  # which wants a longer answer


@pytest.mark.parametrize("surface", ON_OLLAMA, ids=lambda surface: surface.name)
@pytest.mark.parametrize(
    "text", ["say: hello" + " word" * 40_000, "say: hello" + DENSE * 20_000], ids=["sure", "dense"]
)
async def test_what_no_context_holds_is_refused_as_the_dialect_does(ollama: World, surface: Surface, text: str) -> None:
    reply = await ask(ollama, surface, text)
    checked_error(surface.family, reply, 400)
    assert b"context" in reply.body
    if surface.family == "openai":
        assert reply.json["error"]["code"] == "context_length_exceeded"


async def test_a_client_that_wants_its_prompt_cut_is_told_that_it_may_be(ollama: World) -> None:
    reply = await ask(ollama, OLLAMA_CHAT, "say: hello" + " word" * 40_000, truncate=True)
    assert reply.status == 200, reply.body
    assert reply.headers["x-potluck-truncated"] == "prompt"


async def test_less_room_than_the_answer_was_allowed_is_told(ollama: World) -> None:
    await ask(ollama, OPENAI_CHAT)
    await look(ollama)
    reply = await ask(ollama, OPENAI_CHAT, max_tokens=32_000)
    assert 3900 < int(reply.headers["x-potluck-answer-room"]) < 4096
    assert "x-potluck-answer-room" not in (await ask(ollama, OPENAI_CHAT, max_tokens=1000)).headers
    assert loads(ollama) == 1


@pytest.mark.parametrize(
    ("kind", "filler"),
    [("llamacpp", " word" * 3000), ("llamacpp", DENSE * 4400), ("openai", DENSE * 4400)],
    ids=["guessed", "counted", "by a server that tells no context"],
)
async def test_a_call_goes_where_its_prompt_fits(tmp_path: Path, kind: str, filler: str) -> None:
    specs = (engine("small", kind, "m,context=4096"), engine("large", kind, "m,context=16384"))
    async with world(tmp_path, *specs) as made:
        for _ in range(3):
            reply = await ask(made, OPENAI_CHAT, "say: hello" + filler)
            assert (reply.status, reply.headers["x-potluck-node"]) == (200, "large")
        short = {(await ask(made, OPENAI_CHAT)).headers["x-potluck-node"] for _ in range(2)}
        assert short <= {"small", "large"}


async def test_a_loaded_context_that_is_enough_is_taken_before_another_is_loaded(tmp_path: Path) -> None:
    specs = (engine("small", "ollama", "m,context=16384"), engine("large", "ollama", "m,context=16384", num_ctx=16384))
    async with world(tmp_path, *specs) as made:
        for node in ("small", "large"):
            await made.engines[node].engine.acquire(made.engines[node].engine.models["m"])
        await look(made)
        reply = await ask(made, OPENAI_CHAT, "say: hello" + " word" * 3000)
        assert reply.headers["x-potluck-node"] == "large"
        assert (loads(made, "small"), loads(made, "large")) == (1, 1)
