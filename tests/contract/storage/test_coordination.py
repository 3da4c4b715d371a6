"""What gateways share that use one database: who leads, who is there, and logs that the next leader takes over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from potluck.core.errors import NotFound
from potluck.core.leadership import Record
from potluck.core.model import EngineId, ModelId
from potluck.storage.generations import GenerationLogs
from potluck.storage.leadership import GatewayHere, HeldSeat
from potluck.storage.open import Coordination, open_coordination, open_storage
from tests.contract.storage.test_generations import (  # noqa: F401 - they are run here on `logs` below
    ENTRIES,
    ONE,
    TWO,
    head,
    test_all_that_was_written_is_read_again,
    test_an_id_is_taken_once,
    test_nothing_is_there_at_first,
    test_what_has_come_to_its_end_is_not_unfinished_and_stays_readable,
    test_what_is_forgotten_was_never_there,
)


@pytest.fixture
async def shared(url: str) -> AsyncIterator[Coordination]:
    async with open_storage(url, clock=time.monotonic), open_coordination(url, clock=time.monotonic) as opened:
        await opened.leadership.secret("secret")
        yield opened


@pytest.fixture
def logs(shared: Coordination) -> GenerationLogs:
    return shared.generations(1, lambda: 5.0)


async def test_all_gateways_sign_with_what_the_first_one_brought(shared: Coordination) -> None:
    assert await shared.leadership.secret("another") == "secret"
    assert await shared.leadership.look() == Record()


async def test_of_many_that_want_to_lead_one_does(shared: Coordination) -> None:
    wanted = [Record(f"g{number}", f"http://g{number}", 1) for number in range(8)]
    found = await asyncio.gather(*(shared.leadership.swap(Record(), each) for each in wanted))
    (first,) = [each for each, there in zip(wanted, found, strict=True) if there is None]
    assert {there for there in found if there is not None} == {first}
    assert await shared.leadership.look() == first


async def test_who_knows_an_old_record_changes_nothing(shared: Coordination) -> None:
    led, renewed = Record("a", "http://a", 1), Record("a", "http://a", 1, 1)
    assert await shared.leadership.swap(Record(), led) is None
    assert await shared.leadership.swap(led, renewed) is None
    assert await shared.leadership.swap(led, Record("b", "http://b", 2)) == renewed
    assert await shared.leadership.look() == renewed


async def test_gateways_meet_with_what_each_told_last(shared: Coordination) -> None:
    held = (HeldSeat(EngineId("n/ollama:1"), ModelId("m"), 2),)
    a, b = GatewayHere("a", "desk", "http://a"), GatewayHere("b", "attic", "http://b", 4, held)
    assert await shared.leadership.meet(a) == (a,)
    assert await shared.leadership.meet(b) == (b, a)
    a = GatewayHere("a", "desk", "http://a", 1)
    assert await shared.leadership.meet(a) == (b, a)
    assert await shared.leadership.meet(a, forget=["b", "c"]) == (a,)
    await shared.leadership.leave("a")
    await shared.leadership.leave("a")
    assert await shared.leadership.meet(b) == (b,)


async def test_the_next_leader_has_the_logs_and_the_one_before_writes_nothing_more(shared: Coordination) -> None:
    before, after = shared.generations(1, lambda: 5.0), shared.generations(2, lambda: 6.0)
    for each in (ONE, TWO):
        await before.begin(head(each))
    await before.append(ONE, ENTRIES[:2])
    assert await after.unfinished() == (ONE, TWO)
    assert await before.unfinished() == ()
    with pytest.raises(NotFound):
        await before.append(ONE, ENTRIES[2:4])
    await before.finish(ONE)
    await before.forget(TWO)
    await after.append(ONE, ENTRIES[2:3])
    kept = await after.read(ONE)
    assert (kept.entries, kept.written_s) == (ENTRIES[:3], 6.0)
    assert await after.unfinished() == (ONE, TWO)
