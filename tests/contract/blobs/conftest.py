"""The stores for bytes that must all keep the same promises: one parameter each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.port import BlobStore
from potluck.storage.blobs.s3 import S3Blobs, open_bucket
from tests.servers.s3 import S3Server, s3_server

_NUMBERS = count(1)


@pytest.fixture(scope="session", params=["disk", "s3"])
def server(request: pytest.FixtureRequest) -> Iterator[S3Server | None]:
    if request.param == "disk":
        yield None
        return
    with s3_server() as running:
        running.make_bucket("house")
        yield running


@pytest.fixture
def blobs(server: S3Server | None, tmp_path: Path) -> BlobStore:
    """An empty store."""
    if server is None:
        return DiskBlobs(tmp_path / "blobs")
    return S3Blobs(open_bucket(server.url(f"house/test-{next(_NUMBERS)}")), tmp_path / "incoming")
