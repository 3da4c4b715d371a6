"""Engines that break: before the first byte the next one answers; after it, where nobody may go on (test_rescue.py is
of who may), the stream ends in the dialect's error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio

from potluck.core.health import Seen
from potluck.core.model import Health
from potluck.core.rescue import Bounds
from tests.matrix.errors import checked_error, error_text
from tests.matrix.http import Reply
from tests.matrix.surfaces import (
    EMBEDDERS,
    INFILL,
    MESSAGES,
    NATIVE_CHAT,
    OLLAMA_CHAT,
    OPENAI_CHAT,
    RESPONSES,
    TABBY,
    TEXTS,
    Embedder,
    Surface,
    Wish,
    both_ways,
)
from tests.matrix.world import ALL, KINDS, PAIRS, World, engine, settled, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

on_every_engine = pytest.mark.parametrize("kind", KINDS)
STREAMED = [each for each in TEXTS if each.streamed is not None]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def all_pairs(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Two engines of every kind with the same model, in a route that asks the first one as long as it is well."""
    specs = [
        engine(f"{kind}-{number}", kind, f"m-{kind},capabilities={ALL},resident=true,context=100000", slots=4)
        for kind in KINDS
        for number in (1, 2)
    ]
    specs += [engine("alone", "openai", "m-alone,capabilities=completion+tools", slots=4)]
    async with world(tmp_path_factory.mktemp("pairs"), *specs, routes=PAIRS) as made:
        # Patience of minutes is for models that load; and it is looked at twice a second.
        made.app.relay.limits = replace(made.app.relay.limits, first_byte_s=0.3, stall_s=0.3, rescue=Bounds(attempts=0))
        async with sweep(made):
            yield made


@asynccontextmanager
async def sweep(made: World) -> AsyncGenerator[None]:
    """Look at deadlines more often than twice a second."""

    async def sweeping() -> None:
        while True:
            await asyncio.sleep(0.02)
            made.app.relay.sweep()

    task = asyncio.ensure_future(sweeping())
    yield
    task.cancel()


@contextmanager
def patience(made: World, seconds: float) -> Iterator[None]:
    """Wait longer, where a busy machine must not be taken for a silent engine."""
    before = made.app.relay.limits
    made.app.relay.limits = replace(before, first_byte_s=seconds, stall_s=seconds)
    try:
        yield
    finally:
        made.app.relay.limits = before


@pytest_asyncio.fixture(loop_scope="session")
async def pairs(all_pairs: World) -> AsyncGenerator[World]:
    """All engines are well, before and after."""
    yield all_pairs
    for fake in all_pairs.engines.values():
        fake.clear_faults()
        await fake.accept_again()
    await well(all_pairs)


async def well(made: World) -> None:
    """Every engine is up again, which is looked at now and not in half a minute; what failed before is forgotten."""
    for each in made.app.fleet.snapshot():
        made.app.fleet.saw(each.id, Seen.RESUMED, "the next test begins")

    def up() -> bool:
        ill = [each.id for each in made.app.fleet.snapshot() if each.health is not Health.UP]
        for each in ill:
            made.app.fleet.look_now(each)
        return not ill

    await settled(up, within_s=5)


@dataclass(frozen=True)
class Trouble:
    """A fault of the fake. ``only_wholes``: to a stream it does nothing before the first byte."""

    kind: str
    how: dict[str, Any] = field(default_factory=dict)
    only_wholes: bool = False

    def __str__(self) -> str:
        return "-".join([self.kind, *map(str, self.how.values())])


# Tried on every surface.
BASIC = (
    Trouble("status", {"status": 500}),
    Trouble("malformed"),
    Trouble("cut"),
    Trouble("in-band"),
)
# Tried on one surface of each family.
EARLY = (
    Trouble("reset"),
    Trouble("status", {"status": 502, "body": "<html>bad gateway</html>"}),
    Trouble("status", {"status": 503, "headers": {"retry-after": "100"}}),
    Trouble("status", {"status": 429}),
    Trouble("status", {"status": 401}),
    Trouble("login-page"),
    Trouble("empty"),
    Trouble("cut", {"reset": True}),
    Trouble("wrong-length", only_wholes=True),
    Trouble("cut-character", only_wholes=True),
)


FAMILIES = (OPENAI_CHAT, MESSAGES, OLLAMA_CHAT, NATIVE_CHAT, INFILL)


def _crossed(some: Sequence[Surface], basic: Sequence[Trouble], others: Sequence[Trouble]) -> pytest.MarkDecorator:
    """Every surface with the basic troubles, one of each family with the others."""
    cases = [(surface, trouble) for surface in some for trouble in basic]
    cases += [(surface, trouble) for surface in FAMILIES for trouble in others]
    ids = [f"{surface.name}-{trouble}" for surface, trouble in cases]
    return pytest.mark.parametrize(("surface", "trouble"), cases, ids=ids)


def may_be_stale(trouble: Trouble) -> bool:
    """A reset before any byte may be an idle connection that the engine had closed: the same engine is tried again."""
    return trouble.kind == "reset"


def _wish(surface: Surface, model: str, *, stream: bool) -> Wish:
    return Wish(model, "say: grüße", stream=stream, suffix="\n    return nothing\n" if surface.code else "")


@on_every_engine
@_crossed(TEXTS, BASIC, EARLY)
async def test_what_breaks_early_costs_no_answer(pairs: World, surface: Surface, kind: str, trouble: Trouble) -> None:
    first, second = pairs.engines[f"{kind}-1"], pairs.engines[f"{kind}-2"]
    for stream in (False, True):
        if stream and (surface.streamed is None or trouble.only_wholes):
            continue
        first.fault(trouble.kind, **trouble.how)
        wish = _wish(surface, f"pair-{kind}", stream=stream)
        reply = await pairs.client.post(surface.path, surface.body(wish))
        assert surface.read(wish, reply).text == "grüße"
        served = (reply.headers["x-potluck-node"], reply.headers["x-potluck-attempts"])
        assert served == (f"{kind}-2", "2") or (served == (f"{kind}-1", "1") and may_be_stale(trouble))
        assert first.busy() == second.busy() == pairs.busy() == 0
        await well(pairs)


# A server that speaks only OpenAI's API does not say that such a model can embed.
@pytest.mark.parametrize("kind", ["ollama", "llamacpp"])
@pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
@pytest.mark.parametrize("trouble", [*BASIC, *EARLY], ids=str)
async def test_embeddings_fail_over_too(pairs: World, embedder: Embedder, kind: str, trouble: Trouble) -> None:
    pairs.engines[f"{kind}-1"].fault(trouble.kind, **trouble.how)
    reply = await pairs.client.post(embedder.path, embedder.body(f"pair-{kind}", ["a"]))
    assert reply.status == 200, reply.body
    assert reply.headers["x-potluck-node"] == f"{kind}-2" or may_be_stale(trouble)


@on_every_engine
async def test_a_machine_that_is_off_costs_no_answer(pairs: World, kind: str) -> None:
    pairs.engines[f"{kind}-1"].refuse()
    for surface in STREAMED:
        wish = _wish(surface, f"pair-{kind}", stream=True)
        reply = await pairs.client.post(surface.path, surface.body(wish))
        assert surface.read(wish, reply).text == "grüße"
        assert reply.headers["x-potluck-node"] == f"{kind}-2"


@on_every_engine
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("trouble", ["hang", "silence"])
async def test_a_silent_engine_is_given_up(pairs: World, kind: str, stream: bool, trouble: str) -> None:
    surface = TEXTS[0]
    first = pairs.engines[f"{kind}-1"]
    first.fault(trouble)
    wish = _wish(surface, f"pair-{kind}", stream=stream)
    reply = await pairs.client.post(surface.path, surface.body(wish))
    assert surface.read(wish, reply).text == "grüße"
    assert reply.headers["x-potluck-node"] == f"{kind}-2"
    await settled(lambda: first.busy() == 0)


@both_ways(*FAMILIES, RESPONSES, TABBY)
@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (Trouble("status", {"status": 500, "body": '{"error":{"message":"CUDA /usr/lib/x.so"}}'}), 502),
        (Trouble("login-page"), 502),
        (Trouble("malformed"), 502),
        (Trouble("cut"), 502),
        (Trouble("status", {"status": 503}), 503),
        (Trouble("hang"), 504),
    ],
    ids=str,
)
async def test_without_another_engine_the_error_is_a_status(
    pairs: World, surface: Surface, stream: bool, trouble: Trouble, status: int
) -> None:
    """Even of a stream: nothing had been sent."""
    pairs.engines["alone"].fault(trouble.kind, **trouble.how)
    reply = await pairs.client.post(surface.path, surface.body(_wish(surface, "m-alone", stream=stream)))
    if surface.family == "anthropic" and status == 503:
        status = 529
    text = checked_error(surface.family, reply, status)
    assert "CUDA" not in text
    assert "password" not in text.lower()


LATE = (
    Trouble("cut", {"after": 200}),
    Trouble("in-band", {"after": 200, "message": "CUDA error at /usr/src/llama.cpp:17"}),
)
LATER = (Trouble("cut", {"after": 200, "reset": True}), Trouble("stall", {"after": 200}))


def broken_off(surface: Surface, reply: Reply) -> str:
    """The text that came before the error. Raises `AssertionError` for a stream that looks as if it were whole."""
    assert reply.status == 200
    assert reply.whole, "the framing broke although there is an error in-band"
    text = reply.body.decode()
    assert "CUDA" not in text
    assert "[DONE]" not in text
    if surface.family == "ollama":
        *lines, last = [json.loads(line) for line in text.splitlines()]
        assert not any(line["done"] for line in lines)
        assert error_text("ollama", last)
        return "".join(line["message"]["content"] if "message" in line else line["response"] for line in lines)
    assert text.endswith("\n\n")
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text[:-2].split("\n\n")]
    events = [(block.get("event", ""), json.loads(block["data"])) for block in blocks]
    name, last = events.pop()
    if surface is RESPONSES:
        assert name == "response.failed"
        assert last["sequence_number"] == len(events)
        assert last["response"]["status"] == "failed"
        assert last["response"]["error"]["message"]
        return "".join(data["delta"] for name, data in events if name.endswith("text.delta"))
    assert name == ("error" if surface.family in ("anthropic", "native") else "")
    assert error_text(surface.family, last)
    if surface.family == "anthropic":
        assert not {"message_delta", "message_stop"} & {name for name, _ in events}
        return "".join(data["delta"]["text"] for name, data in events if name == "content_block_delta")
    if surface.family == "native":
        return "".join(data["text"] for name, data in events if name == "delta")
    if surface.family == "llamacpp":
        return "".join(data["content"] for _, data in events)
    choices = [choice for _, data in events for choice in data["choices"]]
    assert all(choice["finish_reason"] is None for choice in choices)
    return "".join(choice.get("text") or choice.get("delta", {}).get("content") or "" for choice in choices)


@on_every_engine
@_crossed(STREAMED, LATE, LATER)
async def test_what_breaks_late_ends_in_the_dialects_error(
    pairs: World, surface: Surface, kind: str, trouble: Trouble
) -> None:
    first, second = pairs.engines[f"{kind}-1"], pairs.engines[f"{kind}-2"]
    seen = second.counters.started
    first.fault(trouble.kind, **trouble.how)
    suffix = "\n    return nothing\n" if surface.code else ""
    wish = Wish(f"pair-{kind}", "repeat 400\n", stream=True, suffix=suffix, max_tokens=1000)
    async with pairs.client.connection() as connection:
        reply = await connection.ask("POST", surface.path, surface.body(wish))
        text = broken_off(surface, reply)
        assert text.startswith("w1 w2 w3 ")
        assert len(text.split()) > 50
        assert reply.headers["x-potluck-node"] == f"{kind}-1"
        story = await pairs.story(reply.headers["x-potluck-request-id"])
        assert story["status"] == "node_error"
        assert story["error"]
        assert "CUDA" not in json.dumps(story)
        # The connection serves on.
        assert (await connection.ask("GET", "/healthz")).status == 200
    await settled(lambda: first.busy() == 0 and pairs.busy() == 0)
    assert second.counters.started == seen


@on_every_engine
@_crossed(TEXTS, [Trouble("cut", {"after": 1})], [Trouble("stall", {"after": 1})])
async def test_a_whole_answer_that_breaks_in_its_middle_is_made_anew(
    pairs: World, surface: Surface, kind: str, trouble: Trouble
) -> None:
    pairs.engines[f"{kind}-1"].fault(trouble.kind, **trouble.how)
    wish = _wish(surface, f"pair-{kind}", stream=False)
    reply = await pairs.client.post(surface.path, surface.body(wish))
    assert surface.read(wish, reply).text == "grüße"
    assert reply.headers["x-potluck-node"] == f"{kind}-2"


@on_every_engine
async def test_an_engine_that_is_slow_but_speaks_is_waited_for(pairs: World, kind: str) -> None:
    """A byte at a time, and characters cut in two by the pieces."""
    with patience(pairs, 5):
        for surface in STREAMED:
            for stream in (False, True):
                pairs.engines[f"{kind}-1"].fault("drip", delay_s=0.001)
                wish = _wish(surface, f"pair-{kind}", stream=stream)
                reply = await pairs.client.post(surface.path, surface.body(wish))
                assert surface.read(wish, reply).text == "grüße"
                assert reply.headers["x-potluck-node"] == f"{kind}-1"


@on_every_engine
async def test_an_engines_refusal_of_the_request_is_not_tried_elsewhere(pairs: World, kind: str) -> None:
    """What one engine finds wrong with a request, the next would too."""
    body = '{"error": {"message": "the temperature is odd", "code": 400}}'
    for surface in TEXTS:
        pairs.engines[f"{kind}-1"].fault("status", status=400, body=body)
        seen = pairs.engines[f"{kind}-2"].counters.started
        reply = await pairs.client.post(surface.path, surface.body(_wish(surface, f"pair-{kind}", stream=False)))
        checked_error(surface.family, reply, 400)
        assert pairs.engines[f"{kind}-2"].counters.started == seen


async def test_every_engine_down_is_unavailable_for_now(pairs: World) -> None:
    for number in (1, 2):
        pairs.engines[f"openai-{number}"].refuse()
    for surface in TEXTS:
        reply = await pairs.client.post(surface.path, surface.body(_wish(surface, "pair-openai", stream=False)))
        assert reply.status in (502, 503, 529)
        checked_error(surface.family, reply, reply.status)


@on_every_engine
async def test_an_engine_that_came_back_unseen_answers_where_no_other_can(pairs: World, kind: str) -> None:
    """Nobody has looked at it since it was down; the one that was up fails just now."""
    first, second = (pairs.engines[f"{kind}-{number}"] for number in (1, 2))
    first.refuse()
    health = pairs.app.fleet.engines

    def down() -> bool:
        each = next(each for each in health.values() if each.node == f"{kind}-1")
        if each.health is not Health.DOWN:
            pairs.app.fleet.look_now(each.id)
        return each.health is Health.DOWN

    await settled(down)
    await first.accept_again()
    second.fault("status", status=500)
    wish = Wish(f"pair-{kind}", "repeat 30\n", stream=True)
    reply = await pairs.client.post(OPENAI_CHAT.path, OPENAI_CHAT.body(wish))
    assert OPENAI_CHAT.read(wish, reply).text.split()[-1] == "w30"
    assert (reply.headers["x-potluck-node"], reply.headers["x-potluck-attempts"]) == (f"{kind}-1", "2")


@both_ways(OPENAI_CHAT, MESSAGES)
async def test_engines_that_all_load_are_waited_for(pairs: World, surface: Surface, stream: bool) -> None:
    """llama.cpp's server listens before its model is there, and says so."""
    fakes = [pairs.engines[f"llamacpp-{number}"] for number in (1, 2)]
    for fake in fakes:
        fake.change("m-llamacpp", load_s=0.3, loaded=False)
        fake.change("m-llamacpp", loaded=True)
    with patience(pairs, 30):
        wish = _wish(surface, "pair-llamacpp", stream=stream)
        asked = asyncio.ensure_future(pairs.client.post(surface.path, surface.body(wish)))
        loading = pairs.app.fleet.engines
        await settled(lambda: sum(each.loading for each in loading.values()) == len(fakes))
        await well(pairs)
        assert surface.read(wish, await asked).text == "grüße"
    for fake in fakes:
        fake.change("m-llamacpp", load_s=0)
