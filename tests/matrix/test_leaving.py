"""Whoever leaves frees the engine's slot and ours, at once, wherever the call stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.matrix.surfaces import CHATS, EMBEDDERS, TABBY, TEXTS, Embedder, Surface, Wish, both_ways
from tests.matrix.world import ALL, KINDS, World, engine, settled, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def slow(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Engines that write 1000 tokens a second; models named ``read-…`` read 10 of a prompt, and never come to write."""
    specs = [
        engine(
            kind if model == "write" else f"{model}-{kind}",
            kind,
            f"{model}-{kind},capabilities={ALL},{speed},context=100000",
            slots=2,
            num_ctx=100_000,
        )
        for kind in KINDS
        for model, speed in (("write", "decode=1000"), ("read", "prefill=10"))
    ]
    async with world(tmp_path_factory.mktemp("slow"), *specs) as made:
        yield made


async def free(world: World, node: str) -> None:
    """Everything is given back within a second, and the engine noticed that somebody left."""
    fake = world.engines[node]
    await settled(lambda: fake.busy() == 0 and world.busy() == 0 and not world.app.relay.exchanges)
    assert fake.state()["queue"] == 0


def _wish(surface: Surface, model: str, text: str, *, stream: bool) -> Wish:
    return Wish(model, text, stream=stream, max_tokens=5000, suffix="\n    return nothing\n" if surface.code else "")


@on_every_engine
@pytest.mark.parametrize(
    "surface", [each for each in TEXTS if each.streamed is not None], ids=lambda surface: surface.name
)
async def test_leaving_in_the_middle_of_a_stream(slow: World, surface: Surface, kind: str) -> None:
    fake = slow.engines[kind]
    before = fake.counters.cancelled
    async with slow.client.connection() as connection:
        connection.send(
            "POST", surface.path, surface.body(_wish(surface, f"write-{kind}", "repeat 4000\n", stream=True))
        )
        reply = await connection.head()
        assert reply.status == 200
        while b"w3" not in reply.body:
            assert await connection.piece(reply)
        assert (fake.busy(), slow.busy()) == (1, 1)
        connection.cut()
        await free(slow, kind)
    assert fake.counters.cancelled == before + 1
    story = await slow.story(reply.headers["x-potluck-request-id"])
    assert (story["status"], story["http_status"]) == ("cancelled", 499)
    assert story["usage"]["completion_tokens"] > 0


@on_every_engine
@both_ways(*TEXTS)
async def test_leaving_before_the_first_word(slow: World, surface: Surface, kind: str, stream: bool) -> None:
    """Nothing has come back yet, and nothing would for minutes."""
    node = f"read-{kind}"
    fake = slow.engines[node]
    async with slow.client.connection() as connection:
        body = surface.body(_wish(surface, node, "say: x\n" + "word " * 2000, stream=stream))
        connection.send("POST", surface.path, body)
        await settled(lambda: fake.busy() == 1, within_s=5)
        connection.cut()
        await free(slow, node)


@on_every_engine
@pytest.mark.parametrize("surface", [*CHATS, TABBY], ids=lambda surface: surface.name)
async def test_leaving_a_whole_answer_that_is_being_written(slow: World, surface: Surface, kind: str) -> None:
    fake = slow.engines[kind]
    async with slow.client.connection() as connection:
        connection.send(
            "POST", surface.path, surface.body(_wish(surface, f"write-{kind}", "repeat 4000\n", stream=False))
        )
        await settled(lambda: fake.busy() == 1, within_s=5)
        await asyncio.sleep(0.02)
        connection.cut()
        await free(slow, kind)


# A server that speaks only OpenAI's API does not say that such a model can embed.
@pytest.mark.parametrize("kind", ["ollama", "llamacpp"])
@pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
async def test_leaving_an_embedding(slow: World, embedder: Embedder, kind: str) -> None:
    node = f"read-{kind}"
    fake = slow.engines[node]
    async with slow.client.connection() as connection:
        connection.send("POST", embedder.path, embedder.body(node, ["word " * 2000]))
        await settled(lambda: fake.busy() == 1, within_s=5)
        connection.cut()
        await free(slow, node)


@on_every_engine
@pytest.mark.parametrize("surface", CHATS, ids=lambda surface: surface.name)
async def test_leaving_the_line(slow: World, surface: Surface, kind: str) -> None:
    """Both slots are taken: who waits and leaves was never seen by the engine, and the others do not notice."""
    fake = slow.engines[kind]
    async with slow.client.connection() as one, slow.client.connection() as two, slow.client.connection() as three:
        for connection in (one, two):
            connection.send(
                "POST", surface.path, surface.body(_wish(surface, f"write-{kind}", "repeat 4000\n", stream=True))
            )
            assert (await connection.head()).status == 200
        seen = fake.counters.started
        three.send("POST", surface.path, surface.body(_wish(surface, f"write-{kind}", "say: x", stream=True)))
        await settled(lambda: slow.app.relay.waiting() == 1)
        three.cut()
        await settled(lambda: slow.app.relay.waiting() == 0)
        assert fake.counters.started == seen
        assert slow.busy() == 2
        one.cut()
        two.cut()
        await free(slow, kind)


async def test_leaving_a_review(slow: World) -> None:
    """Several calls at once run for one review: all of them end."""
    node = "read-llamacpp"
    fake = slow.engines[node]
    files = [{"path": f"{name}.py", "text": "x = 1\n" * 3000} for name in "abcdef"]
    for stream in (False, True):
        async with slow.client.connection() as connection:
            connection.send("POST", "/api/v1/code/review", {"files": files, "model": node, "stream": stream})
            await settled(lambda: fake.busy() == 2, within_s=5)
            connection.cut()
            await free(slow, node)


async def test_leaving_and_coming_back_thirty_times(slow: World) -> None:
    """Typing: each keystroke cancels the last completion."""
    for kind in KINDS:
        body = {"model": f"write-{kind}", "input_prefix": "repeat 4000\n", "input_suffix": "", "stream": True}
        for number in range(30):
            async with slow.client.connection() as connection:
                connection.send("POST", "/infill", body)
                if number % 3 == 0:
                    await connection.head()
                elif number % 3 == 1:
                    await asyncio.sleep(0)
                connection.cut()
        await free(slow, kind)
