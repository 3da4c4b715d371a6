"""What a model may be called, and what the answer calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.config.model import RouteConfig
from potluck.core.model import ModelId
from tests.matrix.errors import checked_error
from tests.matrix.surfaces import (
    CHATS,
    COMPLETION,
    EMBEDDERS,
    INFILL,
    MISTRAL,
    NATIVE_CHAT,
    NATIVE_COMPLETE,
    OLLAMA_CHAT,
    PNG_B64,
    TABBY,
    TEXTS,
    Surface,
    Wish,
)
from tests.matrix.world import ALL, KINDS, World, engine, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_surface = pytest.mark.parametrize("surface", TEXTS, ids=lambda surface: surface.name)


def names_in_answers(surface: Surface, asked: str, kind: str) -> set[str]:
    """Ollama and Anthropic say a model's name as they were asked for it (API-CONTRACTS.md 2); the native API tells
    which model it was; OpenAI's family may do either, for there an engine's own bytes pass."""
    own = {f"m-{kind}:latest" if kind == "ollama" else f"m-{kind}"}
    match surface.family:
        case "ollama" | "anthropic":
            return {asked}
        case "native":
            return own
        case _:
            return {asked} | own


@on_every_surface
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spelling", ["m-{}", "m-{}:latest", "M-{}", "library/m-{}", "registry.ollama.ai/library/m-{}"])
async def test_a_model_goes_by_several_names(every: World, surface: Surface, kind: str, spelling: str) -> None:
    asked = spelling.format(kind.upper() if spelling[0] == "M" else kind)
    wish = Wish(asked, "say: me", suffix="\n    return nothing_else\n" if surface.code else "")
    reply = await every.client.post(surface.path, surface.body(wish))
    said = surface.read(wish, reply)
    assert said.text == "me"
    assert reply.headers["x-potluck-node"] == kind
    if surface is not TABBY:
        assert said.model in names_in_answers(surface, asked, kind)


@on_every_surface
async def test_a_route_is_a_model(every: World, surface: Surface) -> None:
    wish = Wish("writing", "say: routed", suffix="\n    return nothing_else\n" if surface.code else "")
    reply = await every.client.post(surface.path, surface.body(wish))
    said = surface.read(wish, reply)
    assert said.text == "routed"
    assert reply.headers["x-potluck-node"] == "llamacpp"
    assert (await every.story(reply.headers["x-potluck-request-id"]))["route"] == "writing"


@on_every_surface
@pytest.mark.parametrize(("asked", "node", "route"), [("GPT-4o", "ollama", ""), ("scribe", "llamacpp", "writing")])
async def test_an_alias_is_a_model(every: World, surface: Surface, asked: str, node: str, route: str) -> None:
    wish = Wish(asked, "say: known", suffix="\n    return nothing_else\n" if surface.code else "")
    reply = await every.client.post(surface.path, surface.body(wish))
    assert surface.read(wish, reply).text == "known"
    assert reply.headers["x-potluck-node"] == node
    assert reply.headers["x-potluck-model"].removesuffix(":latest") == f"m-{node}"
    assert reply.headers.get("x-potluck-route", "") == route
    story = await every.story(reply.headers["x-potluck-request-id"])
    assert (story["asked_model"], story["route"], story["choice"]) == (asked, route, "")


@on_every_surface
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_auto_chooses_by_the_request_and_says_why(every: World, surface: Surface, stream: bool) -> None:
    suffix = "\n    return nothing_else\n" if surface.code else ""
    wish = Wish("auto", "say: main.py", stream=stream and surface.streamed is not None, suffix=suffix)
    reply = await every.client.post(surface.path, surface.body(wish))
    assert surface.read(wish, reply).text
    assert reply.headers["x-potluck-route"] == "coding"
    assert reply.headers["x-potluck-auto"] == "code: route coding"
    story = await every.story(reply.headers["x-potluck-request-id"])
    assert (story["asked_model"], story["route"], story["choice"]) == ("auto", "coding", "code: route coding")


@pytest.mark.parametrize("surface", CHATS, ids=lambda surface: surface.name)
async def test_auto_takes_one_that_sees_for_images_and_any_that_chats_for_talk(every: World, surface: Surface) -> None:
    wish = Wish("auto", "say: a dot", image=PNG_B64)
    reply = await every.client.post(surface.path, surface.body(wish))
    assert surface.read(wish, reply).text == "a dot"
    assert reply.headers["x-potluck-auto"].startswith("images: ")
    assert reply.headers["x-potluck-model"].startswith("m-")
    wish = Wish("auto", "say: nothing special")
    reply = await every.client.post(surface.path, surface.body(wish))
    assert surface.read(wish, reply).text == "nothing special"
    assert reply.headers["x-potluck-auto"].startswith("chat: model ")


async def test_a_name_with_slash_colon_and_capitals(every: World) -> None:
    for asked in ("Org/Big-Model:7B", "org/big-model:7b"):
        wish = Wish(asked, "say: big")
        reply = await every.client.post(OLLAMA_CHAT.path, OLLAMA_CHAT.body(wish))
        assert OLLAMA_CHAT.read(wish, reply).model == asked
        # The engine is asked by the name that it knows.
        assert every.engines["openai"].bodies("/v1/chat/completions")[-1]["model"] == "Org/Big-Model:7B"


@pytest.mark.parametrize("surface", [INFILL, TABBY, MISTRAL, NATIVE_COMPLETE, NATIVE_CHAT], ids=lambda s: s.name)
async def test_without_a_name_the_route_or_the_first_model_serves(every: World, surface: Surface) -> None:
    wish = Wish("", "say: any", suffix="\n    return nothing_else\n" if surface.code else "")
    body = surface.body(wish)
    del body["model"]
    reply = await every.client.post(surface.path, body)
    assert surface.read(wish, reply).text == "any"
    if surface.code:
        assert reply.headers["x-potluck-node"] == "ollama"  # the route `coding`


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@on_every_surface
async def test_an_unknown_model_is_not_found_and_near_names_are_told(
    every: World, surface: Surface, stream: bool
) -> None:
    reply = await every.client.post(surface.path, surface.body(Wish("m-olama", stream=stream)))
    text = checked_error(surface.family, reply, 404)
    if surface is not TABBY:
        assert "'m-olama' not found" in text
        assert "m-ollama" in text
    if surface.family == "openai":
        assert reply.json["error"]["code"] == "model_not_found"
        assert reply.json["error"]["param"] == "model"


@pytest.mark.parametrize("surface", EMBEDDERS, ids=lambda surface: surface.name)
async def test_an_unknown_embedder_is_not_found(every: World, surface: object) -> None:
    reply = await every.client.post(surface.path, surface.body("nobody", ["a"]))  # type: ignore[attr-defined]
    checked_error(surface.family, reply, 404)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("surface", [*CHATS, COMPLETION, MISTRAL], ids=lambda surface: surface.name)
async def test_streams_say_the_same_name(every: World, surface: Surface, kind: str) -> None:
    wish = Wish(f"M-{kind}", "say: x", stream=True, suffix="\n  end_of_it()\n" if surface.code else "")
    said = surface.read(wish, await every.client.post(surface.path, surface.body(wish)))
    assert said.model in names_in_answers(surface, wish.model, kind)


async def test_a_route_goes_on_to_its_next_model(tmp_path: Path) -> None:
    """When the first one's only machine breaks, is off, or cannot do what the call needs."""
    specs = (
        engine("a", "ollama", "one,capabilities=completion,resident=true"),
        engine("b", "llamacpp", f"two,capabilities={ALL}"),
    )
    routes = {"any": RouteConfig("any", (ModelId("one"), ModelId("two")))}
    async with world(tmp_path, *specs, routes=routes) as made:
        for trouble, node in (("", "a"), ("reset", "b"), ("status", "b"), ("off", "b")):
            if trouble == "off":
                made.engines["a"].refuse()
            elif trouble:
                made.engines["a"].fault(trouble, times=2)
            wish = Wish("any", "say: here")
            reply = await made.client.post(OLLAMA_CHAT.path, OLLAMA_CHAT.body(wish))
            assert OLLAMA_CHAT.read(wish, reply).text == "here"
            assert reply.headers["x-potluck-node"] == node
            made.engines["a"].clear_faults()
        await made.engines["a"].accept_again()
        wish = Wish("any", "say: a dot", image=PNG_B64)
        reply = await made.client.post(OLLAMA_CHAT.path, OLLAMA_CHAT.body(wish))
        assert reply.headers["x-potluck-node"] == "b"
        assert (await made.client.post("/v1/embeddings", {"model": "any", "input": "x"})).status == 200
