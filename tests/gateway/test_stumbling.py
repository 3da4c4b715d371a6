"""Faults of our own: an exception that no codec or backend should raise costs one attempt, never another call."""

from __future__ import annotations

import asyncio

import pytest

from potluck.core.call import Call
from potluck.core.model import Capability, Model
from potluck.wire.port import Ask, EngineRequest
from tests.gateway.world import WHOLE, EngineSide, OpenAiLike, World, says_hi, until, world

BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'


class Stumbles(OpenAiLike):
    """A backend with a bug in one of its methods."""

    at = ""

    def _stumble(self, at: str) -> None:
        if self.at == at:
            raise KeyError("a bug")

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        self._stumble("pass_through")
        return super().pass_through(ask, model)

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest:
        self._stumble("encode")
        request = super().encode(call, model, stream=stream)
        if self.at == "read":
            request.reader.whole = self._raises  # type: ignore[method-assign]
            request.reader.feed = self._raises  # type: ignore[method-assign, assignment]
        return request

    def _raises(self, data: bytes) -> object:
        raise KeyError("a bug")

    async def prepare(self, model: Model, needs: frozenset[Capability] = frozenset()) -> None:
        self._stumble("prepare")
        await super().prepare(model, needs)


def put(w: World, at: str) -> None:
    """Give the first engine a bug."""
    first = w.fleet.installations[next(iter(w.fleet.installations))]
    backend = Stumbles(w.engines[0].port)
    backend.at = at
    backend.ready = at != "prepare"
    w.fleet.installations[first.id] = type(first)(first.id, first.node, first.kind, backend, first.http, first.slots)


PLACES = [
    ("pass_through", "/v1/chat/completions", "messages"),
    ("prepare", "/v1/chat/completions", "messages"),
    ("encode", "/v1/responses", "input"),
    ("read", "/v1/responses", "input"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("at", "path", "field"), PLACES)
async def test_the_next_engine_answers(at: str, path: str, field: str, stream: bool) -> None:
    async with world(says_hi, says_hi) as w:
        put(w, at)
        client = await w.connect()
        body = BODY.replace(b"messages", field.encode())
        client.post(body.replace(b"{", b'{"stream":true,', 1) if stream else body, path=path)
        status, headers, _ = await client.answer()
        assert (status, headers["x-potluck-node"], headers["x-potluck-attempts"]) == (200, "n1", "2")
        await until(w.nothing_is_held)


@pytest.mark.parametrize(("at", "path", "field"), PLACES)
async def test_without_another_engine_it_is_an_honest_error(at: str, path: str, field: str) -> None:
    async with world() as w:
        put(w, at)
        client = await w.connect()
        client.post(BODY.replace(b"messages", field.encode()), path=path)
        status, _, body = await client.answer()
        assert status == 502
        assert b"a bug" not in body
        await until(w.nothing_is_held)
        client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await client.answer())[0] == 200


async def test_a_call_that_stumbles_out_of_line_does_not_pull_down_the_one_whose_slot_it_got() -> None:
    go = asyncio.Event()

    async def on(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(on, slots=1) as w:
        first, second, third = [await w.connect() for _ in range(3)]
        first.post(BODY)
        await until(lambda: w.busy() == [1])
        put(w, "encode")
        second.post(BODY.replace(b"messages", b"input"), path="/v1/responses")
        await until(lambda: w.relay.dispatcher.waiting == 1)
        third.post(BODY)
        await until(lambda: w.relay.dispatcher.waiting == 2)
        go.set()
        assert (await first.answer())[2] == WHOLE
        assert (await second.answer())[0] == 502
        assert (await third.answer())[2] == WHOLE
        assert w.nothing_is_held()


async def test_the_sweep_goes_on_after_an_error() -> None:
    class Bad:
        ticks = 0

        def tick(self, now_s: float) -> None:
            self.ticks += 1
            raise KeyError("a bug")

    async with world() as w:
        bad = Bad()
        w.relay.exchanges.add(bad)  # type: ignore[arg-type]
        task = asyncio.ensure_future(w.relay.sweeping(0.001))
        await until(lambda: bad.ticks > 3)
        task.cancel()
