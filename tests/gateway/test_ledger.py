"""The request log in memory: written in batches, never lost for a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from potluck.core.errors import BadRequest, OperatorError
from potluck.core.model import EngineId, KeyId, ModelId, UserId
from potluck.gateway.ledger import KEPT_S, Ledger
from potluck.gateway.metrics import Metrics
from potluck.gateway.port import Caller
from potluck.storage.records import RequestRecord

from .world import says_hi, world

CALLER = Caller(KeyId("k"), "test", UserId("u"))


class Store:
    """Keeps what it is given; each ``add`` waits for ``open``, and fails if ``broken``."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.pruned: list[float] = []

    async def add(self, records: Sequence[RequestRecord]) -> None:
        await self.open.wait()
        if self.broken:
            raise OperatorError("The database is away.")
        self.ids += [record.id for record in records]

    async def get(self, request: Any) -> RequestRecord:
        raise NotImplementedError

    async def recent(self, *, limit: int, where: Any = None) -> tuple[RequestRecord, ...]:
        raise NotImplementedError

    async def prune(self, before_s: float) -> int:
        self.pruned.append(before_s)
        if self.broken:
            raise OperatorError("The database is away.")
        return 1


def made() -> tuple[Ledger, Store]:
    store = Store()
    return Ledger(store, Metrics(), lambda error: 400), store


def note(ledger: Ledger, request: str) -> None:
    ledger.refused("openai", BadRequest("no"), CALLER, request, 0.0)


async def test_a_flush_waits_for_one_that_is_under_way() -> None:
    ledger, store = made()
    store.open.clear()
    note(ledger, "a")
    first = asyncio.ensure_future(ledger.flush())
    await asyncio.sleep(0)
    note(ledger, "b")
    second = asyncio.ensure_future(ledger.flush())
    await asyncio.sleep(0)
    assert not second.done()
    store.open.set()
    await second
    assert store.ids == ["a", "b"]
    await first


async def test_what_could_not_be_written_is_written_later() -> None:
    ledger, store = made()
    store.broken = True
    note(ledger, "a")
    await ledger.flush()
    note(ledger, "b")
    store.broken = False
    await ledger.flush()
    assert store.ids == ["a", "b"]


async def test_a_flush_that_is_cancelled_loses_nothing() -> None:
    ledger, store = made()
    store.open.clear()
    note(ledger, "a")
    flush = asyncio.ensure_future(ledger.flush())
    await asyncio.sleep(0)
    flush.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flush
    store.open.set()
    await ledger.flush()
    assert store.ids == ["a"]


async def test_strangers_are_not_written_down() -> None:
    ledger, store = made()
    ledger.refused("openai", BadRequest("no"), None, "a", 0.0)
    await ledger.flush()
    assert store.ids == []


@pytest.mark.parametrize("broken", [False, True])
async def test_calls_are_forgotten_after_a_month_and_a_failure_is_no_end(broken: bool) -> None:
    ledger, store = made()
    store.broken = broken
    pruning = asyncio.ensure_future(ledger.pruning(lambda: KEPT_S + 5.0))
    while not store.pruned:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert store.pruned == [5.0]
    assert not pruning.done()
    pruning.cancel()


async def test_a_crowds_records_are_written_before_their_time() -> None:
    ledger, store = made()
    writing = asyncio.create_task(ledger.flushing())
    await asyncio.sleep(0)
    for number in range(1000):
        note(ledger, str(number))
    async with asyncio.timeout(1):
        while len(store.ids) < 1000:
            await asyncio.sleep(0)
    writing.cancel()


async def test_why_an_engine_was_chosen_is_written_down_in_figures() -> None:
    async with world(says_hi, says_hi, says_hi) as w:
        client = await w.connect()
        for stream in (False, True):
            client.ask(stream=stream)
            assert (await client.answer())[0] == 200
        first, second = await w.records()
        for record in (first, second):
            assert [each.engine for each in record.candidates if each.chosen] == [record.engine]
            assert {each.verdict for each in record.candidates} == {"chosen", "another place is better"}
            assert all(
                each.model == "m" and each.run and each.finish_s > each.first_s > 0 for each in record.candidates
            )


async def test_the_speed_of_engines_is_learned_from_calls() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask(stream=True)
        assert (await client.answer())[0] == 200
        assert w.relay.dispatcher.learned()[EngineId("n0/openai"), ModelId("m")]["readings"] == 1
