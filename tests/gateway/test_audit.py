"""Facts reach the log whole and once, whatever the database does, and strangers cannot fill it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from potluck.core.audit import Event, Fact, Head
from potluck.core.errors import OperatorError, StorageAway
from potluck.core.floods import WINDOW_S
from potluck.core.model import KeyId, UserId
from potluck.gateway import audit as module
from potluck.gateway.audit import Audit
from potluck.gateway.port import Caller
from potluck.storage.journal import Journal
from potluck.storage.owed_facts import JournaledFacts, OwedFacts
from potluck.storage.records import Noted
from tests.surfaces.v1.world import MemoryAudit, MemoryHeads

ANNA = Caller(KeyId("k"), "desk", UserId("anna"), prefix="pk-abcdef", address="192.0.2.7")


class Store(MemoryAudit):
    """A database that may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.slow: asyncio.Event | None = None

    async def append(self, noted: Sequence[Noted]) -> Head:
        if self.away:
            raise StorageAway("away", retry_after_s=1.0)
        if self.slow is not None:
            await self.slow.wait()
        return await super().append(noted)


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.store = Store()
        self.heads = MemoryHeads()
        self.heard: list[Fact] = []
        self.audit = self.another()

    def another(self, owed: OwedFacts | None = None) -> Audit:
        ids = itertools.count(len(self.store.entries))
        return Audit(
            self.store,
            clock=lambda: self.now + 0.0004,
            monotonic=lambda: self.now,
            new_id=lambda: f"f{next(ids)}",
            name_of=lambda user: f"name of {user}",
            heads=self.heads,
            heard=self.heard.append,
            owed=owed,
        )

    def facts(self) -> list[Fact]:
        return [entry.fact for entry in self.store.entries]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_fact_says_who_did_what_from_where_with_which_key(world: World) -> None:
    await world.audit.tell(Event.USER_MADE, ANNA, "bert", role="member")
    fact = Fact(Event.USER_MADE, "anna", "name of anna", "pk-abcdef", "192.0.2.7", "bert", {"role": "member"})
    assert world.facts() == world.heard == [fact]
    assert world.store.entries[0].time_ms == 100_000
    assert world.heads.noted == world.store.entries[0].head == world.audit.anchor()


async def test_while_the_database_is_away_facts_wait_in_their_order(world: World) -> None:
    world.store.away = True
    await world.audit.tell(Event.USER_MADE, ANNA, "bert")
    await world.audit.tell(Event.USER_REMOVED, ANNA, "bert")
    assert world.facts() == []
    world.store.away = False
    await world.audit.flush()
    assert [fact.event for fact in world.facts()] == [Event.USER_MADE, Event.USER_REMOVED]


def journaled(folder: Path, most_bytes: int = 1 << 20) -> JournaledFacts:
    return JournaledFacts(Journal(folder, synced=False, most_bytes=most_bytes))


async def test_a_gateway_that_is_killed_while_the_database_is_away_loses_no_fact(world: World, tmp_path: Path) -> None:
    world.store.away = True
    killed = world.another(journaled(tmp_path))
    await killed.tell(Event.NODE_DRAINED, ANNA, "agx0\ud800\x1b[2J", cut=1)
    killed.note(Event.RELOADED, sections="routes")
    await killed.flush()
    assert killed.owed_bytes
    again = world.another(journaled(tmp_path))
    await again.flush()
    await again.tell(Event.NODE_RESUMED, ANNA, "agx0")
    assert world.facts() == [], "still away"
    world.store.away = False
    await again.flush()
    who = ("anna", "name of anna", "pk-abcdef", "192.0.2.7")
    assert world.facts() == [
        Fact(Event.NODE_DRAINED, *who, "agx0[2J", {"cut": 1}),
        Fact(Event.RELOADED, detail={"sections": "routes"}),
        Fact(Event.NODE_RESUMED, *who, "agx0"),
    ]
    assert again.owed_bytes == 0
    assert journaled(tmp_path).found() == [], "nothing is left of it"


async def test_a_journal_that_is_full_or_damaged_costs_no_fact_that_is_in_memory(world: World, tmp_path: Path) -> None:
    tmp_path.joinpath("00000001.jsonl").write_bytes(b"no json\n{}\n")
    audit = world.another(journaled(tmp_path, 10))
    assert audit.owed_bytes == 0
    world.store.away = True
    await audit.tell(Event.USER_MADE, ANNA, "bert")
    await audit.tell(Event.USER_MADE, ANNA, "carl")
    world.store.away = False
    await audit.flush()
    assert [fact.subject for fact in world.facts()] == ["bert", "carl"]
    assert audit.owed_bytes == 0


async def test_what_does_not_fit_into_memory_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    world.store.away = True
    for number in range(5):
        world.audit.note(Event.RELOADED, str(number))
    world.store.away = False
    await world.audit.flush()
    await world.audit.flush()
    assert [(fact.event, fact.detail) for fact in world.facts()] == [
        (Event.RELOADED, {}),
        (Event.RELOADED, {}),
        (Event.LOST, {"count": 3}),
    ]


async def test_who_leaves_while_it_is_written_leaves_it_written_once(world: World) -> None:
    world.store.slow = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(world.audit.tell(Event.USER_MADE, ANNA, "bert"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        telling.cancel()
    world.store.slow = None
    await world.audit.flush()
    assert [fact.subject for fact in world.facts()] == ["bert"]


async def test_wrong_keys_are_told_once_and_then_counted(world: World) -> None:
    for _ in range(5):
        world.audit.key_refused("192.0.2.9", "pk-abcdefghijklmnop")
    world.audit.key_refused("192.0.2.10", "my password")
    await world.audit.flush()
    assert [(fact.address, fact.key, fact.detail["count"]) for fact in world.facts()] == [
        ("192.0.2.9", "pk-abcdef", 1),
        ("192.0.2.10", "", 1),
    ]
    world.now += WINDOW_S
    await world.audit.close()
    assert [(fact.address, fact.detail["count"]) for fact in world.facts()[2:]] == [("192.0.2.9", 4)]


async def test_a_log_that_lacks_what_was_noted_says_so_in_itself(world: World) -> None:
    for name in ("anna", "bert", "carl"):
        await world.audit.tell(Event.USER_MADE, None, name)
    noted = world.heads.noted
    await world.another().check()
    assert len(world.store.entries) == 3, "nothing is amiss"
    del world.store.entries[1:]
    again = world.another()
    await again.check()
    assert [(fact.event, fact.detail) for fact in world.facts()[1:]] == [(Event.MISPLACED, {"noted": str(noted)})]
    assert again.anchor() == world.heads.noted == world.store.entries[-1].head
    await again.check()
    assert len(world.store.entries) == 2


async def test_what_was_forgotten_on_purpose_is_not_missed(world: World) -> None:
    await world.audit.tell(Event.USER_MADE, None, "anna")
    first = world.heads.noted
    await world.audit.tell(Event.USER_MADE, None, "bert")
    del world.store.entries[0]
    world.heads.noted = first
    await world.another().check()
    assert len(world.store.entries) == 1


async def test_a_gateway_without_a_note_has_nothing_to_check(world: World) -> None:
    await world.audit.check()
    assert world.audit.anchor() is None


async def test_a_disk_that_takes_no_note_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(head: Head) -> None:
        raise OperatorError("full")

    monkeypatch.setattr(world.heads, "write", fails)
    await world.audit.tell(Event.USER_MADE, ANNA, "bert")
    assert [fact.subject for fact in world.facts()] == ["bert"]
