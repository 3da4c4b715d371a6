"""Calls in line: what a streaming caller is told while it waits, and how such a stream goes on and ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from potluck.core.errors import NodeUnreachable
from potluck.gateway.relay.relay import Limits

from .world import DONE, ROLE, STOP, Client, EngineSide, World, says_hi, text, until, world

PLACE = rb": queued position=(\d+) eta=\d+s\n\n"
SEATED = rb": seated node=n0 attempts=1 queue-ms=(\d+)\n\n"
CHAT = ROLE + text("h") + text("i") + STOP + DONE


@dataclass
class Held:
    """A world whose one slot is taken until `go`; who asks from then on is in line."""

    w: World
    first: Client
    go: asyncio.Event

    async def waiting(self, *, stream: bool = True, path: str = "") -> Client:
        client, before = await self.w.connect(), self.w.relay.dispatcher.waiting
        if path:
            client.post(b'{"model":"m","stream":true,"input":"hello"}', path=path)
        else:
            client.ask(stream=stream)
        await until(lambda: self.w.relay.dispatcher.waiting == before + 1)
        return client


@asynccontextmanager
async def held(max_wait_s: float = 60.0) -> AsyncIterator[Held]:
    go = asyncio.Event()

    async def later(engine: EngineSide) -> None:
        await go.wait()
        await says_hi(engine)

    async with world(later, slots=1, max_wait_s=max_wait_s, limits=Limits(keep_alive_s=15.0)) as w:
        first = await w.connect()
        first.ask()
        await until(lambda: w.busy() == [1])
        yield Held(w, first, go)


async def test_who_streams_is_told_its_place_and_at_last_who_serves_it() -> None:
    async with held() as h:
        clients = [await h.waiting() for _ in range(2)]
        h.w.skip(14)
        h.w.skip(2)
        for number, client in enumerate(clients, start=1):
            status, head = await client.head()
            assert (status, head["content-type"]) == (200, "text/event-stream")
            assert head["x-potluck-queue-position"] == str(number)
            assert int(head["x-potluck-queue-eta-ms"]) >= 0
            assert int(head["x-potluck-queue-ms"]) >= 16_000
            assert "x-potluck-node" not in head
            place = re.fullmatch(PLACE, await client.chunk())
            assert place is not None
            assert int(place[1]) == number
        h.w.skip(15)
        assert [re.fullmatch(PLACE, await client.chunk()) is not None for client in clients] == [True, True]
        h.go.set()
        assert (await h.first.answer())[0] == 200
        for client in clients:
            body = b""
            while data := await client.chunk():
                body += data
            seated = re.match(SEATED, body)
            assert seated is not None
            assert int(seated[1]) >= 31_000
            assert body[seated.end() :] == CHAT
        await until(h.w.nothing_is_held)


async def test_what_a_dialect_opens_with_comes_once_and_after_the_wait() -> None:
    async with held() as h:
        client = await h.waiting(path="/v1/responses")
        h.w.skip(16)
        await client.head()
        assert re.fullmatch(PLACE, await client.chunk())
        h.w.skip(16)
        assert re.fullmatch(PLACE, await client.chunk())
        h.go.set()
        body = b""
        while data := await client.chunk():
            body += data
        assert body.count(b"event: response.created") == 1
        assert body.startswith(b": seated node=n0 ")
        assert b'"sequence_number":0' in body.split(b"\n\n")[1]
        assert body.count(b"event: response.completed") == 1


async def test_who_is_refused_after_its_stream_began_is_told_in_the_stream() -> None:
    async with held(max_wait_s=40.0) as h:
        chat, responses = await h.waiting(), await h.waiting(path="/v1/responses")
        h.w.skip(16)
        h.w.skip(30)
        chat_status, _, chat_body = await chat.answer()
        responses_status, _, responses_body = await responses.answer()
        assert (chat_status, responses_status) == (200, 200)
        assert re.match(PLACE, chat_body)
        assert b'"code":"overloaded"' in chat_body
        assert DONE not in chat_body
        assert b"event: response.failed" in responses_body
        assert responses_body.count(b"event: response.created") == 1
        assert [record.http_status for record in await h.w.records()] == [503, 503]


async def test_who_waits_for_a_whole_answer_is_told_nothing_and_gets_a_real_status() -> None:
    async with held(max_wait_s=40.0) as h:
        client = await h.waiting(stream=False)
        h.w.skip(16)
        h.w.skip(30)
        status, head, _ = await client.answer()
        assert status == 503
        assert int(head["retry-after"]) >= 1
        assert int(head["x-potluck-queue-ms"]) >= 46_000
        assert not {"x-potluck-node", "x-potluck-attempts"} & set(head)


@pytest.mark.parametrize("begun", [False, True])
async def test_who_leaves_the_line_gives_up_its_place_at_once(begun: bool) -> None:
    async with held() as h:
        leaver, stayer = await h.waiting(), await h.waiting()
        if begun:
            h.w.skip(16)
            await leaver.head()
        leaver.abort()
        await until(lambda: h.w.relay.dispatcher.waiting == 1)
        assert [each.position for each in h.w.relay.dispatcher.queue()] == [1]
        h.go.set()
        assert (await stayer.answer())[0] == 200
        await until(h.w.nothing_is_held)


async def test_an_error_tells_what_was_tried() -> None:
    async def breaks(engine: EngineSide) -> None:
        engine.reply(b"{}", status="500 Internal Server Error")

    async with world(breaks, breaks) as w:
        client = await w.connect()
        client.ask()
        status, head, _ = await client.answer()
        assert status == 502
        assert head["x-potluck-node"] in ("n0", "n1")
        assert head["x-potluck-attempts"] == "2"
        assert int(head["x-potluck-queue-ms"]) >= 0


async def test_who_waits_again_in_a_stream_that_began_is_told_where_it_stands() -> None:
    async def silent(engine: EngineSide) -> None:
        await engine.gone()

    async with world(silent, silent, slots=1, limits=Limits(keep_alive_s=5.0, first_byte_s=20.0)) as w:
        first, second = [await w.connect() for _ in range(2)]
        for client in (first, second):
            client.ask(stream=True)
        await until(lambda: w.busy() == [1, 1])
        w.skip(6)
        heads = [await client.head() for client in (first, second)]
        assert all({"x-potluck-node", "x-potluck-attempts"} <= set(head) for _, head in heads)
        assert [await client.chunk() for client in (first, second)] == [b": ping\n\n"] * 2
        failed = next(iter(w.relay.exchanges))
        failed.engine_lost(NodeUnreachable("cut"), stale=False)
        await until(lambda: failed.state.name == "SEEKING")
        w.skip(6)
        told = sorted([await client.chunk() for client in (first, second)])
        assert told[0] == b": ping\n\n"
        assert re.fullmatch(PLACE, told[1])
