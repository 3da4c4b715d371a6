"""Files as the configuration has them put together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from potluck.app.filing import filing
from potluck.config.model import Config, FilesConfig, StorageConfig
from potluck.config.secret import Secret
from potluck.core.errors import OperatorError, QuotaExceeded
from potluck.core.files import Quotas
from potluck.core.model import UserId
from potluck.core.people import Role
from potluck.gateway.files import Description, Files
from potluck.gateway.tasks import Tasks
from potluck.storage.datadir import DataDir
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage
from potluck.storage.records import UserRecord
from potluck.surfaces.auth import Keyring

PEOPLE = (
    ("anna", Role.MEMBER, None),
    ("bert", Role.MEMBER, None),
    ("carl", Role.MEMBER, 2.0),
    ("gast", Role.GUEST, None),
)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as opened:
        for name, role, disabled_s in PEOPLE:
            await opened.users.add(UserRecord(UserId(name), name, role, 1.0, disabled_s))
        yield opened


async def put_together(config: Config, tmp_path: Path, storage: Storage, tasks: Tasks) -> Files:
    keyring = Keyring(time.time)
    keyring.replace((), await storage.users.all())
    numbers = iter(range(100))
    return await filing(
        config,
        DataDir(tmp_path),
        storage,
        keyring,
        tasks,
        clock=time.time,
        new_id=lambda: str(next(numbers)),
        random_bytes=bytes,
    )


async def some(size: int) -> AsyncIterator[bytes]:
    yield b"x" * size


async def test_a_folder_is_used_where_nothing_is_said_and_a_crashs_rubbish_is_removed(
    tmp_path: Path, storage: Storage
) -> None:
    (tmp_path / "blobs" / "incoming").mkdir(parents=True)
    (tmp_path / "blobs" / "incoming" / "incoming-crash").write_bytes(b"half")
    async with Tasks() as tasks:
        files = await put_together(Config(), tmp_path, storage, tasks)
        record = await files.upload(UserId("anna"), some(3), Description)
        assert [each.name for each in (tmp_path / "blobs").rglob("*") if each.is_file()] == [record.digest]
    assert files.waiting is None


async def test_everybody_has_a_quota_of_their_own_or_of_their_role(tmp_path: Path, storage: Storage) -> None:
    config = Config(files=FilesConfig(quotas=Quotas({Role.MEMBER: 10}, {"Anna": 20})))
    async with Tasks() as tasks:
        files = await put_together(config, tmp_path, storage, tasks)
        kept = {name: (await files.kept(UserId(name))).quota_bytes for name, _, _ in PEOPLE}
        assert kept == {"anna": 20, "bert": 10, "carl": 0, "gast": 0}
        with pytest.raises(QuotaExceeded):
            await files.upload(UserId("carl"), some(1), Description)


async def test_a_bucket_has_a_place_for_what_waits_for_it(tmp_path: Path, storage: Storage) -> None:
    bucket = Secret("s3://key:secret@house?endpoint=http://127.0.0.1:1")
    async with Tasks() as tasks:
        files = await put_together(Config(storage=StorageConfig(blobs=bucket)), tmp_path, storage, tasks)
        await files.keep(UserId("anna"), some(3), Description())
        assert files.standing().waiting_bytes == 3
        again = await put_together(Config(storage=StorageConfig(blobs=bucket)), tmp_path, storage, tasks)
        assert again.standing().waiting == 1, "the next start finds it"


async def test_a_bucket_that_is_none_is_told(tmp_path: Path, storage: Storage) -> None:
    async with Tasks() as tasks:
        with pytest.raises(OperatorError, match="not understood"):
            await put_together(Config(storage=StorageConfig(blobs=Secret("nonsense"))), tmp_path, storage, tasks)
