"""Calls from inside: events out of the same exchanges as everybody's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from potluck.core.answer import Event, FinishReason, Text, collect
from potluck.core.call import ChatCall, Message, Role, Sampling, TextPart
from potluck.core.errors import ModelNotFound, NodeError
from potluck.core.generations import Standing
from potluck.core.health import Seen
from potluck.core.model import KeyId, ModelId, RequestId, UserId
from potluck.core.rescue import Told
from potluck.gateway.calls import Inbox, InsideCalls
from potluck.gateway.port import Begun, Caller
from potluck.gateway.relay.exchange import Exchange
from tests.gateway.world import DONE, ROLE, STOP, EngineSide, says_hi, text, until, world

CALLER = Caller(KeyId("k"), "test", UserId("u"))
HELLO = ChatCall("m", (Message(Role.USER, (TextPart("hello"),)),))


async def breaks_off(engine: EngineSide) -> None:
    engine.stream()
    for piece in (ROLE, text("h")):
        engine.chunk(piece)
    await engine.writer.drain()
    engine.writer.close()


async def test_events_come_as_the_engine_sends_them() -> None:
    async with world() as w, InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
        answer = collect([event async for event in origin.events()])
        assert (answer.choices[0].text, origin.node, origin.attempts) == ("hi", "n0", 1)


async def test_an_answer_that_broke_off_is_an_error_to_who_has_heard_its_beginning() -> None:
    async with world(breaks_off, says_hi) as w:
        async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
            with pytest.raises(NodeError):
                collect([event async for event in origin.events()])
        assert not w.engines[1].requests


async def test_who_wants_it_whole_gets_it_from_the_next_engine() -> None:
    async with world(breaks_off, says_hi) as w:
        async with InsideCalls(w.relay).generate(HELLO, CALLER, whole=True) as origin:
            answer = collect([event async for event in origin.events()])
            assert (answer.choices[0].text, origin.node, origin.attempts) == ("hi", "n1", 2)
        assert w.nothing_is_held()


async def test_who_wants_it_whole_is_told_if_nobody_can() -> None:
    async with world(breaks_off) as w:
        with pytest.raises(NodeError):
            async with InsideCalls(w.relay).generate(HELLO, CALLER, whole=True):
                raise AssertionError("entered without an answer")
        assert w.nothing_is_held()


async def test_leaving_early_frees_the_slot() -> None:
    async def begins(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE + text("h"))
        await engine.gone()

    async with world(begins) as w:
        async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
            async for _ in origin.events():
                break
        assert w.busy() == [0]
        await until(w.nothing_is_held)


async def test_an_unknown_model_is_raised_before_the_block_is_entered() -> None:
    async with world() as w:
        with pytest.raises(ModelNotFound):
            async with InsideCalls(w.relay).generate(ChatCall("n", HELLO.messages), CALLER):
                raise AssertionError("entered without an answer")


async def test_what_comes_together_is_taken_together() -> None:
    go = asyncio.Event()

    async def in_three(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE + text("a"))
        await go.wait()
        for piece in "bc":
            engine.chunk(text(piece))
            await engine.writer.drain()
            await asyncio.sleep(0.01)
        engine.chunk(STOP + DONE)
        engine.end()

    async with world(in_three) as w, InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
        assert [each.text for each in await origin.more() if isinstance(each, Text)] == ["a"]
        go.set()
        # The pause would last for ever, were the answer not at its end before.
        rest = await origin.more(60.0)
        assert collect(rest).choices[0].text == "bc"
        assert collect(rest).choices[0].finish is FinishReason.STOP
        assert await origin.more(60.0) == ()


async def test_in_the_pauses_of_a_long_answer_nobody_listens_to_its_engine() -> None:
    class Heard:
        told: list[str]

        def __init__(self) -> None:
            self.told = []

        def client_full(self) -> None:
            self.told.append("full")

        def client_ready(self) -> None:
            self.told.append("ready")

    inbox, heard = Inbox(), Heard()
    inbox.exchange = cast("Exchange", heard)
    for number in range(12):
        inbox.write([Text(str(number))], 0.0)
        assert await inbox.more(0.001) == (Text(str(number)),)
    assert heard.told == ["full", "ready"] * 2


async def test_a_long_answer_is_whole_however_it_is_listened_to() -> None:
    words = [f"{number} " for number in range(60)]

    async def talks(engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE)
        for word in words:
            engine.chunk(text(word))
            await engine.writer.drain()
            await asyncio.sleep(0.001)
        engine.chunk(STOP + DONE)
        engine.end()

    async with world(talks) as w:
        async with InsideCalls(w.relay).generate(HELLO, CALLER) as origin:
            events: list[Event] = []
            while came := await origin.more(0.002):
                events += came
        assert collect(events).choices[0].text == "".join(words)
        assert w.nothing_is_held()


async def test_an_answer_that_another_gateway_began_is_gone_on_with() -> None:
    call = replace(HELLO, sampling=Sampling(temperature=0))
    begun = Begun(Told(["h"], pieces=1), ModelId("m"))
    async with world() as w:
        calls = InsideCalls(w.relay)
        async with calls.generate(call, CALLER, request="r", begun=begun) as origin:
            assert calls.under_way(RequestId("r")) == Standing(node="n0", way="repeat")
            answer = collect([event async for event in origin.events()])
            assert answer.choices[0].text == "i"
        assert calls.under_way(RequestId("r")) is None
        assert w.nothing_is_held()


async def test_an_answer_that_no_engine_can_go_on_with_is_refused() -> None:
    begun = Begun(Told(["h"], pieces=1), ModelId("m"))  # and it may be another text each time
    async with world() as w:
        with pytest.raises(NodeError, match="No engine can go on"):
            async with InsideCalls(w.relay).generate(HELLO, CALLER, begun=begun):
                raise AssertionError("entered without an answer")
        assert w.nothing_is_held()


async def test_an_engine_that_says_something_else_does_not_go_on() -> None:
    begun = Begun(Told(["no"], pieces=1), ModelId("m"))
    async with world() as w:
        call = replace(HELLO, sampling=Sampling(temperature=0))
        with pytest.raises(NodeError):
            async with InsideCalls(w.relay).generate(call, CALLER, begun=begun):
                raise AssertionError("entered without an answer")
        assert w.nothing_is_held()


async def test_who_waits_in_line_can_be_asked_where() -> None:
    async def silent(engine: EngineSide) -> None:
        await engine.gone()

    async with world(silent, slots=1) as w:
        calls = InsideCalls(w.relay)

        async def ask(request: str) -> None:
            async with calls.generate(HELLO, CALLER, request=request):
                raise AssertionError("nobody answers")

        asked = [asyncio.ensure_future(ask(name)) for name in "ab"]
        await until(lambda: w.relay.dispatcher.waiting == 1)
        found = calls.under_way(RequestId("b"))
        assert found is not None
        assert (found.position, found.node) == (1, "")
        assert calls.under_way(RequestId("a")) == Standing(node="n0")
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def test_a_model_is_ready_where_an_engine_that_is_up_has_it() -> None:
    async with world() as w:
        calls = InsideCalls(w.relay)
        assert [calls.ready(name) for name in ("m", "auto", "other")] == [True, True, False]
        w.fleet.saw(next(iter(w.fleet.engines)), Seen.PROBE_MISSED, "gone")
        w.fleet.saw(next(iter(w.fleet.engines)), Seen.PROBE_MISSED, "gone")
        assert [calls.ready(name) for name in ("m", "auto")] == [False, False]
