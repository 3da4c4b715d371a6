"""The storages that must all keep the same promises: one parameter each. A new one is a new entry of `STORAGES`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage

STORAGES: Mapping[str, Callable[[Path], str]] = {"sqlite": lambda folder: sqlite_url(folder / "potluck.db")}
"""The URL of an empty storage of each kind, given a folder of the test's own."""


@pytest.fixture(params=sorted(STORAGES))
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """An empty storage."""
    async with open_storage(STORAGES[request.param](tmp_path)) as opened:
        yield opened
