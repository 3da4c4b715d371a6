"""What every answer tells beside the answer: over every door, streamed or not, and in errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import anthropic
import ollama
import openai
import pytest
import pytest_asyncio

from potluck.core.errors import QueueFull
from potluck.gateway.answer_headers import ATTEMPTS, NODE, QUEUE_ETA_MS, QUEUE_MS, QUEUE_POSITION, REQUEST_ID
from tests.matrix.http import Reply
from tests.matrix.surfaces import EMBEDDERS, MESSAGES, OPENAI_CHAT, TEXTS, Embedder, Surface, Wish, both_ways
from tests.matrix.world import ALL, KINDS, World, engine, settled, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

SUFFIX = "\n    return nothing_else\n"


def wish(surface: Surface, model: str, text: str = "say: hello", *, stream: bool = False) -> Wish:
    return Wish(model, text, stream=stream, suffix=SUFFIX if surface.code else "")


def told(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("x-potluck-")}


@pytest.mark.parametrize("kind", KINDS)
@both_ways(*TEXTS)
async def test_every_answer_names_its_call_its_node_and_its_wait(
    every: World, surface: Surface, kind: str, stream: bool
) -> None:
    body = surface.body(wish(surface, f"m-{kind}", stream=stream))
    head = told(await every.client.post(surface.path, body))
    assert head[NODE] == kind
    assert head[ATTEMPTS] == "1"
    assert 0 <= int(head[QUEUE_MS]) < 1000
    story = await every.story(head[REQUEST_ID])
    assert (story["node"], story["status"]) == (kind, "ok")
    assert not {QUEUE_POSITION, QUEUE_ETA_MS} & set(head)


@pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
async def test_vectors_too(every: World, embedder: Embedder) -> None:
    head = told(await every.client.post(embedder.path, embedder.body("m-llamacpp", ["one two"])))
    assert {REQUEST_ID, NODE, ATTEMPTS, QUEUE_MS} <= set(head)
    assert head[NODE] == "llamacpp"


@both_ways(*TEXTS)
async def test_errors_name_the_call_that_the_log_knows(every: World, surface: Surface, stream: bool) -> None:
    reply = await every.client.post(surface.path, surface.body(wish(surface, "nobody", stream=stream)))
    head = told(reply)
    assert reply.status in (400, 404)
    story = await every.story(head[REQUEST_ID])
    assert (story["id"], story["node"]) == (head[REQUEST_ID], None)
    assert not {NODE, ATTEMPTS} & set(head)
    assert (QUEUE_MS in head) == (surface.family != "native")


@pytest.mark.parametrize("surface", TEXTS, ids=lambda surface: surface.name)
async def test_refusals_before_there_is_a_call_have_the_id_alone(every: World, surface: Surface) -> None:
    for how in ({"key": "pk-wrong"}, {"key": ""}):
        reply = await every.client.post(surface.path, surface.body(wish(surface, "m-openai")), **how)
        assert reply.status == 401
        assert set(told(reply)) == {REQUEST_ID}
    broken = await every.client.post(surface.path, b'{"model":')
    assert broken.status in (400, 422)
    assert set(told(broken)) == {REQUEST_ID}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def narrow(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """One slot, and a service that finds 0.05 s in line long."""
    spec = engine("one", "openai", f"m,capabilities={ALL},decode=200,resident=true", slots=1)
    async with world(tmp_path_factory.mktemp("narrow"), spec) as made:
        made.app.relay.limits = replace(made.app.relay.limits, keep_alive_s=0.05)

        async def sweep() -> None:
            while True:
                await asyncio.sleep(0.02)
                made.app.relay.sweep()

        sweeping = asyncio.ensure_future(sweep())
        yield made
        sweeping.cancel()


async def hold(made: World, connection: Any) -> None:
    """Take the one slot, until `let_go`."""
    made.engines["one"].fault("hang")
    connection.send("POST", OPENAI_CHAT.path, OPENAI_CHAT.body(Wish("m", "say: held")))
    await settled(lambda: made.busy() == 1, within_s=5)


def let_go(made: World, connection: Any) -> None:
    made.engines["one"].clear_faults()  # in case its call has not come that far yet
    connection.cut()


def says(text: str) -> Any:
    return [{"role": "user", "content": text}]


async def in_line(made: World, asking: Any) -> Any:
    """Run a client's call behind one that holds the slot, and give the slot free when it was told its place."""
    async with made.client.connection() as holder:
        await hold(made, holder)
        asked = asyncio.ensure_future(asking)
        await settled(lambda: made.app.relay.waiting() == 1, within_s=5)
        await settled(lambda: any(each.place is not None for each in waiting(made)), within_s=5)
        let_go(made, holder)
        return await asked


def waiting(made: World) -> list[Any]:
    return [each for each in made.app.relay.exchanges if each.seat is None]


STREAMED = [each for each in TEXTS if each.streamed is not None and each.family not in ("ollama", "native")]


@pytest.mark.parametrize("surface", STREAMED, ids=lambda surface: surface.name)
async def test_a_place_in_line_is_told_in_every_event_stream(narrow: World, surface: Surface) -> None:
    asked = wish(surface, "m", stream=True)
    reply = await in_line(narrow, narrow.client.post(surface.path, surface.body(asked)))
    head = told(reply)
    assert {REQUEST_ID, QUEUE_MS, QUEUE_POSITION, QUEUE_ETA_MS} == set(head)
    assert reply.body.startswith(b": queued position=1 eta=")
    assert b"\n\n: seated node=one attempts=1 queue-ms=" in reply.body
    pieces = [piece for piece in reply.pieces if not piece.startswith((b": queued", b": seated"))]
    assert surface.read(asked, replace(reply, body=b"".join(pieces), pieces=pieces)).text == "hello"


async def test_openais_sdk_passes_over_it(narrow: World) -> None:
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(
            base_url=f"{narrow.client.url}/v1", api_key=narrow.client.key, max_retries=0, timeout=10
        ) as gpt:
            stream = await gpt.chat.completions.create(model="m", messages=says("say: hello"), stream=True)
            chat = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
            return chat, stream.response.headers[QUEUE_POSITION]

    assert await in_line(narrow, ask()) == ("hello", "1")


async def test_openais_responses_pass_over_it(narrow: World) -> None:
    async def ask() -> str:
        async with (
            openai.AsyncOpenAI(
                base_url=f"{narrow.client.url}/v1", api_key=narrow.client.key, max_retries=0, timeout=10
            ) as gpt,
            gpt.responses.stream(model="m", input="say: hello") as stream,
        ):
            return (await stream.get_final_response()).output_text

    assert await in_line(narrow, ask()) == "hello"


async def test_anthropics_sdk_passes_over_it(narrow: World) -> None:
    async def ask() -> str:
        async with (
            anthropic.AsyncAnthropic(
                base_url=narrow.client.url, api_key=narrow.client.key, max_retries=0, timeout=10
            ) as claude,
            claude.messages.stream(model="m", max_tokens=50, messages=says("say: hello")) as stream,
        ):
            return await stream.get_final_text()

    assert await in_line(narrow, ask()) == "hello"


async def test_ollamas_sdk_hears_nothing_before_the_answer(narrow: World) -> None:
    async def ask() -> str:
        async with ollama.AsyncClient(
            host=narrow.client.url, headers={"Authorization": f"Bearer {narrow.client.key}"}
        ) as llama:
            parts = await llama.chat("m", says("say: hello"), stream=True)
            return "".join([part.message.content or "" async for part in parts])

    async with narrow.client.connection() as holder:
        await hold(narrow, holder)
        asked = asyncio.ensure_future(ask())
        await settled(lambda: narrow.app.relay.waiting() == 1, within_s=5)
        await asyncio.sleep(0.12)
        assert [each.began for each in waiting(narrow)] == [False]
        let_go(narrow, holder)
        assert await asked == "hello"


@pytest.mark.parametrize("surface", [OPENAI_CHAT, MESSAGES], ids=lambda surface: surface.name)
async def test_sdks_raise_what_ends_a_wait_in_line(narrow: World, surface: Surface) -> None:
    """The stream began, so the error comes in it: both raise, and neither takes it for an answer."""

    async def ask() -> str:
        url, key = narrow.client.url, narrow.client.key
        claude = anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0, timeout=10)
        gpt = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=10)
        async with claude, gpt:
            if surface is MESSAGES:
                message = await claude.messages.create(
                    model="m", max_tokens=50, messages=says("say: hello"), stream=True
                )
                return "".join([event.type async for event in message])
            stream = await gpt.chat.completions.create(model="m", messages=says("say: hello"), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    async with narrow.client.connection() as holder:
        await hold(narrow, holder)
        asked = asyncio.ensure_future(ask())
        await settled(lambda: any(each.place is not None for each in waiting(narrow)), within_s=5)
        (exchange,) = waiting(narrow)
        narrow.app.relay.dispatcher.leave(exchange)
        exchange.refused(QueueFull("waited too long", retry_after_s=3.0))
        with pytest.raises((openai.APIError, anthropic.APIError), match="waited too long"):
            await asked
        let_go(narrow, holder)
    await settled(lambda: narrow.busy() == 0, within_s=5)
