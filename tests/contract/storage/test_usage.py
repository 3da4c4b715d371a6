"""What was used: summed in the step in which calls are written, and each call once."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from potluck.core.model import EngineId, KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.usage import Dimension
from potluck.storage.ports import Storage
from potluck.storage.records import CallStatus, RequestRecord, UsageQuery, UsageRow

DAY_S = 86_400.0
CALL = RequestRecord(
    id=RequestId("r1"),
    time_s=20_000 * DAY_S + 5.0,  # 2024-10-04
    family="openai",
    asked_model="chat",
    status=CallStatus.OK,
    http_status=200,
    total_s=3.0,
    key=KeyId("k1"),
    served_model=ModelId("llama"),
    node=NodeId("agx0"),
    engine=EngineId("agx0/ollama:11434"),
    queue_s=1.0,
    prompt_tokens=10,
    completion_tokens=5,
    cached_tokens=2,
    user=UserId("anna"),
    energy_j=20.0,
)
ALL = UsageQuery("0001-01-01", "9999-12-31")


def call(number: int, **changes: object) -> RequestRecord:
    return replace(CALL, id=RequestId(f"r{number}"), **changes)


async def told(storage: Storage, *by: Dimension, **where: object) -> tuple[UsageRow, ...]:
    return await storage.usage.tell(replace(ALL, by=by, **where), limit=100)


async def test_a_call_is_counted_where_it_belongs(storage: Storage) -> None:
    await storage.requests.add([CALL])
    (row,) = await told(storage, *Dimension)
    figures = UsageRow("2024-10-04", "", "anna", "k1", "llama", "agx0", 1, 0, 10, 5, 2, 0, 2.0, 20.0)
    assert row == replace(figures, hour="2024-10-04T00")
    assert await told(storage, *(each for each in Dimension if each is not Dimension.HOUR)) == (figures,)


async def test_a_call_that_is_written_again_is_not_counted_again(storage: Storage) -> None:
    await storage.requests.add([CALL, call(2), call(2, prompt_tokens=99)])
    await storage.requests.add([CALL, call(2), call(3)])
    (row,) = await told(storage)
    assert (row.calls, row.prompt_tokens, row.engine_s, row.energy_j) == (3, 30, 6.0, 60.0)


async def test_writers_at_the_same_time_lose_no_call_and_count_none_twice(storage: Storage) -> None:
    everybody = [call(number, user=UserId(f"u{number % 7}")) for number in range(220)]
    batches = [everybody[first : first + 60] for first in range(0, 200, 40)]
    await asyncio.gather(*(storage.requests.add(batch) for batch in batches))
    (row,) = await told(storage)
    assert row.calls == len(await storage.requests.recent(limit=999)) == 220


async def test_calls_that_failed_or_never_were_are_counted_without_a_model(storage: Storage) -> None:
    refused = call(2, status=CallStatus.OVERLOADED, served_model=None, node=None, engine=None, energy_j=None)
    stranger = call(3, user=None, key=None)
    left = call(4, status=CallStatus.CANCELLED, images=2, energy_j=None)
    await storage.requests.add([CALL, refused, stranger, left])
    nobody, llama = await told(storage, Dimension.MODEL)
    assert (nobody.model, nobody.calls, nobody.failed, nobody.engine_s, nobody.energy_j) == ("", 1, 1, 0.0, None)
    assert (llama.model, llama.calls, llama.failed, llama.images, llama.energy_j) == ("llama", 2, 0, 2, 20.0)


async def test_figures_are_told_apart_and_bounded_as_asked(storage: Storage) -> None:
    await storage.requests.add(
        [
            CALL,
            call(2, user=UserId("bert"), key=KeyId("k2"), time_s=CALL.time_s + DAY_S),
            call(3, node=NodeId("orin0"), served_model=ModelId("qwen")),
        ]
    )
    by = Dimension
    assert [(row.user, row.calls) for row in await told(storage, by.USER)] == [("anna", 2), ("bert", 1)]
    rows = await told(storage, by.NODE, by.MODEL)
    assert [(row.node, row.model, row.calls) for row in rows] == [("agx0", "llama", 2), ("orin0", "qwen", 1)]
    assert [row.calls for row in await told(storage, user=UserId("anna"), key=KeyId("k1"))] == [2]
    assert [row.day for row in await told(storage, by.DAY, first="2024-10-05")] == ["2024-10-05"]
    assert [row.day for row in await told(storage, by.DAY, last="2024-10-04")] == ["2024-10-04"]
    assert len(await storage.usage.tell(replace(ALL, by=(by.USER,)), limit=1)) == 1
    assert [row.calls for row in await told(storage, first="2030-01-01")] == [0]
    assert await told(storage, by.DAY, first="2030-01-01") == ()


async def test_hours_add_up_to_their_days_and_are_forgotten_sooner(storage: Storage) -> None:
    await storage.requests.add(
        [CALL, call(2, time_s=CALL.time_s + 3_600), call(3, energy_j=None), call(4, time_s=CALL.time_s + DAY_S)]
    )
    by = Dimension
    hours = [(row.hour, row.calls, row.energy_j) for row in await told(storage, by.HOUR)]
    assert hours == [("2024-10-04T00", 2, 20.0), ("2024-10-04T01", 1, 20.0), ("2024-10-05T00", 1, 20.0)]
    assert [(row.day, row.calls, row.energy_j) for row in await told(storage, by.DAY)] == [
        ("2024-10-04", 3, 40.0),
        ("2024-10-05", 1, 20.0),
    ]
    assert [row.hour for row in await told(storage, by.HOUR, first="2024-10-05")] == ["2024-10-05T00"]
    assert [row.hour for row in await told(storage, by.HOUR, last="2024-10-04")] == ["2024-10-04T00", "2024-10-04T01"]
    assert await told(storage, by.HOUR, user=UserId("bert")) == ()
    await storage.usage.prune("2024-10-04", "2024-10-05")
    assert [row.hour for row in await told(storage, by.HOUR)] == ["2024-10-05T00"]
    assert len(await told(storage, by.DAY)) == 2


async def test_usage_outlasts_its_calls_and_its_users_and_goes_by_the_day(storage: Storage) -> None:
    await storage.requests.add([CALL, call(2, time_s=CALL.time_s + DAY_S)])
    await storage.requests.prune(CALL.time_s + 9 * DAY_S)
    (row,) = await told(storage)
    assert row.calls == 2
    assert await storage.usage.prune("2024-10-05", "2024-10-05") == 1
    assert [row.day for row in await told(storage, Dimension.DAY)] == ["2024-10-05"]


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
async def test_a_name_that_cannot_be_kept_is_cleaned(storage: Storage, name: str) -> None:
    await storage.requests.add([call(1, served_model=ModelId(name))])
    assert (await told(storage, Dimension.MODEL))[0].calls == 1
