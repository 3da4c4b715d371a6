"""What went wrong, in every database."""

from __future__ import annotations

import pytest

from potluck.core.errors import BadRequest
from potluck.core.incidents import Cause, Incident
from potluck.core.model import EngineId, NodeId, RequestId
from potluck.storage.incidents import IncidentFilter
from potluck.storage.ports import Storage

A, NONE = NodeId("agx0"), EngineId("")
OPEN = Incident("i1", Cause.NODE_DOWN, A, NONE, 10.25, why="refused “it”\x00")
OVER = Incident("i2", Cause.RESCUED, NodeId("b"), NONE, 20.0, 25.0, "gone", 2, (RequestId("r1"), RequestId("r2")))


async def ids(storage: Storage, where: IncidentFilter | None = None) -> list[str]:
    return [each.id for each in (await storage.incidents.list(limit=9, where=where)).incidents]


async def test_they_come_back_whole_newest_first(storage: Storage) -> None:
    await storage.incidents.save([])
    await storage.incidents.save([OPEN, OVER])
    page = await storage.incidents.list(limit=9)
    assert (page.incidents[0], page.next) == (OVER, None)
    assert page.incidents[1].why == "refused “it”"
    assert [each.id for each in await storage.incidents.open()] == ["i1"]


async def test_the_last_word_of_one_counts(storage: Storage) -> None:
    await storage.incidents.save([OVER])
    ended = Incident("i1", Cause.NODE_DOWN, A, NONE, 10.25, 30.0)
    await storage.incidents.save([OPEN, ended])
    assert (await storage.incidents.list(limit=9)).incidents == (OVER, ended)
    assert await storage.incidents.open() == ()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (IncidentFilter(node=A), ["i1"]),
        (IncidentFilter(cause=Cause.RESCUED), ["i2"]),
        (IncidentFilter(open=True), ["i1"]),
        (IncidentFilter(open=False), ["i2"]),
        (IncidentFilter(since_s=25.5), ["i1"]),
        (IncidentFilter(until_s=15.0), ["i1"]),
        (IncidentFilter(node=A, open=False), []),
    ],
)
async def test_every_filter_must_hold(storage: Storage, where: IncidentFilter, found: list[str]) -> None:
    await storage.incidents.save([OPEN, OVER])
    assert await ids(storage, where) == found


async def test_pages_leave_out_none_of_one_moment(storage: Storage) -> None:
    await storage.incidents.save([Incident(f"n{each}", Cause.LOST, A, NONE, 5.0, 5.0) for each in range(5)])
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await storage.incidents.list(limit=2, cursor=cursor)
        found += [each.id for each in page.incidents]
        if (cursor := page.next) is None:
            break
    assert found == ["n4", "n3", "n2", "n1", "n0"]
    with pytest.raises(BadRequest):
        await storage.incidents.list(limit=2, cursor="else")


async def test_old_ones_are_forgotten_and_never_open_ones(storage: Storage) -> None:
    many = [Incident(f"n{each}", Cause.LOST, A, NONE, 100.0 + each, 100.0 + each) for each in range(5)]
    await storage.incidents.save([OPEN, OVER, *many])
    assert await storage.incidents.prune(before_s=50.0, most=99) == 1
    assert await storage.incidents.prune(before_s=50.0, most=2) == 3
    assert await ids(storage) == ["n4", "n3", "i1"]
