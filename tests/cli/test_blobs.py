"""``potluck blobs`` on a data directory, with a bucket where one is needed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from potluck.core.model import UserId
from potluck.core.people import Role
from potluck.gateway.files import Description, Files
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.port import key_of
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import Digest, FileRecord, UserRecord
from tests.cli.conftest import Run
from tests.servers.s3 import S3Server, s3_server

ANNA = UserId("anna")


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        running.make_bucket("house")
        yield running


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def filled(data: Path, contents: list[bytes], deleted: list[int]) -> list[FileRecord]:
    async with open_storage(sqlite_url(data / "potluck.db"), clock=time.monotonic) as storage:
        await storage.users.add(UserRecord(ANNA, "anna", Role.MEMBER, 1.0))
        numbers = iter(range(100))
        files = Files(
            DiskBlobs(data / "blobs"),
            None,
            storage.files,
            storage.settings,
            quota_of=lambda user: 1 << 40,
            most_bytes=1 << 30,
            clock=time.time,
            new_id=lambda: str(next(numbers)),
            random_bytes=bytes,
        )
        kept = [await files.upload(ANNA, one(each), Description) for each in contents]
        for number in deleted:
            await files.delete(kept[number].id, ANNA)
    return kept


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(data: Path) -> list[Digest]:
    """The digests of three files, of which the last was deleted."""
    records = asyncio.run(filled(data, [b"one", b"two" * 500_000, b"gone"], [2]))
    return [each.digest for each in records]


def test_bytes_are_listed_and_those_that_nothing_refers_to_removed(run: Run, data: Path, kept: list[Digest]) -> None:
    listed = {row["sha256"]: row for row in json.loads(run("blobs", "ls", "--json").stdout)}
    assert {digest: row["files"] for digest, row in listed.items()} == dict(zip(kept, (1, 1, 0), strict=True))
    assert run("blobs", "ls").stdout.splitlines()[0].split() == ["SHA-256", "SIZE", "STATE", "FILES"]
    assert json.loads(run("blobs", "gc", "--json").stdout)["removed"] == 0, "its grace has just begun"
    assert json.loads(run("blobs", "gc", "--grace", "0s", "--json").stdout)["removed"] == 1
    assert not (data / "blobs" / key_of(kept[2])).exists()
    assert len(json.loads(run("blobs", "ls", "--json").stdout)) == 2
    assert run("blobs", "gc", "--grace", "soon").exit_code == 2


def test_files_are_copied_into_a_bucket_and_back(
    run: Run, data: Path, kept: list[Digest], server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bucket = server.url("house/there")
    report = json.loads(run("blobs", "copy", "--to", bucket, "--json").stdout)
    assert (report["copied"], report["there"], report["missing"]) == (2, 0, [])
    assert "${S3_SECRET}" in report["config"]
    assert "not-a-secret" not in report["config"]
    report = json.loads(run("blobs", "copy", "--to", bucket, "--json").stdout)
    assert (report["copied"], report["there"]) == (0, 2), "it goes on where it was"
    assert run("blobs", "copy", "--to", "disk").exit_code == 2
    # Back, into a folder that has lost one of them and holds another one damaged.
    (tmp_path / "potluck.yaml").write_text(f"storage: {{blobs: '{bucket}'}}")
    (data / "blobs" / key_of(kept[0])).unlink()
    (data / "blobs" / key_of(kept[1])).write_bytes(b"owt" * 500_000)
    told = run("blobs", "copy", "--to", "disk")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("2 copied")
    assert (data / "blobs" / key_of(kept[1])).read_bytes() == b"two" * 500_000
    assert not list(data.rglob("incoming-*"))


def test_what_is_damaged_is_not_copied_and_told(run: Run, data: Path, kept: list[Digest], server: S3Server) -> None:
    (data / "blobs" / key_of(kept[1])).write_bytes(b"owt" * 500_000)
    told = run("blobs", "copy", "--to", server.url("house/elsewhere"), "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["missing"] == [kept[1]]


def test_a_house_without_files_says_so(run: Run, data: Path) -> None:
    assert run("blobs", "ls").stdout == "No files are kept.\n"
