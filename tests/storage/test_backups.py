"""Backups: whole or not at all, found damaged where they are, and put back with what was there put aside."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.core.model import UserId
from potluck.core.people import Role
from potluck.gateway.backups import Backups
from potluck.storage import backups
from potluck.storage.backups import Manifest, Step
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.datadir import DataDir, open_datadir, write_private
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import Conversation, ConversationId, FileId, FileRecord, UserRecord

ANNA = UserId("anna")
BYTES = b"a picture of a fox"
DIGEST = hashlib.sha256(BYTES).hexdigest()
NOW = 1_795_000_000.0


def quiet(step: Step) -> None:
    """Nobody looks."""


async def fill(data: DataDir) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield BYTES

    blobs = DiskBlobs(data.blobs)
    async with open_storage(sqlite_url(data.database), clock=time.monotonic) as storage:
        await storage.users.add(UserRecord(ANNA, "anna", Role.MEMBER, 1.0))
        await storage.conversations.create(Conversation(ConversationId("c1"), ANNA, "Foxes", 1.0, 1.0, "m"))
        blob = await blobs.put(chunks(), most_bytes=1000)
        record = FileRecord(FileId("f1"), ANNA, blob.digest, blob.size_bytes, "fox.png", "image/png", "user_data", 1.0)
        await storage.files.claim(record, 1_000_000)
        await storage.files.ready(record.id, 2.0, stored=True)
    write_private(data.secret_key, "00ff\n")
    write_private(data.owner_key, "pk-owner\n")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory to be copied: a database takes a while to make."""
    root = tmp_path_factory.mktemp("filled") / "data"
    asyncio.run(fill(open_datadir(root)))
    return root


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> DataDir:
    return DataDir(shutil.copytree(filled, tmp_path / "data"))


def create(data: DataDir, now_s: float = NOW) -> Manifest:
    return backups.create(data.backups, data, data.database, now_s=now_s, version="1.0", with_files=True, tell=quiet)


def titles(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM conversations ORDER BY id")]


def rename(data: DataDir, title: str) -> None:
    with closing(sqlite3.connect(data.database)) as connection:
        connection.execute("UPDATE conversations SET title = ?", (title,))
        connection.commit()


def test_a_backup_is_made_while_others_write_listed_and_found_whole(data: DataDir) -> None:
    with closing(sqlite3.connect(data.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE conversations SET title = 'half done'")
        steps: list[Step] = []
        made = backups.create(
            data.backups, data, data.database, now_s=NOW, version="1.0", with_files=True, tell=steps.append
        )
        other.execute("ROLLBACK")
    assert (made.files, made.files_bytes, made.missing, made.with_files) == (1, len(BYTES), [], True)
    assert steps[0] == Step("database")
    assert backups.verify(data.backups, made.name, now_s=NOW + 5, tell=quiet) == []
    (listed,) = backups.listed(data.backups)
    assert (listed.name, listed.verified_s) == (made.name, NOW + 5)
    assert titles(data.backups / made.name / "database.db") == ["Foxes"]
    modes = {path.stat().st_mode & 0o077 for path in (data.backups, data.backups / made.name)}
    modes |= {path.stat().st_mode & 0o077 for path in (data.backups / made.name).iterdir()}
    assert modes == {0}


def test_it_is_put_back_where_there_is_nothing_and_elsewhere_with_the_rest_put_aside(
    data: DataDir, tmp_path: Path
) -> None:
    made = create(data)
    fresh = open_datadir(tmp_path / "fresh")
    assert backups.restore(data.backups, made.name, fresh, now_s=NOW, replace=False, tell=quiet) is None
    assert titles(fresh.database) == ["Foxes"]
    assert (fresh.blobs / DIGEST[:2] / DIGEST).read_bytes() == BYTES
    assert fresh.owner_key.read_text() == "pk-owner\n"
    rename(data, "Wolves")
    with pytest.raises(Conflict):
        backups.restore(data.backups, made.name, data, now_s=NOW, replace=False, tell=quiet)
    aside = backups.restore(data.backups, made.name, data, now_s=NOW, replace=True, tell=quiet)
    assert aside is not None
    assert (titles(data.database), titles(aside / "potluck.db")) == (["Foxes"], ["Wolves"])
    assert (aside / "secret.key").is_file()


@pytest.mark.parametrize("what", ["database", "bytes", "gone", "list"])
def test_a_damaged_one_is_found_out_and_not_put_back(data: DataDir, tmp_path: Path, what: str) -> None:
    made = create(data)
    blob = data.backups / "blobs" / DIGEST[:2] / DIGEST
    match what:
        case "database":
            with (data.backups / made.name / "database.db").open("r+b") as file:
                file.seek(5000)
                file.write(b"\xff" * 100)
        case "bytes":
            blob.unlink()
            blob.write_bytes(b"another picture...")
        case "gone":
            blob.unlink()
        case _:
            (data.backups / made.name / "files.txt").unlink()
    assert backups.verify(data.backups, made.name, now_s=NOW, tell=quiet)
    fresh = open_datadir(tmp_path / "fresh")
    with pytest.raises(OperatorError):
        backups.restore(data.backups, made.name, fresh, now_s=NOW, replace=False, tell=quiet)
    assert not fresh.database.exists()


def test_what_is_no_backup_or_of_a_newer_version_is_refused(data: DataDir, tmp_path: Path) -> None:
    made = create(data)
    for name in ("../data", "2026-01-01T00-00-00Z", "nonsense"):
        with pytest.raises(NotFound):
            backups.read(data.backups, name)
    manifest = data.backups / made.name / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"{made.schema}"', '"9999"'))
    with pytest.raises(OperatorError, match="newer version"):
        backups.restore(data.backups, made.name, data, now_s=NOW, replace=True, tell=quiet)
    manifest.write_text("nonsense")
    assert backups.listed(data.backups) == []
    assert backups.listed(tmp_path / "nowhere") == []


def test_files_whose_bytes_are_not_there_are_told_and_nothing_half_made_stays(data: DataDir, tmp_path: Path) -> None:
    (data.blobs / DIGEST[:2] / DIGEST).unlink()
    made = create(data)
    assert (made.files, made.missing) == (0, [DIGEST])
    with pytest.raises(OperatorError):
        backups.create(
            data.backups, data, tmp_path / "none.db", now_s=NOW + 1, version="1", with_files=True, tell=quiet
        )
    assert sorted(each.name for each in data.backups.iterdir()) == [made.name]


def test_the_oldest_go_with_the_bytes_that_none_needs_any_more(data: DataDir) -> None:
    first = create(data)
    with closing(sqlite3.connect(data.database)) as connection:
        connection.execute("DELETE FROM files")
        connection.commit()
    second, third = create(data, NOW + 1), create(data, NOW + 1)
    assert third.name == f"{second.name}-2"
    blob = data.backups / "blobs" / DIGEST[:2] / DIGEST
    assert backups.forget(data.backups, 3) == []
    assert blob.exists()
    assert backups.forget(data.backups, 2) == [first.name]
    assert [each.name for each in backups.listed(data.backups)] == [third.name, second.name]
    assert not blob.exists()
    assert (data.blobs / DIGEST[:2] / DIGEST).exists()


async def service(data: DataDir, database: Path | None) -> tuple[Backups, list[asyncio.Task[None]]]:
    running: list[asyncio.Task[None]] = []
    made = Backups(
        data,
        database,
        with_files=True,
        version="1.0",
        clock=lambda: NOW,
        spawn=lambda work, name: running.append(asyncio.get_running_loop().create_task(work, name=name)),
    )
    return made, running


async def test_the_service_makes_one_at_a_time_and_checks_it(data: DataDir) -> None:
    made, running = await service(data, data.database)
    made.begin()
    assert made.under_way is not None
    with pytest.raises(Conflict):
        made.begin()
    await running[0]
    (backup,) = await made.all()
    assert (backup.verified_s, made.under_way, made.trouble) == (NOW, None, "")


async def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    data = open_datadir(tmp_path / "data")
    made, running = await service(data, data.database)
    made.begin()
    await running[0]
    assert "could not be made" in made.trouble
    elsewhere, _ = await service(data, None)
    with pytest.raises(Conflict):
        elsewhere.begin()
    assert "pg_dump" in elsewhere.why_not
