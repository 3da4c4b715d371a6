"""A SQLite installation becomes a PostgreSQL one, and back: all of it, whatever happens in between."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import delete

from potluck.core.errors import Conflict, OperatorError
from potluck.storage.moving import open_place
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.sql import moving
from potluck.storage.sql.moving import Step, TableReport, move, verify
from potluck.storage.sql.schema import metadata, settings
from tests.servers.postgresql import Postgres, postgres

from .full import made

ROWS = 7
NUMBERS = count(1)
NAMES = sorted(table.name for table in metadata.sorted_tables)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres("postgresql-newest") as running:
        yield running


@pytest.fixture(scope="module")
def empty(server: Postgres) -> str:
    """The name of a database with tables and nothing in them: to copy it is quicker than to migrate."""
    url = server.new_database()
    with open_place(url, clock=time.monotonic):
        return url.rpartition("/")[2]


@pytest.fixture
def target(server: Postgres, empty: str) -> str:
    name = f"target_{next(NUMBERS)}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE {empty}")
    return server.url(name)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("full") / "a.db"
    asyncio.run(made(file, ROWS))
    return file


@pytest.fixture
def source(full: Path, tmp_path: Path) -> str:
    """The URL of a database with rows in every table."""
    shutil.copy(full, tmp_path / "a.db")
    return sqlite_url(tmp_path / "a.db")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_ROWS", 3)


def silent(step: Step) -> None:
    """Nobody watches."""


def moved(source: str, target: str, *, again: bool = False, read_only: bool = False) -> Sequence[TableReport] | None:
    with (
        open_place(source, clock=time.monotonic, read_only=read_only) as here,
        open_place(target, clock=time.monotonic) as there,
    ):
        return move(here, there, silent, again=again)


def compared(source: str, target: str) -> Sequence[TableReport]:
    with open_place(source, clock=time.monotonic) as here, open_place(target, clock=time.monotonic) as there:
        return verify(here, there, silent)


async def test_every_table_is_moved_and_compared_and_moved_back(source: str, target: str, tmp_path: Path) -> None:
    back = sqlite_url(tmp_path / "b.db")
    reports = await asyncio.to_thread(moved, source, target)
    assert reports is not None
    assert [each.table for each in reports] == NAMES
    assert {each.rows for each in reports} == {ROWS}
    assert await asyncio.to_thread(moved, source, target) is None, "it was done"
    assert await asyncio.to_thread(compared, source, target) == reports
    async with open_storage(target, clock=time.monotonic) as storage:
        await storage.settings.set("new", 1, 1.0)
    with pytest.raises(OperatorError, match="settings"):
        await asyncio.to_thread(compared, source, target)
    returned = await asyncio.to_thread(moved, target, back)
    assert returned is not None
    assert [each for each in returned if each.table != "settings"] == [
        each for each in reports if each.table != "settings"
    ]


async def test_a_key_that_the_database_counts_goes_on_behind_those_that_came(
    server: Postgres, source: str, target: str
) -> None:
    counted = [table for table in metadata.sorted_tables if table.autoincrement_column is not None]
    await asyncio.to_thread(moved, source, target)
    for table in counted:
        counter = server.sql(
            f"SELECT pg_get_serial_sequence('{table.name}', '{table.autoincrement_column.name}')", target
        )
        if counter[0][0] is not None:
            assert server.sql(f"SELECT nextval('{counter[0][0]}')", target) == [(ROWS + 1,)]


async def test_a_table_that_was_left_out_is_found(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [table for table in metadata.sorted_tables if table is not settings]
    monkeypatch.setattr(moving, "checked_tables", lambda source: some)
    with pytest.raises(OperatorError, match="'settings'"):
        await asyncio.to_thread(moved, source, target)


async def test_a_table_that_is_not_known_is_not_left_behind_silently(source: str, target: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(OperatorError, match="theirs"):
        await asyncio.to_thread(moved, source, target)


async def test_a_target_that_holds_something_is_left_alone(server: Postgres, source: str, target: str) -> None:
    used, foreign = target, server.new_database()
    async with open_storage(used, clock=time.monotonic) as storage:
        await storage.settings.set("x", 1, 1.0)
    with pytest.raises(Conflict, match="'settings' is not empty"):
        await asyncio.to_thread(moved, source, used)
    server.sql("CREATE TABLE theirs (x int)", foreign)
    with pytest.raises(OperatorError, match="not Potluck's"):
        await asyncio.to_thread(moved, source, foreign)
    assert server.sql("SELECT count(*) FROM settings", used) == [(1,)]
    assert server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", foreign) == [("theirs",)]


async def test_an_unfinished_target_starts_no_service_and_takes_no_other_source(
    source: str, target: str, tmp_path: Path
) -> None:
    other = sqlite_url(tmp_path / "b.db")
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    with sqlite3.connect(tmp_path / "b.db") as connection:
        connection.execute("UPDATE users SET created_s = 99 WHERE id = 'owner'")
    await asyncio.to_thread(break_off, source, target, after=5)
    with pytest.raises(OperatorError, match="not finished"):
        async with open_storage(target, clock=time.monotonic):
            pass
    with pytest.raises(Conflict, match="Another installation"):
        await asyncio.to_thread(moved, other, target)
    assert await asyncio.to_thread(moved, source, target) is not None
    async with open_storage(target, clock=time.monotonic):
        pass


def break_off(source: str, target: str, *, after: int) -> None:
    class Enough(Exception):
        pass

    steps = iter(range(after))

    def tell(step: Step) -> None:
        if next(steps, None) is None:
            raise Enough

    with (
        open_place(source, clock=time.monotonic) as here,
        open_place(target, clock=time.monotonic) as there,
        pytest.raises(Enough),
    ):
        move(here, there, tell)


async def test_a_source_that_changed_meanwhile_is_found_out_and_moved_anew(source: str, target: str) -> None:
    await asyncio.to_thread(break_off, source, target, after=4)
    first = metadata.sorted_tables[0]
    with open_place(source, clock=time.monotonic) as place, place.writing() as connection:
        connection.execute(delete(first).where(next(iter(first.primary_key)).is_not(None)))
    with pytest.raises(OperatorError, match="--again"):
        await asyncio.to_thread(moved, source, target)
    assert await asyncio.to_thread(moved, source, target, again=True) is not None
    with pytest.raises(Conflict, match="may be in use"):
        await asyncio.to_thread(moved, source, target, again=True)


async def test_a_copy_that_cannot_be_written_is_moved_too(source: str, target: str, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    before = file.read_bytes()
    file.chmod(0o400)
    assert await asyncio.to_thread(moved, source, target, read_only=True) is not None
    assert file.read_bytes() == before


async def test_a_row_that_differs_is_named(server: Postgres, source: str, target: str) -> None:
    await asyncio.to_thread(moved, source, target)
    for change in ("UPDATE users SET name = 'x' WHERE id = 'owner'", "INSERT INTO users VALUES ('z','z','z','z',1,1)"):
        server.sql(change, target)
        with pytest.raises(OperatorError, match="'users'"):
            await asyncio.to_thread(compared, source, target)
        server.sql("UPDATE users SET name = (SELECT name FROM users WHERE id = 'owner')", target)


MOVER = """
import sys, time
from potluck.storage.moving import open_place
from potluck.storage.sql import moving
moving._ROWS = 3
def tell(step):
    print(step.doing, step.table, step.rows, flush=True)
    sys.stdin.readline()
with open_place(sys.argv[1], clock=time.monotonic) as here, open_place(sys.argv[2], clock=time.monotonic) as there:
    moving.move(here, there, tell)
"""


@pytest.mark.parametrize("steps", [2, 30])
async def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(source: str, target: str, steps: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MOVER, source, target, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(steps):
        assert await process.stdout.readline()
        process.stdin.write(b"\n")
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    reports = await asyncio.to_thread(moved, source, target)
    assert reports is not None
    assert {each.rows for each in reports} == {ROWS}
