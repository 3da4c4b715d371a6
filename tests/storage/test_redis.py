"""Redis that goes away and comes back."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from potluck.core.allowances import Allowance, Claim, Unit
from potluck.core.errors import OperatorError, StorageAway
from potluck.storage.records import GatewayRecord, Heard, Topic
from potluck.storage.shared import redis_jobs
from potluck.storage.shared.open import open_shared
from potluck.storage.shared.redis_server import look_at_redis
from potluck.storage.shared_ports import Shared
from tests.servers.redis import RedisServer, redis_server

CLAIM = Claim("anna", Allowance(Unit.REQUESTS, 10, 86_400.0))
ME = GatewayRecord("g1", "attic", "", "0.1.0", 10.0)


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def shared(running: RedisServer) -> AsyncIterator[Shared]:
    async with open_shared(running.url, gateway="one", clock=time.monotonic) as opened:
        yield opened


async def until_it_is_back(shared: Shared) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await shared.presence.here(ME, 60.0)
            except StorageAway:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_server_that_is_away_is_told_at_once_and_used_again_when_it_is_back(
    running: RedisServer, shared: Shared
) -> None:
    assert (await shared.meter.take([CLAIM])).met
    running.stop()
    try:
        for _ in range(3):
            with pytest.raises(StorageAway):
                await shared.meter.take([CLAIM])
        assert shared.server is not None
        assert shared.server.trouble
    finally:
        running.start()
    await until_it_is_back(shared)
    (level,) = await shared.meter.levels([CLAIM])
    assert level.remaining == 10, "it kept nothing, and its script is given to it again"
    assert shared.server.trouble == ""


async def test_while_it_is_away_nobody_but_the_one_that_tries_waits_for_it() -> None:
    """A server that takes connections and says nothing, which costs who asks two seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        await _refused_at_once(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")


async def _refused_at_once(url: str) -> None:
    async with open_shared(url, gateway="one", clock=lambda: 0.0) as shared:
        with pytest.raises(StorageAway):
            await shared.meter.take([CLAIM])
        began = time.monotonic()
        for _ in range(1000):
            with pytest.raises(StorageAway):
                await shared.meter.take([CLAIM])
        assert time.monotonic() - began < 2.0, "less than to ask it once"


async def test_listeners_are_told_to_look_when_it_is_back(running: RedisServer, shared: Shared) -> None:
    relaying = asyncio.ensure_future(shared.bus.relaying())
    with shared.bus.listen(Topic.JOBS) as listening:
        async with asyncio.timeout(30):
            assert await listening.next() == Heard(Topic.JOBS)
            assert await listening.next() == Heard(Topic.JOBS), "it is connected"
            running.stop()
            shared.bus.publish(Topic.JOBS, "j1")
            assert await listening.next() == Heard(Topic.JOBS, "j1"), "one's own word needs no server"
            running.start()
            assert await listening.next() == Heard(Topic.JOBS)
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


async def test_what_others_write_to_the_channel_does_no_harm(running: RedisServer, shared: Shared) -> None:
    relaying = asyncio.ensure_future(shared.bus.relaying())
    async with (
        asyncio.timeout(30),
        open_shared(running.url, gateway="two", clock=time.monotonic) as other,
    ):
        with shared.bus.listen(Topic.JOBS) as listening:
            await listening.next()
            await listening.next()
            client = other.server
            for words in ("nonsense", '["x","a topic to come","y"]', '["x","jobs","j1"]'):
                await client.publish("potluck:bus", words)  # type: ignore[union-attr]
            assert await listening.next() == Heard(Topic.JOBS, "j1")
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


async def test_a_url_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(OperatorError) as caught:
        async with open_shared("http://:hunter2@cellar", gateway="one", clock=time.monotonic):
            pass
    assert "hunter2" not in f"{caught.value}{caught.value.detail}"


async def test_doctor_is_told_the_version_or_what_is_wrong(running: RedisServer) -> None:
    assert (await look_at_redis(running.url))[0].isdigit()
    with pytest.raises(StorageAway, match="does not accept the user or the password"):
        await look_at_redis(running.url.replace("//", "//anna:wrong@"))


async def test_a_job_that_a_gateway_was_told_of_before_it_died_is_told_to_another(
    running: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_jobs, "_ABANDONED_MS", 20)
    running.empty()
    async with open_shared(running.url, gateway="dead", clock=time.monotonic) as dead:
        await dead.jobs.announce("j1")
        told = await dead.jobs.next()
    async with open_shared(running.url, gateway="heir", clock=time.monotonic) as heir:
        async with asyncio.timeout(10):
            assert await heir.jobs.next() == told
        await heir.jobs.settle(told)


async def test_word_of_jobs_is_told_again_when_the_server_is_back(running: RedisServer, shared: Shared) -> None:
    running.stop()
    await shared.jobs.announce("lost")  # nobody is told, and nothing fails
    waiting = asyncio.ensure_future(shared.jobs.next())
    running.start()
    await until_it_is_back(shared)
    await shared.jobs.announce("j1")
    async with asyncio.timeout(30):
        assert await waiting
