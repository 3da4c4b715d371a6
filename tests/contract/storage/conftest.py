"""The storages that must all keep the same promises: one parameter each. A new one is a new entry of `STORAGES`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage
from potluck.storage.sql.schema import metadata
from tests.servers.postgresql import Postgres, postgres

STORAGES = ("sqlite", "postgresql-debian", "postgresql-newest")


@pytest.fixture(scope="session", params=STORAGES)
def server(request: pytest.FixtureRequest) -> Iterator[Postgres | None]:
    """The server that a storage needs, if it does; one for all tests."""
    if request.param == "sqlite":
        yield None
        return
    with postgres(request.param) as running:
        yield running


@pytest.fixture(scope="session")
def database(server: Postgres | None) -> str:
    """The URL of a database on that server, with its tables."""
    if server is None:
        return ""

    async def make(url: str) -> None:
        async with open_storage(url, clock=time.monotonic):
            pass

    url = server.new_database()
    asyncio.run(make(url))
    return url


@pytest.fixture
def url(server: Postgres | None, database: str, tmp_path: Path) -> str:
    """The URL of an empty storage."""
    if server is None:
        return sqlite_url(tmp_path / "potluck.db")
    server.sql("; ".join(f"DELETE FROM {table}" for table in reversed(metadata.sorted_tables)), database)
    return database


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    """An empty storage."""
    async with open_storage(url, clock=time.monotonic) as opened:
        yield opened
