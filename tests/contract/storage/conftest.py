"""The storages that must all keep the same promises: one parameter each. A new one is a new branch of `storage`."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage

POSTGRESQL = "POTLUCK_TEST_POSTGRESQL"


@pytest.fixture(params=["sqlite", "postgresql"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """An empty storage."""
    url = sqlite_url(tmp_path / "potluck.db")
    if request.param == "postgresql":
        url = os.environ.get(POSTGRESQL, "")
        if not url:
            pytest.skip(f"NOT TESTED ON POSTGRESQL: set {POSTGRESQL} to the URL of an empty database to do it")
    async with open_storage(url) as opened:
        yield opened
