"""Reads that may be a little old go to a real replica, unless it lacks what was written here; the rest never does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from potluck.core.call import Message, Role, TextPart
from potluck.core.model import UserId
from potluck.storage.moving import open_place
from potluck.storage.open import open_storage
from potluck.storage.ports import Storage
from potluck.storage.records import Conversation, ConversationId, MessageId, NewMessage
from tests.servers.postgresql import Postgres, postgres, replica

ANNA = UserId("anna")


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    with postgres("postgresql-newest") as running:
        yield running


@pytest.fixture(scope="module")
def follower(primary: Postgres) -> Iterator[Postgres]:
    with open_place(primary.url(), clock=time.monotonic):
        """The tables are there before it begins to follow."""
    with replica(primary) as running:
        yield running


@pytest.fixture
async def storage(primary: Postgres, follower: Postgres) -> AsyncIterator[Storage]:
    replicas = (follower.url(), "postgresql://potluck@127.0.0.1:1/postgres")
    async with open_storage(primary.url(), clock=time.monotonic, replicas=replicas) as opened:
        yield opened


async def begin(storage: Storage, name: str) -> None:
    await storage.conversations.create(Conversation(ConversationId(name), ANNA, name, 1.0, 1.0))


async def listed(storage: Storage) -> set[str]:
    return {each.id for each in (await storage.conversations.list(ANNA, limit=99)).conversations}


async def test_who_wrote_something_finds_it_at_once_however_far_the_replica_is(
    storage: Storage, follower: Postgres
) -> None:
    follower.sql("SELECT pg_wal_replay_pause()")
    try:
        await begin(storage, "new")
        message = NewMessage(MessageId("m"), Message(Role.USER, (TextPart("needle"),)))
        await storage.conversations.append(ConversationId("new"), ANNA, [message], 2.0)
        assert "new" in await listed(storage)
        assert len((await storage.conversations.search(ANNA, "needle", limit=9)).hits) == 1
        assert follower.sql("SELECT count(*) FROM conversations WHERE id = 'new'") == [(0,)], "it is behind"
    finally:
        follower.sql("SELECT pg_wal_replay_resume()")


async def test_a_replica_that_has_it_all_answers_and_goes_on_while_the_primary_is_away(
    storage: Storage, primary: Postgres, follower: Postgres
) -> None:
    await begin(storage, "kept")
    ends = time.monotonic() + 60
    while follower.sql("SELECT count(*) FROM conversations WHERE id = 'kept'") == [(0,)]:
        assert time.monotonic() < ends
    before = await listed(storage)
    assert "kept" in before
    primary.stop()
    try:
        assert await listed(storage) == before
        assert await storage.requests.recent(limit=9) == ()
    finally:
        primary.start()


async def test_without_any_replica_that_answers_the_primary_does(primary: Postgres) -> None:
    gone = ("postgresql://potluck@127.0.0.1:1/postgres",)
    async with open_storage(primary.url(), clock=time.monotonic, replicas=gone) as storage:
        await begin(storage, "alone")
        assert "alone" in await listed(storage)


async def test_a_server_that_follows_nobody_is_no_replica(primary: Postgres) -> None:
    other = primary.new_database()
    async with open_storage(primary.url(), clock=time.monotonic, replicas=(other,)) as storage:
        await begin(storage, "right one")
        assert "right one" in await listed(storage)
