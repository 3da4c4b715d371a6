"""A second engine, asked as well because the first one is late: the first that speaks is the call's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from potluck.core.catalogue import RouteRule
from potluck.core.hedging import HedgeRule
from potluck.core.model import EngineId, Health, NodeId
from potluck.gateway.relay.relay import Limits
from tests.gateway.world import DONE, ROLE, STOP, EngineSide, World, says_hi, text, until, world

pytestmark = pytest.mark.asyncio

AFTER_ONE_S = {"r": RouteRule("r", order=(NodeId("n0"),), hedge=HedgeRule(after_s=1.0, share=1.0))}


@dataclass
class Waits:
    """Says nothing until it is told to; ``left`` when the gateway has hung up before."""

    asked: int = 0
    speak: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    heads_first: bool = False

    async def __call__(self, side: EngineSide) -> None:
        self.asked += 1
        if self.heads_first:
            side.stream()
        waits = [asyncio.ensure_future(self.speak.wait()), asyncio.ensure_future(side.gone())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self.speak.is_set():
            self.left.set()
        elif self.heads_first:
            for piece in (ROLE, text("h"), text("i"), STOP, DONE):
                side.chunk(piece)
            side.end()
        else:
            await says_hi(side)


async def late(w: World, *firsts: Waits, s: float = 1.6) -> None:
    """The first engines have been asked, and are silent for so long."""
    await until(lambda: all(each.asked for each in firsts))
    w.skip(0.1)  # heard by a sweep that was not late: from here on no time passes but what is skipped
    for _ in range(round(s / 0.4)):
        w.skip(0.4)


@pytest.mark.parametrize("heads_first", [False, True])
async def test_the_second_engine_answers_where_the_first_is_late(heads_first: bool) -> None:
    first = Waits(heads_first=heads_first)
    async with world(first, says_hi, rules=AFTER_ONE_S) as w:
        client = await w.connect()
        client.ask(stream=True, model="r")
        await late(w, first)
        _, head, body = await client.answer()
        assert (head["x-potluck-node"], head["x-potluck-attempts"]) == ("n1", "2")
        assert body.startswith(b": hedge node=n1 after-ms=")
        assert body.count(b" won\n\n") == 1
        assert body.count(b'"content":"h"') == body.count(b'"content":"i"') == 1
        assert body.endswith(DONE)
        await first.left.wait()
        await until(w.nothing_is_held)
        assert w.metrics.hedges == {"won": 1}
        (record,) = await w.records()
        assert [(each.engine, each.outcome) for each in record.attempts] == [
            ("n0/openai", "slower"),
            ("n1/openai", "ok"),
        ]
        assert record.engine == "n1/openai"
        assert [(each.engine, each.chosen) for each in record.candidates] == [("n1/openai", True)]


async def test_to_be_slower_is_no_failure() -> None:
    first = Waits()
    async with world(first, says_hi, rules=AFTER_ONE_S) as w:
        client = await w.connect()
        client.ask(stream=True, model="r")
        await late(w, first)
        await client.answer()
        await first.left.wait()
        assert w.fleet.engines[EngineId("n0/openai")].health is Health.UP
        assert w.fleet.health[EngineId("n0/openai")].failures == 0
        assert w.metrics.failed_attempts == 0


async def test_the_first_engine_may_still_be_sooner() -> None:
    first, second = Waits(), Waits()
    async with world(first, second, rules=AFTER_ONE_S) as w:
        client = await w.connect()
        client.ask(stream=True, model="r")
        await late(w, first)
        await until(lambda: second.asked == 1)
        assert w.busy() == [1, 1]
        first.speak.set()
        _, head, body = await client.answer()
        assert head["x-potluck-node"] == "n0"
        assert body.startswith(b": hedge node=n1 after-ms=")
        assert b" lost\n\n" in body
        assert body.endswith(DONE)
        await second.left.wait()
        await until(w.nothing_is_held)
        assert w.metrics.hedges == {"lost": 1}
        (record,) = await w.records()
        assert [(each.engine, each.outcome) for each in record.attempts] == [
            ("n1/openai", "slower"),
            ("n0/openai", "ok"),
        ]
        assert w.fleet.engines[EngineId("n1/openai")].health is Health.UP


async def test_without_the_owners_word_nobody_else_is_asked() -> None:
    first = Waits()
    async with world(first, says_hi, rules={"r": RouteRule("r", order=(NodeId("n0"),))}) as w:
        client = await w.connect()
        client.ask(stream=True, model="r")
        await late(w, first)
        assert not w.engines[1].requests
        first.speak.set()
        _, head, _ = await client.answer()
        assert head["x-potluck-node"] == "n0"


async def test_an_answer_that_comes_whole_is_not_hedged() -> None:
    first = Waits()
    async with world(first, says_hi, rules=AFTER_ONE_S) as w:
        client = await w.connect()
        client.ask(model="r")
        await late(w, first, s=3.2)
        assert not w.engines[1].requests
        first.speak.set()
        await client.answer()


async def test_no_slot_is_taken_that_somebody_waits_for_or_uses() -> None:
    first, second = Waits(), Waits()
    async with world(first, second, slots=1, rules=AFTER_ONE_S) as w:
        clients = [await w.connect() for _ in range(2)]
        for client in clients:
            client.ask(stream=True, model="r")
        await late(w, first, second, s=2.4)
        assert (first.asked, second.asked) == (1, 1)
        assert w.metrics.hedges == {}
        first.speak.set()
        second.speak.set()
        for client in clients:
            await client.answer()
        await until(w.nothing_is_held)


async def test_a_share_of_the_calls_is_hedged_and_no_more() -> None:
    rules = {"r": RouteRule("r", order=(NodeId("n0"),), hedge=HedgeRule(after_s=1.0, share=0.5))}
    first = Waits()
    async with world(first, says_hi, slots=4, rules=rules) as w:
        clients = [await w.connect() for _ in range(3)]
        for client in clients:
            client.ask(stream=True, model="r")
        await until(lambda: first.asked == 3)
        await late(w, first, s=3.2)
        await until(lambda: w.metrics.hedges == {"won": 1})
        first.speak.set()
        for client in clients:
            await client.answer()
        assert len(w.engines[1].requests) == 1


async def test_an_engine_that_fails_is_made_good_by_the_one_asked_beside_it() -> None:
    breaks, second = asyncio.Event(), Waits()

    async def first(side: EngineSide) -> None:
        await breaks.wait()
        side.writer.transport.abort()

    async with world(first, second, rules=AFTER_ONE_S) as w:
        client = await w.connect()
        client.ask(stream=True, model="r")
        await until(lambda: bool(w.engines[0].requests))
        await late(w)
        await until(lambda: second.asked == 1)
        breaks.set()
        await until(lambda: w.busy() == [0, 1])
        second.speak.set()
        _, head, body = await client.answer()
        assert (head["x-potluck-node"], head["x-potluck-attempts"]) == ("n1", "2")
        assert body.endswith(DONE)
        assert second.asked == 1
        await until(w.nothing_is_held)
        assert w.metrics.hedges == {"won": 1}
        (record,) = await w.records()
        assert [each.outcome for each in record.attempts] == ["NodeUnreachable", "ok"]


async def breaks_at_once(side: EngineSide) -> None:
    side.writer.transport.abort()


async def says_no(side: EngineSide) -> None:
    side.reply(b'{"error":{"message":"out of memory"}}', "500 Internal Server Error")


async def says_nothing(side: EngineSide) -> None:
    side.stream()
    side.end()


@pytest.mark.parametrize("second", [breaks_at_once, says_no, says_nothing])
async def test_a_second_engine_that_fails_costs_nothing(second: object) -> None:
    first = Waits()
    async with world(first, second, rules=AFTER_ONE_S) as w:  # type: ignore[arg-type]
        client = await w.connect()
        client.ask(stream=True, model="r")
        await late(w, first)
        await until(lambda: w.metrics.hedges == {"failed": 1})
        first.speak.set()
        _, head, body = await client.answer()
        assert head["x-potluck-node"] == "n0"
        assert body.endswith(DONE)
        await until(w.nothing_is_held)
        assert w.fleet.engines[EngineId("n1/openai")].health is Health.SUSPECT


async def test_a_client_that_leaves_frees_both() -> None:
    first, second = Waits(), Waits()
    async with world(first, second, rules=AFTER_ONE_S) as w:
        client = await w.connect()
        client.ask(stream=True, model="r")
        await late(w, first)
        await until(lambda: second.asked == 1)
        client.abort()
        await first.left.wait()
        await second.left.wait()
        await until(w.nothing_is_held)
        assert w.metrics.hedges == {"cancelled": 1}


async def test_what_is_late_is_learned_from_the_calls() -> None:
    rules = {"r": RouteRule("r", order=(NodeId("n0"),), hedge=HedgeRule(share=1.0))}
    first = Waits()
    async with world(says_hi, says_hi, rules=rules, limits=Limits(silence_s=0, keep_alive_s=1000)) as w:
        client = await w.connect()
        for _ in range(20):
            client.ask(stream=True, model="r")
            await client.answer()
        w.engines[0].script = first
        client.ask(stream=True, model="r")
        await late(w, first, s=100)
        _, head, _ = await client.answer()
        assert head["x-potluck-node"] == "n1"
        await until(w.nothing_is_held)
        assert w.metrics.hedges == {"won": 1}
