"""Any surface on any engine: the same words, ends and counts, in the client's dialect to the letter."""

from __future__ import annotations

import math

import pytest

from potluck_fake_engine import tokens
from tests.matrix.surfaces import (
    CHATS,
    EMBEDDERS,
    MESSAGES,
    RESPONSES,
    TABBY,
    TEXTS,
    Embedder,
    Surface,
    Wish,
    both_ways,
)
from tests.matrix.world import KINDS, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)

# Some characters of two, three and four bytes, and what JSON and SSE must escape.
HELLO = 'Grüße, "日本" 🎉\nsecond line\ttab \\ end'
CODE = 'x = "é" + f(a)'
SUFFIX = "\n    return nothing_else\n"
LONG = "say: " + " ".join(f"w{i}" for i in range(1, 20))

UNCOUNTED = (TABBY,)


def asked(surface: Surface, kind: str, text: str, *, stream: bool, **how: object) -> Wish:
    return Wish(f"m-{kind}", text, stream=stream, suffix=SUFFIX if surface.code else "", **how)  # type: ignore[arg-type]


@on_every_engine
@both_ways(*TEXTS)
async def test_the_engines_words_arrive(every: World, surface: Surface, kind: str, stream: bool) -> None:
    text = CODE if surface.code else HELLO
    wish = asked(surface, kind, f"say: {text}", stream=stream)
    reply = await every.client.post(surface.path, surface.body(wish))
    said = surface.read(wish, reply)
    assert said.text == text
    assert said.finish in ("stop", None)
    assert said.model in (None, wish.model, f"{wish.model}:latest")
    if surface in UNCOUNTED or (surface.name == "mistral" and stream):
        assert said.completion is None
    else:
        assert said.prompt
        assert said.completion is not None
        # An engine that is only instructed to fill in counts what was cleaned away, too.
        assert said.completion == tokens.count(text) or (surface.code and said.completion > tokens.count(text))
    assert reply.headers["x-potluck-node"] == kind
    assert reply.headers["x-potluck-attempts"] == "1"
    assert reply.headers["x-potluck-queue-ms"].isdigit()
    assert reply.headers["x-potluck-request-id"]


@on_every_engine
@both_ways(*(each for each in TEXTS if each is not TABBY))
async def test_an_answer_ends_at_its_limit_and_says_so(every: World, surface: Surface, kind: str, stream: bool) -> None:
    wish = asked(surface, kind, LONG, stream=stream, max_tokens=3)
    said = surface.read(wish, await every.client.post(surface.path, surface.body(wish)))
    assert (said.text, said.finish) == ("w1 w2 w3", "length")
    assert said.completion in (3, None)


@on_every_engine
@both_ways(*(each for each in TEXTS if each not in (TABBY, RESPONSES)))
async def test_an_answer_ends_at_a_stop_sequence(every: World, surface: Surface, kind: str, stream: bool) -> None:
    wish = asked(surface, kind, LONG, stream=stream, stop=("nothing", " w4"))
    said = surface.read(wish, await every.client.post(surface.path, surface.body(wish)))
    assert (said.text, said.finish) == ("w1 w2 w3", "stop")
    assert said.completion in (3, None)


@on_every_engine
@pytest.mark.parametrize(
    "surface", [each for each in CHATS if each not in (RESPONSES, MESSAGES)], ids=lambda surface: surface.name
)
async def test_the_seed_decides(every: World, surface: Surface, kind: str) -> None:
    async def said(seed: int) -> str:
        wish = Wish(f"m-{kind}", "Anything.", seed=seed)
        return surface.read(wish, await every.client.post(surface.path, surface.body(wish))).text

    assert await said(1) == await said(1) != await said(2)


@on_every_engine
@pytest.mark.parametrize("surface", EMBEDDERS, ids=lambda surface: surface.name)
async def test_texts_become_vectors(every: World, surface: Embedder, kind: str) -> None:
    model = {"openai": "embed-openai"}.get(kind, f"m-{kind}")
    texts = ["the amber fjord", "the amber grove", "xenon"][: 3 if surface.several else 1]
    reply = await every.client.post(surface.path, surface.body(model, texts))
    assert reply.status == 200, reply.body
    vectors = surface.vectors(reply.json)
    assert [len(vector) for vector in vectors] == [384] * len(texts)
    if surface.several:
        assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-3) for vector in vectors)
        near, far = (sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors[1:])
        assert near > far
    assert reply.headers["x-potluck-node"] == kind
