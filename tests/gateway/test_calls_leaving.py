"""Calls from inside, left at every moment and read at every speed: no slot, place in line or exchange is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from potluck.core.answer import Text, collect
from potluck.core.call import ChatCall, Message, Role, TextPart
from potluck.core.errors import NodeError, QueueFull
from potluck.core.model import KeyId, UserId
from potluck.gateway.calls import InsideCalls
from potluck.gateway.port import Caller, Generation
from potluck.storage.records import CallStatus
from tests.gateway.world import DONE, ROLE, STOP, EngineSide, World, says_hi, text, until, world

CALLER = Caller(KeyId("k"), "test", UserId("u"))
HELLO = ChatCall("m", (Message(Role.USER, (TextPart("hello"),)),))


async def silent(engine: EngineSide) -> None:
    await engine.gone()


async def begins(engine: EngineSide) -> None:
    engine.stream()
    engine.chunk(ROLE + text("h"))
    await engine.gone()


async def says_much(engine: EngineSide) -> None:
    engine.stream()
    engine.chunk(ROLE)
    for _ in range(100):
        engine.chunk(text("abcd") * 100)
        await engine.writer.drain()
    engine.chunk(STOP + DONE)
    engine.end()


@asynccontextmanager
async def asked(w: World, *, whole: bool = False) -> AsyncIterator[asyncio.Task[str]]:
    """Somebody who asks from inside and reads to the end, in a task that a test may cancel."""

    async def read() -> str:
        async with InsideCalls(w.relay).generate(HELLO, CALLER, whole=whole) as origin:
            return collect([event async for event in origin.events()]).choices[0].text

    task = asyncio.ensure_future(read())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def is_cancelled(task: asyncio.Task[str], w: World) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(w.busy())
    assert not w.relay.exchanges
    assert not w.relay.dispatcher.waiting
    await until(w.nothing_is_held)


@pytest.mark.parametrize("whole", [False, True])
async def test_cancelled_while_it_waits_in_line_it_gives_its_place_up(whole: bool) -> None:
    async with world(silent, slots=1) as w, asked(w) as first, asked(w, whole=whole) as second:
        await until(lambda: w.relay.dispatcher.waiting == 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert w.relay.dispatcher.waiting == 0
        assert w.busy() == [1]
        await is_cancelled(first, w)
        assert [each.status for each in await w.records()] == [CallStatus.CANCELLED] * 2


@pytest.mark.parametrize("whole", [False, True])
async def test_cancelled_while_it_connects_it_frees_the_slot(whole: bool) -> None:
    async with world() as w, asked(w, whole=whole) as task:
        await asyncio.sleep(0)
        assert w.busy() == [1]
        await is_cancelled(task, w)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("script", [silent, begins])
async def test_cancelled_in_prefill_or_mid_stream_it_stops_the_engine(script: object, whole: bool) -> None:
    async with world(script) as w, asked(w, whole=whole) as task:  # type: ignore[arg-type]
        await until(lambda: len(w.engines[0].requests) == 1)
        await asyncio.sleep(0.01)
        await is_cancelled(task, w)
        await until(lambda: w.engines[0].open == 0)


async def test_left_at_every_event_it_frees_the_slot() -> None:
    async with world() as w:
        for leave_after in range(8):
            async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
                count = 0
                async for _ in origin.events():
                    count += 1
                    if count > leave_after:
                        break
            assert w.busy() == [0]
            await until(w.nothing_is_held)


async def test_left_without_reading_at_all() -> None:
    async with world(begins) as w:
        async with InsideCalls(w.relay).generate(HELLO, CALLER):
            assert w.busy() == [1]
        assert w.busy() == [0]
        await until(lambda: w.engines[0].open == 0)


async def test_an_error_of_the_readers_own_frees_the_slot_and_is_raised() -> None:
    async with world(begins) as w:
        with pytest.raises(ZeroDivisionError):
            async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
                async for _ in origin.events():
                    _ = 1 / 0
        assert w.busy() == [0]


async def test_a_slow_reader_makes_the_engine_wait_and_gets_everything() -> None:
    written = 0

    async def says_endlessly(engine: EngineSide) -> None:
        nonlocal written
        engine.stream()
        engine.chunk(ROLE)
        for _ in range(6000):
            engine.chunk(text("x" * 4000))
            written += 1
            await engine.writer.drain()
        engine.chunk(STOP + DONE)
        engine.end()

    async with world(says_endlessly) as w, InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
        events = origin.events()
        first = await anext(events)
        assert isinstance(first, Text)
        before = -1
        while written != before:
            before = written
            await asyncio.sleep(0.1)
        assert written < 6000
        size = len(first.text)
        async for event in events:
            size += len(event.text) if isinstance(event, Text) else 0
        assert size == 6000 * 4000
        await until(w.nothing_is_held)
        w.engines[0].script = says_hi  # on the connection that was paused
        assert await _ask(w) == "hi"
        assert w.engines[0].connections == 1


@pytest.mark.parametrize("whole", [False, True])
async def test_an_answer_of_more_events_than_may_wait_is_delivered(whole: bool) -> None:
    async with world(says_much) as w:
        assert await asyncio.wait_for(_ask(w, whole=whole), 5) == "abcd" * 10_000
        await until(w.nothing_is_held)


async def _ask(w: World, *, whole: bool = False) -> str:
    async with asked(w, whole=whole) as task:
        return await task


async def test_a_slow_reader_that_leaves_frees_the_engine_that_waits_for_it() -> None:
    async with world(says_much) as w:
        async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
            await anext(origin.events())
            await asyncio.sleep(0.05)
        assert w.busy() == [0]
        await until(lambda: w.engines[0].open == 0)


async def test_an_error_before_the_first_event_is_raised_on_entering() -> None:
    async def fails(engine: EngineSide) -> None:
        engine.reply(b"{}", "500 Internal Server Error")

    async with world(fails) as w:
        with pytest.raises(NodeError):
            async with InsideCalls(w.relay).generate(HELLO, CALLER):
                raise AssertionError("entered without an answer")
        assert w.nothing_is_held()


async def test_an_error_after_the_first_event_comes_behind_all_that_was_said() -> None:
    async def breaks(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE + text("h") + text("i"))
        await engine.writer.drain()
        engine.writer.close()

    async with world(breaks) as w:
        said = ""
        async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
            with pytest.raises(NodeError):
                async for event in origin.events():
                    said += event.text if isinstance(event, Text) else ""
        assert said == "hi"
        assert w.nothing_is_held()


async def test_a_full_line_refuses_and_keeps_nothing() -> None:
    async with world(silent, slots=1, depth=1) as w, asked(w), asked(w):
        await until(lambda: w.relay.dispatcher.waiting == 1)
        with pytest.raises(QueueFull):
            await _ask(w)
        assert (w.busy(), w.relay.dispatcher.waiting) == ([1], 1)


async def test_a_wait_that_is_too_long_is_raised_and_the_place_is_free() -> None:
    async with world(silent, slots=1, max_wait_s=10) as w, asked(w), asked(w) as waiting:
        await until(lambda: w.relay.dispatcher.waiting == 1)
        w.skip(11)
        with pytest.raises(QueueFull):
            await waiting
        assert (w.busy(), w.relay.dispatcher.waiting) == ([1], 0)


async def test_a_generation_knows_who_serves_it() -> None:
    async with world(begins) as w:
        generation: Generation
        async with InsideCalls(w.relay).generate(HELLO, CALLER) as generation:
            assert (generation.node, generation.model, generation.attempts) == ("n0", "m", 1)
            assert generation.queue_s >= 0
