import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from potluck.core.errors import OperatorError
from potluck.core.keys import digest, make_key, prefix
from potluck.core.model import KeyId
from potluck.core.people import OWNER_ID
from potluck.storage.datadir import DataDir, ensure_owner_key, ensure_secret_key, open_datadir, read_owner_key
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.people_ports import KeyStore
from potluck.storage.records import KeyRecord


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return open_datadir(tmp_path / "deep" / "data")


@pytest.fixture
async def keys(data: DataDir) -> AsyncIterator[KeyStore]:
    async with open_storage(sqlite_url(data.database), clock=time.monotonic) as storage:
        yield storage.keys


async def ensure(data: DataDir, keys: KeyStore, number: int) -> str:
    return await ensure_owner_key(data, keys, key_id=KeyId(f"k{number}"), random=bytes([number]) * 32, now=number)


def test_a_new_data_directory_is_for_its_owner_alone(data: DataDir) -> None:
    assert [mode(each) for each in (data.root, data.models, data.run)] == [0o700] * 3
    assert open_datadir(data.root) == data


def test_a_path_through_a_file_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(OperatorError) as caught:
            open_datadir(root)
        assert str(root) in caught.value.message
        assert "--data" in caught.value.hint


def test_an_unwritable_directory_is_named_with_a_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("nothing is unwritable to this user")
    for root in (tmp_path, tmp_path / "data"):
        with pytest.raises(OperatorError) as caught:
            open_datadir(root)
        assert str(root) in caught.value.message
        assert "--data" in caught.value.hint


async def test_the_first_start_makes_an_owner_key_and_later_ones_keep_it(data: DataDir, keys: KeyStore) -> None:
    assert read_owner_key(data) is None
    key = await ensure(data, keys, 1)
    assert key == make_key(bytes([1]) * 32)
    assert mode(data.owner_key) == 0o600
    assert data.owner_key.read_text() == key + "\n"
    (record,) = await keys.all()
    assert record == KeyRecord(KeyId("k1"), "owner", prefix(key), digest(key), 1.0, owner=True, user=OWNER_ID)
    assert await ensure(data, keys, 2) == key
    assert await keys.all() == (record,)
    assert read_owner_key(data) == key


@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"\xff\xfe"])
async def test_a_lost_owner_key_is_replaced_and_the_old_one_ends(data: DataDir, keys: KeyStore, content) -> None:
    old = await ensure(data, keys, 1)
    data.owner_key.unlink()
    if content is not None:
        data.owner_key.write_bytes(content)
    new = await ensure(data, keys, 2)
    assert new != old
    assert {each.id: each.revoked_s for each in await keys.all()} == {"k1": 2.0, "k2": None}
    assert read_owner_key(data) == new
    assert mode(data.owner_key) == 0o600


async def test_a_revoked_owner_key_is_replaced(data: DataDir, keys: KeyStore) -> None:
    old = await ensure(data, keys, 1)
    await keys.revoke(KeyId("k1"), 1.5)
    assert await ensure(data, keys, 2) != old
    assert [each.live for each in await keys.all()] == [False, True]


async def test_an_owner_key_goes_on_working_with_a_new_database(data: DataDir, keys: KeyStore) -> None:
    key = make_key(bytes(range(32)))
    data.owner_key.write_text(key)  # also what a crash between the file and the store leaves
    assert await ensure(data, keys, 1) == key
    assert [each.digest for each in await keys.all()] == [digest(key)]


async def test_an_ordinary_key_in_the_file_does_not_become_the_owners(data: DataDir, keys: KeyStore) -> None:
    plain = make_key(bytes(range(32)))
    await keys.add(KeyRecord(KeyId("plain"), "plain", prefix(plain), digest(plain), 1.0))
    data.owner_key.write_text(plain)
    assert await ensure(data, keys, 2) != plain
    assert {each.id: each.owner for each in await keys.all()} == {"plain": False, "k2": True}


async def test_a_file_that_others_could_read_is_closed_to_them(data: DataDir, keys: KeyStore) -> None:
    await ensure(data, keys, 1)
    data.owner_key.chmod(0o644)
    await ensure(data, keys, 2)
    assert mode(data.owner_key) == 0o600


async def test_a_half_written_file_of_an_earlier_crash_is_no_trouble(data: DataDir, keys: KeyStore) -> None:
    data.owner_key.with_name("owner.key.new").write_text("pk-ha")
    key = await ensure(data, keys, 1)
    assert read_owner_key(data) == key
    assert sorted(each.name for each in data.root.iterdir() if each.name.startswith("owner")) == ["owner.key"]


async def test_a_name_that_is_taken_by_another_key_is_the_owners_to_settle(data: DataDir, keys: KeyStore) -> None:
    await keys.add(KeyRecord(KeyId("k1"), "other", "pk", b"d", 1.0))
    with pytest.raises(OperatorError, match="owner's key could not be kept"):
        await ensure(data, keys, 1)


def test_the_secret_is_made_once_for_its_owners_eyes(data: DataDir) -> None:
    made = ensure_secret_key(data, bytes(range(32)))
    assert ensure_secret_key(data, bytes(32)) == made == bytes(range(32))
    assert mode(data.secret_key) == 0o600


@pytest.mark.parametrize("content", [b"rubbish", b"\xff"])
def test_a_secret_that_cannot_be_read_is_not_replaced(data: DataDir, content: bytes) -> None:
    data.secret_key.write_bytes(content)
    with pytest.raises(OperatorError, match=r"secret\.key"):
        ensure_secret_key(data, bytes(32))
    assert data.secret_key.read_bytes() == content
