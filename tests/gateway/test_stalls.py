"""An engine that falls silent: how long it is waited for, and for whom another one takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from potluck.core.health import MISSES_TO_DOWN, Seen
from potluck.core.model import EngineId
from tests.gateway.world import DONE, ROLE, STOP, EngineSide, World, says_hi, text, until, world

pytestmark = pytest.mark.asyncio


class Falls:
    """Says ``pieces`` and no more, until it is told to."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.silent = asyncio.Event()
        self.again = asyncio.Event()
        self.asked = 0

    async def __call__(self, side: EngineSide) -> None:
        self.asked += 1
        side.stream()
        for piece in self.pieces:
            side.chunk(piece)
        self.silent.set()
        waits = [asyncio.ensure_future(self.again.wait()), asyncio.ensure_future(side.gone())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self.again.is_set():
            for piece in (text("i"), STOP, DONE):
                side.chunk(piece)
            side.end()


async def fallen(w: World, engine: Falls) -> None:
    """What the engine said has arrived, and been heard by a sweep that was not late."""
    await engine.silent.wait()
    if engine.pieces:
        await until(lambda: any(exchange.spoken for exchange in w.relay.exchanges))
    w.skip(0.1)


def pass_s(w: World, seconds: Sequence[float]) -> None:
    for each in seconds:
        w.skip(each)


async def test_where_another_engine_can_go_on_a_stall_is_short() -> None:
    first = Falls(ROLE, text("h"))
    async with world(first, says_hi) as w:
        client = await w.connect()
        client.ask(stream=True, temperature="0")
        await fallen(w, first)
        pass_s(w, [0.9] * 8)
        _, _, body = await client.answer()
        assert body.count(b'"content":"h"') == body.count(b'"content":"i"') == 1
        assert b": rescue way=repeat" in body
        assert body.endswith(DONE)
        (record,) = await w.records()
        assert [each.outcome for each in record.attempts] == ["NodeTimeout", "ok"]
        assert "after 1 tokens" in record.attempts[0].why
        await until(w.nothing_is_held)


async def test_an_engine_that_was_down_is_looked_at_before_a_stall_is_waited_out() -> None:
    first = Falls(ROLE, text("h"))
    async with world(first, says_hi) as w:
        looked: list[EngineId] = []
        w.relay.fleet.look_now = looked.append
        down = [each for each in w.relay.fleet.engines if each.startswith("n1/")]
        client = await w.connect()
        client.ask(stream=True, temperature="0")
        await fallen(w, first)
        for _ in range(MISSES_TO_DOWN):
            w.relay.fleet.saw(down[0], Seen.PROBE_MISSED, "no answer")
        pass_s(w, [0.9] * 20)
        assert looked == down, "once for each call"
        w.relay.fleet.saw(down[0], Seen.PROBE_OK, "answers")
        pass_s(w, [0.9] * 2)
        _, _, body = await client.answer()
        assert b": rescue way=repeat" in body
        assert body.endswith(DONE)


async def test_where_none_can_the_engine_is_waited_for() -> None:
    """The answer may come otherwise from another one, and no way to go on is known of it."""
    first = Falls(ROLE, text("h"))
    async with world(first, says_hi) as w:
        client = await w.connect()
        client.ask(stream=True)
        await fallen(w, first)
        pass_s(w, [0.9] * 60)
        first.again.set()
        _, _, body = await client.answer()
        assert b'"content":"i"' in body
        assert b": rescue" not in body
        assert not w.engines[1].requests


async def test_a_service_that_was_late_itself_judges_nobody() -> None:
    first = Falls(ROLE, text("h"))
    async with world(first, says_hi) as w:
        client = await w.connect()
        client.ask(stream=True, temperature="0")
        await fallen(w, first)
        w.skip(60.0)  # a laptop that was closed
        assert not w.engines[1].requests
        first.again.set()
        _, _, body = await client.answer()
        assert b": rescue" not in body


async def test_a_stream_that_does_not_begin_begins_elsewhere() -> None:
    first = Falls()
    async with world(first, says_hi) as w:
        client = await w.connect()
        client.ask(stream=True)
        await fallen(w, first)
        pass_s(w, [0.9] * 60)
        _, head, body = await client.answer()
        assert (head["x-potluck-node"], head["x-potluck-attempts"]) == ("n1", "2")
        assert body.endswith(DONE)


async def test_the_last_engine_is_waited_for() -> None:
    first, second = Falls(), Falls()
    async with world(first, second) as w:
        client = await w.connect()
        client.ask(stream=True)
        await fallen(w, first)
        pass_s(w, [0.9] * 60)
        await fallen(w, second)
        pass_s(w, [0.9] * 60)
        second.again.set()
        status, _, body = await client.answer()
        assert status == 200
        assert body.endswith(DONE)


async def test_an_answer_that_comes_whole_is_given_up_after_the_time_of_a_long_one() -> None:
    first = Falls()
    async with world(first, says_hi) as w:
        client = await w.connect()
        client.ask(max_tokens="20")
        await first.silent.wait()
        w.skip(0.1)
        pass_s(w, [0.9] * 60)
        _, head, body = await client.answer()
        assert (head["x-potluck-node"], head["x-potluck-attempts"]) == ("n1", "2")
        assert b"hi" in body


async def test_an_answer_that_comes_whole_may_be_silent_until_it_is_there() -> None:
    waits = asyncio.Event()

    async def thinks(side: EngineSide) -> None:
        await waits.wait()
        await says_hi(side)

    async with world(thinks, says_hi) as w:
        client = await w.connect()
        client.ask()
        await until(lambda: bool(w.engines[0].requests))
        w.skip(0.1)
        pass_s(w, [0.9] * 60)
        waits.set()
        _, head, _ = await client.answer()
        assert (head["x-potluck-node"], head["x-potluck-attempts"]) == ("n0", "1")
