"""Transactions and the threads they run in: their order, their ends, and callers that leave."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection

from potluck.core.errors import NoRoom, OperatorError
from potluck.storage.sql.database import Database, open_database
from potluck.storage.sql.sqlite import open_engine


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(*open_engine(tmp_path / "some.db", busy_timeout_s=5.0)) as database:
        await database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x INTEGER UNIQUE)"))
        yield database


class Held:
    """A transaction that adds 1 and 2, and waits in between."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, connection: Connection) -> None:
        add(connection, 1)
        self.begun.set()
        assert self.go_on.wait(20)
        add(connection, 2)


def add(connection: Connection, number: int) -> None:
    connection.exec_driver_sql("INSERT INTO t VALUES (?)", (number,))


async def kept(database: Database) -> list[int]:
    """What is there, in the order in which it came."""
    rows = await database.read(lambda connection: connection.exec_driver_sql("SELECT x FROM t ORDER BY rowid").all())
    return [row.x for row in rows]


async def held(database: Database) -> tuple[Held, asyncio.Task[None]]:
    """A write that is under way until it is told to go on."""
    work = Held()
    task = asyncio.create_task(database.write(work))
    assert await asyncio.to_thread(work.begun.wait, 20)
    return work, task


async def left(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_write_whose_caller_leaves_is_done_whole_if_it_has_begun(database: Database) -> None:
    work, task = await held(database)
    await left(task)
    assert await kept(database) == []
    work.go_on.set()
    await database.write(lambda connection: add(connection, 3))
    assert await kept(database) == [1, 2, 3]


async def test_a_write_whose_caller_leaves_before_its_turn_is_not_done(database: Database) -> None:
    work, task = await held(database)
    waiting = asyncio.create_task(database.write(lambda connection: add(connection, 3)))
    await asyncio.sleep(0)
    await left(waiting)
    work.go_on.set()
    await task
    await database.write(lambda connection: add(connection, 4))
    assert await kept(database) == [1, 2, 4]


async def test_a_write_whose_caller_has_left_and_that_fails_leaves_no_trace(database: Database) -> None:
    await database.write(lambda connection: add(connection, 2))
    work, task = await held(database)  # it will add 2 once more, which is not allowed
    await left(task)
    work.go_on.set()
    await database.write(lambda connection: add(connection, 3))
    assert await kept(database) == [2, 3]


async def test_writers_keep_their_order(database: Database) -> None:
    work, task = await held(database)
    many = [asyncio.create_task(database.write(lambda at, number=number: add(at, number))) for number in range(3, 40)]
    await asyncio.sleep(0)
    work.go_on.set()
    await asyncio.gather(task, *many)
    assert await kept(database) == list(range(1, 40))


async def test_readers_do_not_wait_for_a_writer_and_do_not_see_what_it_has_not_finished(database: Database) -> None:
    work, task = await held(database)
    assert await asyncio.wait_for(kept(database), 10) == []
    work.go_on.set()
    await task
    assert await kept(database) == [1, 2]


async def test_what_fails_leaves_no_trace_and_the_next_finds_all_in_order(database: Database) -> None:
    def fail(connection: Connection) -> None:
        add(connection, 1)
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await database.write(fail)
    with pytest.raises(OperatorError):
        await database.write(lambda connection: connection.exec_driver_sql("nonsense"))
    await database.write(lambda connection: add(connection, 2))
    assert await kept(database) == [2]


async def test_no_connection_is_in_two_hands(database: Database) -> None:
    users: dict[int, int] = {}

    def look(connection: Connection) -> None:
        held = id(connection.connection.dbapi_connection)
        assert users.setdefault(held, threading.get_ident()) == threading.get_ident(), "another thread has it"
        connection.exec_driver_sql("SELECT count(*) FROM t").scalar()
        del users[held]

    tasks = [asyncio.create_task((database.write, database.read, database.read)[n % 3](look)) for n in range(300)]
    for task in tasks[::7]:
        await asyncio.sleep(0)
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [end for end in ends if isinstance(end, Exception)] == []


@pytest.mark.parametrize("hurried", [False, True], ids=["at leisure", "and is cancelled itself"])
async def test_closing_waits_for_what_is_under_way(tmp_path: Path, hurried: bool) -> None:
    file = tmp_path / "some.db"
    end = asyncio.Event()

    async def use(ready: asyncio.Future[tuple[Held, asyncio.Task[None]]]) -> None:
        async with open_database(*open_engine(file, busy_timeout_s=5.0)) as database:
            await database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x INTEGER UNIQUE)"))
            ready.set_result(await held(database))
            await end.wait()

    ready: asyncio.Future[tuple[Held, asyncio.Task[None]]] = asyncio.get_running_loop().create_future()
    using = asyncio.create_task(use(ready))
    work, task = await ready
    await left(task)
    end.set()
    for _ in range(3):
        await asyncio.sleep(0.01)
        if hurried:
            using.cancel()
    assert not using.done()
    work.go_on.set()
    await asyncio.wait([using])
    assert using.cancelled() == hurried
    assert [path.name for path in tmp_path.iterdir()] == ["some.db"], "SQLite's other files go with the last connection"
    async with open_database(*open_engine(file, busy_timeout_s=5.0)) as database:
        assert await kept(database) == [1, 2]


async def test_a_full_disk_is_told_and_what_was_accepted_before_is_there(database: Database) -> None:
    await database.write(lambda connection: add(connection, 1))

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(2, 10_000):
            add(connection, number)

    with pytest.raises(NoRoom, match="full"):
        await database.write(fill)
    assert await kept(database) == [1]
