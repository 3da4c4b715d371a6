"""What can be wrong with a database is said so that its owner knows what to do."""

import asyncio
import os
import signal
import sqlite3
import stat
import sys
import time
from pathlib import Path

import pytest

from potluck.core.errors import OperatorError
from potluck.core.model import UserId
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import ConversationId


async def refused(url: str, **options: float) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        async with open_storage(url, **options, clock=time.monotonic):
            pass
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not understood"),
        ("postgresql://me:hunter2@127.0.0.1:1/p", "does not answer"),
        ("mysql://me:hunter2@h/p", "'mysql'"),
        ("sqlite://", "'sqlite'"),
        ("sqlite:///:memory:", "'sqlite'"),
    ],
)
async def test_a_database_of_an_unknown_kind_is_refused_without_its_password(url: str, message: str) -> None:
    error = await refused(url)
    assert message in error.message
    assert "hunter2" not in f"{error}{error.detail}"


async def test_a_file_that_is_no_database_is_named_with_a_remedy(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    file.write_bytes(b"nothing of the kind" * 1000)
    error = await refused(sqlite_url(file))
    assert error.message == "The database potluck.db is damaged, or is not a database."
    assert str(file) in error.detail
    assert "backup" in error.hint


async def test_a_damaged_page_is_told_and_not_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    async with open_storage(sqlite_url(file), clock=time.monotonic) as storage:
        await storage.settings.set("x", 1, 1.0)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # the first page holds the schema, the rest is rubbish
    file.write_bytes(content)
    with pytest.raises(OperatorError, match="damaged"):
        async with open_storage(sqlite_url(file), clock=time.monotonic) as storage:
            await storage.settings.all()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    error = await refused(sqlite_url(tmp_path / "no" / "potluck.db"))
    assert "cannot be opened or written" in error.message
    assert "--data" in error.hint


async def test_a_database_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    async with open_storage(sqlite_url(file), clock=time.monotonic):
        pass
    file.chmod(0o400)
    if os.access(file, os.W_OK):
        pytest.skip("nothing is unwritable to this user")
    assert "cannot be opened or written" in (await refused(sqlite_url(file))).message
    file.chmod(0o600)
    tmp_path.chmod(0o500)
    assert "cannot be opened or written" in (await refused(sqlite_url(file))).message
    tmp_path.chmod(0o700)


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "not Potluck's" in (await refused(sqlite_url(file))).message


async def test_a_database_that_another_program_holds_is_told_in_time(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    async with open_storage(sqlite_url(file), clock=time.monotonic):
        pass
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    error = await refused(sqlite_url(file), busy_timeout_s=0.05)
    assert "locked" in error.message
    other.close()


async def test_errors_hold_nothing_that_people_wrote(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    async with open_storage(sqlite_url(file), busy_timeout_s=0.05, clock=time.monotonic) as storage:
        other = sqlite3.connect(file, isolation_level=None)
        other.executescript("DROP TABLE settings")
        other.close()
        with pytest.raises(OperatorError) as caught:
            await storage.settings.set("hunter2", "hunter2", 1.0)
    assert "hunter2" not in f"{caught.value}{caught.value.detail}{caught.value.__cause__}"


async def test_only_its_owner_can_read_the_database(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    async with open_storage(sqlite_url(file), clock=time.monotonic) as storage:
        await storage.settings.set("x", 1, 1.0)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"potluck.db": 0o600, "potluck.db-wal": 0o600, "potluck.db-shm": 0o600}


async def test_a_write_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    """FULL, so that not even a power cut takes what was acknowledged: no test can cut the power."""
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        database = storage.settings._database
        for transaction in (database.read, database.write):
            for pragma, value in (("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)):
                kept = await transaction(lambda at, of=pragma: at.exec_driver_sql(f"PRAGMA {of}").scalar())
                assert kept == value


WRITER = """
import asyncio, sys, time
from itertools import count
from potluck.core.call import Message, Role, TextPart
from potluck.core.model import UserId
from potluck.storage.open import open_storage
from potluck.storage.records import Conversation, ConversationId, MessageId, NewMessage

async def main():
    async with open_storage(sys.argv[1], clock=time.monotonic) as storage:
        one, key = ConversationId("one"), UserId("k")
        await storage.conversations.create(Conversation(one, key, "t", 1.0, 1.0))
        for number in count(1):
            message = NewMessage(MessageId(str(number)), Message(Role.USER, (TextPart("x" * 300),)))
            await storage.conversations.append(one, key, [message], 1.0)
            print(number, flush=True)

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "potluck.db")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    acknowledged = 0
    while acknowledged < 40:
        acknowledged = int(await process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    await process.wait()
    acknowledged = int(rest[-1]) if rest else acknowledged
    async with open_storage(url, clock=time.monotonic) as storage:
        thread = await storage.conversations.get(ConversationId("one"), UserId("k"))
    numbers = [int(each.id) for each in thread.messages]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) in (acknowledged, acknowledged + 1), "at most the one that was under way is there as well"
