"""What clients say of a call in headers: its class, and how long they will wait for it to begin."""

from __future__ import annotations

import asyncio
import json

import pytest

from potluck.core.scheduling.classes import Kind
from tests.gateway.world import EngineSide, World, says_hi, until, world

RESPONSES = b'{"model":"m","input":"hello"}'
CHAT = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'


async def ask_behind(w: World, *headers: str, body: bytes = CHAT, path: str = "/v1/chat/completions") -> object:
    """A client whose call waits behind another's."""
    client = await w.connect()
    client.post(body, *headers, path=path)
    await until(lambda: bool(w.relay.dispatcher.waiting))
    return client


def kinds(w: World) -> list[Kind]:
    return [each.kind for each in w.relay.dispatcher.queue()]


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ((), CHAT, Kind.CHAT),
        (("x-potluck-class: batch",), CHAT, Kind.BATCH),
        (("X-Potluck-Class: Background",), CHAT, Kind.BACKGROUND),
        ((), CHAT[:-1] + b',"service_tier":"flex"}', Kind.BATCH),
        (("x-potluck-class: completion",), CHAT[:-1] + b',"service_tier":"flex"}', Kind.COMPLETION),
    ],
)
async def test_a_client_says_what_class_its_call_is(headers: tuple[str, ...], body: bytes, kind: Kind) -> None:
    go = asyncio.Event()

    async def held(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(held, slots=1) as w:
        first = await w.connect()
        first.ask()
        await until(lambda: bool(w.engines[0].requests))
        await ask_behind(w, *headers, body=body)
        assert kinds(w) == [kind]
        go.set()
        for client in w.clients:
            assert (await client.answer())[0] == 200


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES)])
async def test_a_class_that_nobody_knows_is_refused_in_the_dialect(path: str, body: bytes) -> None:
    async with world() as w:
        client = await w.connect()
        client.post(body, "x-potluck-class: urgent", path=path)
        status, _, answer = await client.answer()
        error = json.loads(answer)["error"]
        assert (status, error["type"]) == (400, "invalid_request_error")
        assert "X-Potluck-Class: 'urgent'. Known are completion, chat," in error["message"]
        client.post(body, "x-potluck-deadline-s: soon", path=path)
        status, _, answer = await client.answer()
        assert (status, b"Write seconds above 0" in answer) == (400, True)
        client.post(body, path=path)
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES)])
@pytest.mark.parametrize("header", ["x-potluck-deadline-s: 5", "x-stainless-read-timeout: 6"])
async def test_who_cannot_begin_in_time_is_told_so_and_does_not_wait_for_nobody(
    path: str, body: bytes, header: str
) -> None:
    go = asyncio.Event()

    async def held(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(held, slots=1) as w:
        first = await w.connect()
        first.ask()
        await until(lambda: bool(w.engines[0].requests))
        late = await w.connect()
        late.post(body, header, path=path)
        await until(lambda: bool(w.relay.dispatcher.waiting))
        w.skip(4.5)
        assert w.relay.dispatcher.waiting
        w.skip(1)
        status, headers, answer = await late.answer()
        assert status == 503
        assert int(headers["retry-after"]) >= 1
        assert b"within the time that the caller gave" in answer
        assert not w.relay.dispatcher.waiting
        go.set()
        assert (await first.answer())[0] == 200
        assert len(w.engines[0].requests) == 1


async def test_a_deadline_does_not_end_what_has_begun() -> None:
    go = asyncio.Event()

    async def held(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(held) as w:
        client = await w.connect()
        client.post(CHAT, "x-potluck-deadline-s: 1")
        await until(lambda: bool(w.engines[0].requests))
        w.skip(20)
        go.set()
        assert (await client.answer())[0] == 200
