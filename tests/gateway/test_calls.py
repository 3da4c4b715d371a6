"""Calls from inside: events out of the same exchanges as everybody's."""

from __future__ import annotations

import pytest

from potluck.core.answer import collect
from potluck.core.call import ChatCall, Message, Role, TextPart
from potluck.core.errors import ModelNotFound, NodeError
from potluck.core.model import KeyId, UserId
from potluck.gateway.calls import InsideCalls
from potluck.gateway.port import Caller
from tests.gateway.world import ROLE, EngineSide, says_hi, text, until, world

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
