"""A call whose every engine broke: those that have come back are asked once more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from functools import partial

import pytest

from potluck.core.health import Seen
from potluck.core.model import EngineId
from potluck.gateway.relay.last_look import OVER_S
from tests.gateway.world import DONE, ROLE, EngineSide, World, says_hi, text, until, world


class Breaks:
    """An engine that breaks under its first calls when it is told to, having said ``said``, and then is well."""

    def __init__(self, *said: bytes, times: int = 1) -> None:
        self.said = said
        self.times = times
        self.begun = 0
        self.now = asyncio.Event()

    def has_begun(self, times: int) -> bool:
        return self.begun == times

    async def __call__(self, engine: EngineSide) -> None:
        self.begun += 1
        if self.begun > self.times:
            await says_hi(engine)
            return
        if self.said:
            engine.stream()
            for piece in self.said:
                engine.chunk(piece)
        await self.now.wait()
        self.now.clear()
        engine.writer.transport.abort()


async def break_in_turn(w: World, *engines: Breaks) -> None:
    """Each as soon as it was asked once more, and long after the one before it."""
    asked: Counter[Breaks] = Counter()
    for engine in engines:
        asked[engine] += 1
        await until(partial(engine.has_begun, asked[engine]))
        w.time.skipped_s += OVER_S
        engine.now.set()


async def test_an_engine_that_broke_is_asked_again_before_a_call_is_given_up() -> None:
    first, second = Breaks(), Breaks()
    async with world(first, second) as w:
        client = await w.connect()
        client.ask()
        await break_in_turn(w, first, second)
        status, head, _ = await client.answer()
        assert (status, head["x-potluck-node"], head["x-potluck-attempts"]) == (200, "n0", "3")


async def test_an_answer_goes_on_where_it_began() -> None:
    first, second = Breaks(ROLE, text("h")), Breaks(ROLE, text("h"))
    async with world(first, second) as w:
        client = await w.connect()
        client.ask(stream=True, temperature="0")
        await break_in_turn(w, first, second)
        _, _, body = await client.answer()
        assert body.count(b'"content":"h"') == body.count(b'"content":"i"') == 1
        assert body.endswith(DONE)
        (record,) = await w.records()
        assert [attempt.engine[:2] for attempt in record.attempts] == ["n0", "n1", "n0"]


async def test_two_engines_that_break_while_they_write_one_answer_are_asked_again_at_once() -> None:
    first, second = Breaks(ROLE, text("h")), Breaks(ROLE, text("h"), text("i"))
    async with world(first, second) as w:
        client = await w.connect()
        client.ask(stream=True, temperature="0")
        for engine in (first, second):
            await until(partial(engine.has_begun, 1))
            engine.now.set()
        _, _, body = await client.answer()
        assert body.count(b'"content":"h"') == body.count(b'"content":"i"') == 1
        assert body.endswith(DONE)
        (record,) = await w.records()
        assert [attempt.engine[:2] for attempt in record.attempts] == ["n0", "n1", "n0"]


async def test_each_is_asked_twice_at_most() -> None:
    first, second = Breaks(times=9), Breaks(times=9)
    async with world(first, second) as w:
        client = await w.connect()
        client.ask()
        await break_in_turn(w, first, second, first, second)
        assert (await client.answer())[0] == 502
        assert (first.begun, second.begun) == (2, 2)
        await until(w.nothing_is_held)


async def test_what_every_engine_refuses_at_once_is_put_to_none_of_them_again() -> None:
    async def fails(engine: EngineSide) -> None:
        engine.reply(b'{"error":{"message":"no memory"}}', "500 Internal Server Error")

    async with world(fails, fails) as w:
        client = await w.connect()
        client.ask()
        assert (await client.answer())[0] == 502
        assert [len(engine.requests) for engine in w.engines] == [1, 1]


async def test_one_that_does_not_answer_a_look_is_not_asked_again() -> None:
    first, second = Breaks(), Breaks()
    async with world(first, second) as w:

        async def look(engines: Iterable[EngineId], within_s: float) -> None:
            for engine in engines:
                w.fleet.saw(engine, Seen.PROBE_MISSED, "no answer")

        w.relay.look = look
        client = await w.connect()
        client.ask()
        await break_in_turn(w, first, second)
        assert (await client.answer())[0] == 502
        assert (first.begun, second.begun) == (1, 1)


@pytest.mark.parametrize(("said", "told"), [("te: trailers", True), ("te: gzip", False)])
async def test_who_takes_trailers_is_told_what_became_of_a_stream(said: str, told: bool) -> None:
    first = Breaks(ROLE, text("h"))
    async with world(first, says_hi) as w:
        client = await w.connect()
        client.post(b'{"model":"m","stream":true,"temperature":0,"messages":[{"role":"user","content":"hi"}]}', said)
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"x-potluck-node: n0\r\nx-potluck-attempts: 1\r\n" in head
        await break_in_turn(w, first)
        await client.reader.readuntil(b"[DONE]\n\n\r\n0\r\n")
        trailers = b"x-potluck-node: n1\r\nx-potluck-attempts: 2\r\nx-potluck-rescue: repeat\r\n"
        assert (
            await client.reader.readuntil(b"\r\n" if not told else b"\r\n\r\n") == (trailers if told else b"") + b"\r\n"
        )
