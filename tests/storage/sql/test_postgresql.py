"""What is PostgreSQL's own, on a real server: what goes wrong is said, and mends itself where it can."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from potluck.core.call import Message, Role, TextPart
from potluck.core.errors import OperatorError
from potluck.core.model import UserId
from potluck.storage.open import look_at_storage, open_storage
from potluck.storage.records import Conversation, ConversationId, MessageId, NewMessage
from tests.servers.postgresql import Postgres, postgres

KEY = UserId("k")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres("postgresql-newest") as running:
        yield running


async def refused(url: str) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        async with open_storage(url, clock=time.monotonic):
            pass
    assert "hunter2" not in f"{caught.value}{caught.value.detail}{caught.value.hint}"
    return caught.value


async def test_a_database_that_is_not_there_is_named_with_a_remedy(server: Postgres) -> None:
    error = await refused(server.url("nothing"))
    assert "has no database 'nothing'" in error.message
    assert "createdb nothing" in error.hint


async def test_a_user_who_is_not_there_is_told_and_not_that_the_database_is_missing(server: Postgres) -> None:
    error = await refused(f"postgresql://stranger:hunter2@127.0.0.1:{server.port}/postgres")
    assert "does not accept the user or the password" in error.message


async def test_a_wrong_password_is_told(server: Postgres) -> None:
    server.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    rules = server.folder / "data" / "pg_hba.conf"
    kept = rules.read_text()
    rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + kept)
    server.sql("SELECT pg_reload_conf()")
    try:
        error = await refused(f"postgresql://guarded:hunter2@127.0.0.1:{server.port}/postgres")
    finally:
        rules.write_text(kept)
    assert "does not accept the user or the password" in error.message


async def test_a_database_of_another_program_is_left_alone(server: Postgres) -> None:
    url = server.new_database()
    server.sql("CREATE TABLE theirs (id integer)", url)
    assert "not Potluck's" in (await refused(url)).message
    assert server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", url) == [("theirs",)]


async def test_a_newer_schema_is_refused(server: Postgres) -> None:
    url = server.new_database()
    async with open_storage(url, clock=time.monotonic):
        pass
    server.sql("UPDATE alembic_version SET version_num = '9999'", url)
    assert "newer version" in (await refused(url)).message


async def test_looking_changes_nothing(server: Postgres) -> None:
    url = server.new_database()
    await look_at_storage(url, clock=time.monotonic)
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", url) == [(0,)]


async def test_gateways_that_start_at_one_moment_make_the_tables_once(server: Postgres) -> None:
    url = server.new_database()

    async def start() -> None:
        async with open_storage(url, clock=time.monotonic) as storage:
            await storage.settings.set("x", 1, 1.0)

    await asyncio.gather(*(start() for _ in range(4)))
    assert server.sql("SELECT count(*) FROM settings", url) == [(1,)]


async def test_the_server_may_be_started_again_while_we_run(server: Postgres) -> None:
    url = server.new_database()
    async with open_storage(url, clock=time.monotonic) as storage:
        await storage.settings.set("before", 1, 1.0)
        server.stop(signal.SIGINT)
        server.start()
        assert await storage.settings.get("before") == 1


async def test_a_server_that_is_away_is_told_at_once_and_met_again_when_it_is_back(server: Postgres) -> None:
    now = 0.0
    url = server.new_database()
    async with open_storage(url, clock=lambda: now) as storage:
        await storage.settings.set("before", 1, 1.0)
        server.stop(signal.SIGKILL)
        with pytest.raises(OperatorError, match="does not answer"):
            await storage.settings.get("before")
        server.start()
        with pytest.raises(OperatorError, match="does not answer"):  # the pause is not over
            await storage.settings.get("before")
        now = 10.0
        assert await storage.settings.get("before") == 1


async def test_appends_from_several_gateways_are_numbered_without_gaps(server: Postgres) -> None:
    url, one = server.new_database(), ConversationId("one")

    async def write(name: str) -> None:
        async with open_storage(url, clock=time.monotonic) as storage:
            for number in range(10):
                message = NewMessage(MessageId(f"{name}{number}"), Message(Role.USER, (TextPart("x"),)))
                await storage.conversations.append(one, KEY, [message], 1.0)

    async with open_storage(url, clock=time.monotonic) as storage:
        await storage.conversations.create(Conversation(one, KEY, "t", 1.0, 1.0))
        await asyncio.gather(*(write(name) for name in "abc"))
        thread = await storage.conversations.get(one, KEY)
    assert [each.seq for each in thread.messages] == list(range(1, 31))
