"""The request log in memory: written in batches, never lost for a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from potluck.core.errors import BadRequest, OperatorError
from potluck.core.model import EngineId, KeyId, ModelId, UserId
from potluck.gateway.ledger import Keep, Ledger
from potluck.gateway.metrics import Metrics
from potluck.gateway.port import Caller
from potluck.storage.journal import Journal
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import RequestLog
from potluck.storage.records import RequestRecord, UsageQuery, UsageRow

from .world import says_hi, world

Made: TypeAlias = Callable[[], tuple[Ledger, "Store"]]
CALLER = Caller(KeyId("k"), "test", UserId("u"))


class Store:
    """Keeps what it is given; each ``add`` waits for ``open``, and fails if ``broken``."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.pruned: list[float | str] = []

    async def add(self, records: Sequence[RequestRecord]) -> None:
        await self.open.wait()
        if self.broken:
            raise OperatorError("The database is away.")
        self.ids += [record.id for record in records]

    async def get(self, request: Any) -> RequestRecord:
        raise NotImplementedError

    async def recent(self, *, limit: int, where: Any = None) -> tuple[RequestRecord, ...]:
        raise NotImplementedError

    async def tell(self, query: UsageQuery, *, limit: int) -> tuple[UsageRow, ...]:
        raise AssertionError("not used here")

    async def prune(self, *before: float | str) -> int:
        self.pruned += before
        if self.broken:
            raise OperatorError("The database is away.")
        return 1


@pytest.fixture
def made(tmp_path: Path) -> Callable[[], tuple[Ledger, Store]]:
    """A ledger with its store. One that is made later finds what the one before left behind."""

    def make() -> tuple[Ledger, Store]:
        store = Store()
        journal = Journal(tmp_path / "journal", synced=False, most_bytes=10_000)
        return Ledger(store, Metrics(), lambda error: 400, journal), store

    return make


def note(ledger: Ledger, request: str) -> None:
    ledger.refused("openai", BadRequest("no"), CALLER, request, 0.0)


async def test_a_flush_waits_for_one_that_is_under_way(made: Made) -> None:
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


async def test_what_could_not_be_written_is_written_later(made: Made) -> None:
    ledger, store = made()
    store.broken = True
    note(ledger, "a")
    await ledger.flush()
    note(ledger, "b")
    store.broken = False
    await ledger.flush()
    assert store.ids == ["a", "b"]


async def test_a_flush_that_is_cancelled_loses_nothing(made: Made) -> None:
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


async def test_strangers_are_not_written_down(made: Made) -> None:
    ledger, store = made()
    ledger.refused("openai", BadRequest("no"), None, "a", 0.0)
    await ledger.flush()
    assert store.ids == []


async def test_a_crash_costs_no_record(made: Made) -> None:
    killed, _ = made()
    note(killed, "a")
    note(killed, "b")
    ledger, store = made()
    note(ledger, "c")
    await ledger.flush()
    assert set(store.ids) == {"a", "b", "c"}  # a database passes over what it has
    _, after = made()
    assert after.ids == []


async def test_a_crash_after_the_database_took_a_batch_writes_it_again_for_the_database_to_pass_over(
    made: Made,
) -> None:
    killed, store = made()
    note(killed, "a")
    store.broken = True
    await killed.flush()
    ledger, store = made()
    await ledger.flush()
    assert store.ids == ["a"]
    again, store = made()
    await again.flush()
    assert store.ids == []


async def test_what_memory_cannot_hold_waits_on_the_disk(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("potluck.gateway.ledger.MAX_WAITING", 2)
    ledger, store = made()
    store.broken = True
    for number in range(5):
        note(ledger, str(number))
        await ledger.flush()
    assert store.ids == []
    store.broken = False
    await ledger.flush()
    assert set(store.ids) == set("01234")
    store.ids.clear()
    note(ledger, "5")
    await ledger.flush()
    assert store.ids == ["5"]


async def test_a_full_journal_costs_only_what_memory_cannot_hold_either(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potluck.gateway.ledger.MAX_WAITING", 90)
    ledger, store = made()
    store.broken = True
    for number in range(100):
        note(ledger, str(number))
    store.broken = False
    await ledger.flush()
    assert set(map(str, range(90))) <= set(store.ids)


async def test_an_entry_that_cannot_be_read_is_passed_over(made: Made, tmp_path: Path) -> None:
    killed, _ = made()
    note(killed, "a")
    (file,) = (tmp_path / "journal").iterdir()
    file.write_bytes(b"{}\nnonsense\n" + file.read_bytes() + b'{"id": "cut o')
    ledger, store = made()
    await ledger.flush()
    assert store.ids == ["a"]


@pytest.mark.parametrize("broken", [False, True])
async def test_calls_and_days_are_forgotten_in_time_and_a_failure_is_no_end(made: Made, broken: bool) -> None:
    ledger, store = made()
    store.broken = broken
    ledger.keep = Keep(requests_s=100.0, usage_s=86_400.0)
    pruning = asyncio.ensure_future(ledger.pruning(store, lambda: 105.0 + 2 * 86_400.0))
    while not store.pruned:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert store.pruned == ([2 * 86_400.0 + 5.0] if broken else [2 * 86_400.0 + 5.0, "1970-01-02", "1970-01-03"])
    assert not pruning.done()
    pruning.cancel()


async def test_a_crowds_records_are_written_before_their_time(made: Made) -> None:
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


async def test_a_calls_share_of_what_its_machine_draws_is_noted() -> None:
    async with world(slots=4) as w:
        w.fleet.machines.watts = lambda node: 50.0 if node == "n0" else None  # type: ignore[method-assign]
        client = await w.connect()
        client.ask()
        await client.answer()
        (record,) = await w.records()
        assert record.energy_j == pytest.approx(50.0 * record.engine_s)
        assert w.metrics.worked["n0", "m"] == (record.engine_s, record.energy_j)


class Killed:
    """Writes, and is killed before anybody hears that it has."""

    def __init__(self, store: RequestLog) -> None:
        self.store = store

    async def add(self, records: Sequence[RequestRecord]) -> None:
        await self.store.add(records)
        raise OperatorError("killed")


async def test_what_was_written_before_a_kill_is_not_counted_again_after_it(tmp_path: Path) -> None:
    def made(store: RequestLog) -> Ledger:
        journal = Journal(tmp_path / "journal", synced=False, most_bytes=1_000_000)
        return Ledger(store, Metrics(), lambda error: 400, journal)

    async with open_storage(sqlite_url(tmp_path / "db"), clock=time.monotonic) as storage:
        killed = made(Killed(storage.requests))  # type: ignore[arg-type]  # nobody reads from it
        for number in range(5):
            note(killed, f"a{number}")
        await killed.flush()
        after = made(storage.requests)
        note(after, "b")
        await after.flush()
        (row,) = await storage.usage.tell(UsageQuery("1970-01-01", "1970-01-01"), limit=9)
        assert (row.calls, row.failed) == (6, 6)
        assert len(await storage.requests.recent(limit=99)) == 6
