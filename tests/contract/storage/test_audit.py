import asyncio
import time
from collections.abc import Sequence

import pytest

from potluck.core.audit import EMPTY, Entry, Event, Fact, Fault, Head, Verifier
from potluck.core.errors import PotluckError
from potluck.storage.open import open_storage
from potluck.storage.ports import Storage
from potluck.storage.records import AuditFilter, Noted


def noted(name: str, time_ms: int = 1000, event: Event = Event.USER_MADE, actor: str = "owner") -> Noted:
    detail = {"role": "mémber", "count": 2**53}
    return Noted(f"id-{name}", time_ms, Fact(event, actor, "Öwner", "pk-abcdef", "192.0.2.1", name, detail))


async def every(storage: Storage) -> Sequence[Entry]:
    return await storage.audit.page(after=0, limit=10_000)


def whole(entries: Sequence[Entry], *anchors: Head) -> bool:
    verifier = Verifier(anchors)
    verifier.feed(entries)
    return verifier.verdict().whole


async def test_an_empty_log_has_an_empty_head(storage: Storage) -> None:
    assert await storage.audit.head() == EMPTY
    assert await every(storage) == ()
    assert await storage.audit.append([]) == EMPTY


async def test_facts_come_back_as_they_were_told_in_a_chain(storage: Storage) -> None:
    await storage.audit.append([noted("anna"), noted("bert", 2000)])
    head = await storage.audit.append([noted("carl", 1500)])
    entries = await every(storage)
    assert [(entry.seq, entry.time_ms, entry.id, entry.fact) for entry in entries] == [
        (1, 1000, "id-anna", noted("anna").fact),
        (2, 2000, "id-bert", noted("bert").fact),
        (3, 1500, "id-carl", noted("carl").fact),
    ]
    assert entries[-1].head == head == await storage.audit.head()
    assert whole(entries, head)


async def test_a_fact_that_is_told_again_is_there_once(storage: Storage) -> None:
    await storage.audit.append([noted("anna")])
    await storage.audit.append([noted("anna"), noted("bert"), noted("bert")])
    entries = await every(storage)
    assert [entry.fact.subject for entry in entries] == ["anna", "bert"]
    assert whole(entries)


async def test_what_no_text_can_hold_is_left_out_before_it_is_hashed(storage: Storage) -> None:
    await storage.audit.append([Noted("x", 1, Fact(Event.KEY_REFUSED, subject="a\0\ud800b", detail={"to": "\0"}))])
    entries = await every(storage)
    assert (entries[0].fact.subject, entries[0].fact.detail) == ("ab", {"to": ""})
    assert whole(entries)


async def test_two_gateways_that_tell_at_once_make_one_chain(storage: Storage, url: str) -> None:
    """Each fact once, numbers without gaps, every entry bound to the one before it."""

    async def tell(own: Storage, gateway: str) -> None:
        await asyncio.gather(*(own.audit.append([noted(f"{gateway}{number}")]) for number in range(20)))

    async with open_storage(url, clock=time.monotonic, busy_timeout_s=30) as other:
        await asyncio.gather(tell(storage, "a"), tell(other, "b"))
    entries = await every(storage)
    assert [entry.seq for entry in entries] == list(range(1, 41))
    assert len({entry.id for entry in entries}) == 40
    assert whole(entries)


async def test_entries_are_listed_newest_first_and_chosen(storage: Storage) -> None:
    await storage.audit.append(
        [
            noted("anna", 1000),
            noted("key", 2000, Event.KEY_MADE, actor="anna"),
            noted("keys_", 3000, Event.KEY_REVOKED),
        ]
    )

    async def listed(limit: int = 9, **where: object) -> list[str]:
        found = await storage.audit.recent(limit=limit, where=AuditFilter(**where))  # type: ignore[arg-type]
        return [entry.fact.subject for entry in found]

    assert await listed() == ["keys_", "key", "anna"]
    assert await listed(limit=1) == ["keys_"]
    assert await listed(event="key.") == ["keys_", "key"]
    assert await listed(event="key_") == [], "no sign is a joker"
    assert await listed(actor="anna") == ["key"]
    assert await listed(since_ms=2000) == ["keys_", "key"]
    assert await listed(before=3) == ["key", "anna"]
    assert [entry.seq for entry in await storage.audit.page(after=1, limit=1)] == [2]


async def test_old_entries_are_forgotten_and_the_rest_stays_a_chain(storage: Storage) -> None:
    await storage.audit.append([noted("a", 1000), noted("b", 2000), noted("late", 1500), noted("d", 3000)])
    before = await every(storage)
    assert await storage.audit.prune(before_ms=2000, now_ms=9000, id="p1") == 1, "what stands behind a newer one stays"
    assert await storage.audit.prune(before_ms=2000, now_ms=9000, id="p2") == 0
    assert await storage.audit.prune(before_ms=2500, now_ms=9000, id="p3") == 2
    entries = await every(storage)
    assert [entry.seq for entry in entries] == [4, 5, 6]
    assert [entry.fact.event for entry in entries[1:]] == [Event.FORGOTTEN] * 2
    assert whole(entries, before[2].head, before[3].head)


async def test_all_that_is_old_may_go(storage: Storage) -> None:
    await storage.audit.append([noted("a"), noted("b")])
    assert await storage.audit.prune(before_ms=5000, now_ms=9000, id="p1") == 2
    (entry,) = await every(storage)
    assert (entry.seq, entry.fact.detail["through"]) == (3, 2)
    assert whole([entry])
    assert await storage.audit.prune(before_ms=5000, now_ms=9000, id="p2") == 0
    assert (await storage.audit.append([noted("c")])).seq == 4


async def test_entries_that_somebody_changed_can_be_read_and_are_found(storage: Storage, url: str) -> None:
    await storage.audit.append([noted("anna"), noted("bert")])
    for column, value in (("event", "'nothing'"), ("detail", "'[]'"), ("previous", "'x'"), ("subject", "'carl'")):
        await storage.audit.append([noted("carl")])
        await tampered(storage, f"UPDATE audit_log SET {column} = {value} WHERE seq = 2")
        verifier = Verifier()
        verifier.feed(await every(storage))
        verdict = verifier.verdict()
        assert (verdict.fault, verdict.seq) == (Fault.CHANGED, 2), column


async def tampered(storage: Storage, statement: str) -> None:
    database = storage.audit._database  # type: ignore[attr-defined]
    await database.write(lambda connection: connection.exec_driver_sql(statement).close())


async def test_nothing_is_told_by_halves(storage: Storage) -> None:
    broken = Noted("id-x", 2**70, Fact(Event.USER_MADE))  # no database has such a number
    with pytest.raises((PotluckError, OverflowError)):
        await storage.audit.append([noted("anna"), broken])
    assert await every(storage) == ()
