"""What clients do without being asked: fields nobody knows, nulls, silence, warm-ups; and what they get in a crowd."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from potluck.config.model import Config, QueueConfig
from tests.matrix.errors import checked_error
from tests.matrix.framing import chunks, events
from tests.matrix.http import Reply
from tests.matrix.surfaces import (
    CHATS,
    COMPLETION,
    EMBEDDERS,
    INFILL,
    MESSAGES,
    NATIVE_CHAT,
    NATIVE_COMPLETE,
    OLLAMA_CHAT,
    OPENAI_CHAT,
    RESPONSES,
    TEXTS,
    Surface,
    Wish,
    both_ways,
)
from tests.matrix.test_breaking import broken_off, well
from tests.matrix.world import ALL, KINDS, PAIRS, World, engine, settled, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)
on_every_surface = pytest.mark.parametrize("surface", TEXTS, ids=lambda surface: surface.name)
SUFFIX = "\n    return nothing_else\n"


def _wish(surface: Surface, model: str, text: str = "say: hello", *, stream: bool = False, **more: Any) -> Wish:
    return Wish(model, text, stream=stream, suffix=SUFFIX if surface.code else "", more=tuple(more.items()))


@on_every_engine
@on_every_surface
async def test_fields_that_nobody_knows_are_ignored(every: World, surface: Surface, kind: str) -> None:
    wish = _wish(
        surface, f"m-{kind}", x_unknown={"deep": [1, None]}, metadata={"a": "b"}, user="u", service_tier="auto"
    )
    path = f"{surface.path}?beta=true&x=%20"
    assert surface.read(wish, await every.client.post(path, surface.body(wish))).text == "hello"


@on_every_surface
async def test_the_class_of_a_call_may_be_said_and_a_wrong_one_is_told(every: World, surface: Surface) -> None:
    wish = _wish(surface, "m-ollama")
    said = {"x-potluck-class": "batch", "x-potluck-deadline-s": "60"}
    reply = await every.client.post(surface.path, surface.body(wish), headers=said)
    assert surface.read(wish, reply).text == "hello"
    reply = await every.client.post(surface.path, surface.body(wish), headers={"x-potluck-class": "urgent"})
    text = checked_error(surface.family, reply, 400)
    assert surface.name == "tabby" or "Known are completion, chat, " in text


NULLS = {
    "openai": "temperature top_p n stop seed tools tool_choice response_format stream stream_options logprobs "
    "max_tokens max_completion_tokens user metadata reasoning_effort instructions text reasoning include store "
    "parallel_tool_calls previous_response_id truncation suffix echo best_of logit_bias presence_penalty",
    "anthropic": "system temperature top_p top_k stop_sequences tools tool_choice thinking metadata stream "
    "output_config context_management",
    "ollama": "options tools format keep_alive think images system template context raw suffix",
    "llamacpp": "temperature top_k top_p min_p seed stop stream input_extra prompt samplers",
    "tabby": "language user temperature seed mode",
}


@on_every_engine
@pytest.mark.parametrize("surface", [each for each in TEXTS if each.family in NULLS], ids=lambda each: each.name)
async def test_null_is_as_good_as_nothing(every: World, surface: Surface, kind: str) -> None:
    wish = _wish(surface, f"m-{kind}")
    nulls = {} if surface.code and surface.family == "openai" else dict.fromkeys(NULLS[surface.family].split())
    body = {**nulls, **surface.body(wish)}
    assert surface.read(wish, await every.client.post(surface.path, body)).text == "hello"


@on_every_engine
async def test_usage_comes_in_streams_only_if_it_is_asked_for(every: World, kind: str) -> None:
    for surface, kind_of_chunk in ((OPENAI_CHAT, "chat.completion.chunk"), (COMPLETION, "text_completion")):
        for wanted in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
            wish = _wish(surface, f"m-{kind}", stream=True)
            body = {key: value for key, value in surface.body(wish).items() if key != "stream_options"}
            reply = await every.client.post(surface.path, {**body, **wanted})
            found = chunks(reply, kind_of_chunk)
            assert all(not chunk.get("usage") and chunk["choices"] for chunk in found)
            # It is counted all the same.
            story = await every.story(reply.headers["x-potluck-request-id"])
            assert (story["usage"]["completion_tokens"] > 0, story["usage"]["estimated"]) == (True, False)


@on_every_engine
async def test_ollama_streams_unless_told_otherwise(every: World, kind: str) -> None:
    for surface in CHATS:
        if surface.family == "ollama":
            wish = _wish(surface, f"m-{kind}", stream=True)
            body = {key: value for key, value in surface.body(wish).items() if key != "stream"}
            assert surface.read(wish, await every.client.post(surface.path, body)).text == "hello"


@on_every_engine
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", ["m", "plain"])
async def test_a_warm_up_of_an_editor_loads_and_says_nothing(every: World, model: str, kind: str, stream: bool) -> None:
    body = {"model": f"{model}-{kind}", "n_predict": 0, "samplers": [], "input_prefix": "", "input_suffix": ""}
    before = every.engines["llamacpp"].counters.started
    reply = await every.client.post("/infill", {**body, "prompt": "", "stream": stream})
    said = INFILL.read(Wish("", stream=stream), reply)
    if (model, kind) == ("m", "llamacpp"):
        # It goes through, so that the prompt's cache is warm, too; the server answers with one token at least.
        assert said.completion == 1
        assert every.engines["llamacpp"].counters.started == before + 1
    else:
        assert (said.text, said.completion, said.finish) == ("", 0, "loaded")


@on_every_engine
@both_ways(*(each for each in TEXTS if each.code))
async def test_a_model_that_was_never_taught_to_fill_in_is_instructed(
    every: World, surface: Surface, kind: str, stream: bool
) -> None:
    wish = _wish(surface, f"plain-{kind}", "say: filled in", stream=stream)
    said = surface.read(wish, await every.client.post(surface.path, surface.body(wish)))
    assert said.text == "filled in"


# --- vectors ---


@on_every_engine
async def test_vectors_in_base64_are_the_same(every: World, kind: str) -> None:
    model = "embed-openai" if kind == "openai" else f"m-{kind}"
    body = {"model": model, "input": "the amber fjord"}
    plain = (await every.client.post("/v1/embeddings", body)).json["data"][0]["embedding"]
    coded = (await every.client.post("/v1/embeddings", {**body, "encoding_format": "base64"})).json["data"][0]
    unpacked = struct.unpack(f"<{len(plain)}f", base64.b64decode(coded["embedding"]))
    assert unpacked == pytest.approx(plain, abs=1e-6)


async def test_token_ids_go_where_they_can(every: World) -> None:
    for kind in ("llamacpp", "openai"):
        model = "embed-openai" if kind == "openai" else f"m-{kind}"
        for ids in ([1, 2, 3], [[1, 2], [3]]):
            assert (await every.client.post("/v1/embeddings", {"model": model, "input": ids})).status == 200
        reply = await every.client.post("/v1/completions", {"model": f"m-{kind}", "prompt": [1, 2, 3]})
        assert reply.status == 200
    for path, field in (("/v1/embeddings", "input"), ("/v1/completions", "prompt")):
        reply = await every.client.post(path, {"model": "m-ollama", field: [1, 2, 3]})
        checked_error("openai", reply, 400, words="token ids")


@pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
async def test_a_model_that_only_writes_cannot_embed(every: World, embedder: Any) -> None:
    for kind in KINDS:
        reply = await every.client.post(embedder.path, embedder.body(f"plain-{kind}", ["a"]))
        checked_error(embedder.family, reply, 400, words="does not support embedding")


@on_every_surface
async def test_a_model_that_only_embeds_cannot_write(every: World, surface: Surface) -> None:
    reply = await every.client.post(surface.path, surface.body(_wish(surface, "embed-openai")))
    status = 501 if surface is INFILL else 400
    checked_error(surface.family, reply, status, words="does not support completion")


# --- silence ---


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thoughtful(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Engines that are silent for 0.3 s at first, and a service that finds 0.05 s long."""
    specs = [
        engine(f"{kind}-{number}", kind, f"m-{kind},capabilities={ALL},resident=true", slots=2)
        for kind in KINDS
        for number in (1, 2)
    ]
    async with world(tmp_path_factory.mktemp("thoughtful"), *specs, routes=PAIRS) as made:
        made.app.relay.limits = replace(made.app.relay.limits, keep_alive_s=0.05, first_byte_s=0.4)

        async def sweep() -> None:
            while True:
                await asyncio.sleep(0.02)
                made.app.relay.sweep()

        sweeping = asyncio.ensure_future(sweep())
        yield made
        sweeping.cancel()


STREAMED = [
    each for each in TEXTS if each.streamed is not None and each.family not in ("ollama", "native")
]  # NDJSON has no legal silence, and the native API has its own


@on_every_engine
@pytest.mark.parametrize("surface", STREAMED, ids=lambda surface: surface.name)
async def test_a_silence_is_filled_and_another_engine_may_still_answer(
    thoughtful: World, surface: Surface, kind: str
) -> None:
    await well(thoughtful)
    thoughtful.engines[f"{kind}-1"].fault("hang")
    wish = _wish(surface, f"pair-{kind}", stream=True)
    reply = await thoughtful.client.post(surface.path, surface.body(wish))
    quiet = b'event: ping\ndata: {"type":"ping"}\n\n' if b"event: ping" in reply.body else b": ping\n\n"
    assert reply.body.count(quiet) >= 2
    # Who hears it answer is told in a comment who it is: the head was out long before.
    seated = [piece for piece in reply.pieces if piece.startswith(b": seated ")]
    assert [piece.split()[2] for piece in seated] == [f"node={kind}-2".encode()]
    pieces = _said(reply, quiet)
    assert surface.read(wish, replace(reply, body=b"".join(pieces), pieces=pieces)).text == "hello"
    story = await thoughtful.story(reply.headers["x-potluck-request-id"])
    assert story["node"] == f"{kind}-2"
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["NodeTimeout", "ok"]


@pytest.mark.parametrize("surface", STREAMED, ids=lambda surface: surface.name)
async def test_who_was_kept_waiting_in_vain_is_told_in_band(thoughtful: World, surface: Surface) -> None:
    await well(thoughtful)
    for number in (1, 2):
        thoughtful.engines[f"openai-{number}"].fault("hang")
    wish = _wish(surface, "m-openai", stream=True)
    reply = await thoughtful.client.post(surface.path, surface.body(wish))
    quiet = b'event: ping\ndata: {"type":"ping"}\n\n' if b"event: ping" in reply.body else b": ping\n\n"
    assert quiet in reply.body
    assert broken_off(surface, replace(reply, body=b"".join(_said(reply, quiet)))) == ""


def _said(reply: Reply, quiet: bytes) -> list[bytes]:
    """What is left of a stream without its comments and pings."""
    pieces = (piece.replace(quiet, b"") for piece in reply.pieces if not piece.startswith(b": seated "))
    return [piece for piece in pieces if piece]


async def test_ollamas_clients_are_left_in_peace(thoughtful: World) -> None:
    for stream in (True, False):
        thoughtful.engines["ollama-1"].fault("hang", seconds=0.15)
        wish = _wish(OLLAMA_CHAT, "pair-ollama", stream=stream)
        assert OLLAMA_CHAT.read(wish, await thoughtful.client.post(OLLAMA_CHAT.path, OLLAMA_CHAT.body(wish))).text


# --- a crowd ---


def _short_line(config: Config) -> Config:
    return msgspec.structs.replace(config, queue=QueueConfig(depth=1, max_wait_s=1.0))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """One slot, and one place to wait for it, for a second."""
    spec = engine("openai", "openai", "m-openai,capabilities=completion+tools,decode=50", slots=1)
    async with world(tmp_path_factory.mktemp("crowded"), spec, change=_short_line) as made:
        yield made


@both_ways(*TEXTS)
async def test_who_finds_no_place_to_wait_is_told_when_to_come_again(
    crowded: World, surface: Surface, stream: bool
) -> None:
    async with crowded.client.connection() as served, crowded.client.connection() as waiting:
        for connection in (served, waiting):
            connection.send("POST", OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m-openai", "repeat 500", stream=True)))
            await asyncio.sleep(0)
        await settled(lambda: crowded.app.relay.waiting() == 1)
        reply = await crowded.client.post(surface.path, surface.body(_wish(surface, "m-openai", stream=stream)))
        text = checked_error(surface.family, reply, 529 if surface.family == "anthropic" else 503)
        if surface.family == "ollama":
            assert text.startswith("server busy, please try again.  maximum pending requests exceeded")
        served.cut()
        waiting.cut()
        await settled(lambda: crowded.busy() == 0)


async def test_who_waits_too_long_is_told_so(crowded: World) -> None:
    async with crowded.client.connection() as served:
        served.send("POST", OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m-openai", "repeat 500", stream=True)))
        await served.head()
        reply = await crowded.client.post(MESSAGES.path, MESSAGES.body(Wish("m-openai", stream=True)))
        checked_error("anthropic", reply, 529)
        served.cut()
        await settled(lambda: crowded.busy() == 0)


async def test_who_waits_is_served_in_turn_and_the_wait_is_told(crowded: World) -> None:
    async with crowded.client.connection() as served:
        served.send("POST", OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m-openai", "repeat 5", stream=True)))
        await settled(lambda: crowded.busy() == 1)
        for surface in (NATIVE_CHAT, RESPONSES, NATIVE_COMPLETE):
            wish = _wish(surface, "m-openai", "say: x")
            reply = await crowded.client.post(surface.path, surface.body(wish))
            assert surface.read(wish, reply).text == "x"
            waited_ms = int(reply.headers["x-potluck-queue-ms"])
            story = await crowded.story(reply.headers["x-potluck-request-id"])
            assert story["queue_s"] * 1000 == pytest.approx(waited_ms, abs=1)
            if surface is NATIVE_CHAT:
                assert waited_ms >= 0


async def test_native_streams_say_where_they_come_from(every: World) -> None:
    wish = _wish(NATIVE_CHAT, "m-ollama", stream=True)
    reply = await every.client.post(NATIVE_CHAT.path, NATIVE_CHAT.body(wish))
    meta = events(reply)[0][1]
    assert (meta["node"], meta["request_id"]) == ("ollama", reply.headers["x-potluck-request-id"])
    numbers = [int(line[4:]) for line in reply.body.decode().splitlines() if line.startswith("id: ")]
    assert numbers == list(range(1, len(numbers) + 1))
    json.dumps(meta)
