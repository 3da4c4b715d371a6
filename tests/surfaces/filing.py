"""Files over a real database and a real folder, behind the native API and OpenAI's, in one process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from potluck.core.errors import PotluckError
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.gateway.attachments import Attachments
from potluck.gateway.files import Files
from potluck.gateway.port import Caller
from potluck.gateway.waiting_blobs import WaitingBlobs
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.port import BlobStore
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.ports import Storage
from potluck.storage.records import UserRecord
from potluck.surfaces import application, openai_files
from tests.surfaces.v1.world import World

ANNA = Caller(KeyId("anna-laptop"), "Anna's laptop", UserId("anna"))
BERT = Caller(KeyId("bert-phone"), "Bert's phone", UserId("bert"))
GUEST = Caller(KeyId("gast-key"), "hall", UserId("gast"), Role.GUEST)
QUOTA = 10_000_000


@dataclass
class Filing:
    """``quotas`` are the users that are let in, each with its bytes; ``clients`` ask as somebody."""

    world: World
    files: Files
    storage: Storage
    folder: Path
    quotas: dict[str, int]

    def client(self, caller: Caller = ANNA) -> httpx.AsyncClient:
        app = self.world._as(caller)

        async def named(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("state", {})["request_id"] = "r1"
            await app(scope, receive, send)

        transport = httpx.ASGITransport(named)
        return httpx.AsyncClient(transport=transport, base_url="http://potluck")

    def left(self) -> list[str]:
        """Every file in the blobs' folder, but for what waits for its store."""
        found = (each.relative_to(self.folder) for each in self.folder.rglob("*") if each.is_file())
        return sorted(str(each) for each in found if each.parts[0] != "waiting")


@asynccontextmanager
async def filing(
    tmp_path: Path, blobs: BlobStore | None = None, *, with_waiting: bool = False
) -> AsyncIterator[Filing]:
    folder = tmp_path / "blobs"
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        for name in ("anna", "bert"):
            await storage.users.add(UserRecord(UserId(name), name, Role.MEMBER, 1.0))
        quotas = {"anna": QUOTA, "bert": QUOTA}
        numbers = iter(range(1, 10_000))
        store = blobs or DiskBlobs(folder)
        world = World(storage=storage)
        waiting = WaitingBlobs(DiskBlobs(folder / "waiting"), store, storage.files, world._tick)
        files = Files(
            store,
            waiting if with_waiting else None,
            storage.files,
            storage.settings,
            quota_of=lambda user: quotas.get(user),
            most_bytes=2 * QUOTA,
            clock=world._tick,
            new_id=lambda: f"{next(numbers):04}",
            random_bytes=bytes,
        )
        set_services(world, files)
        yield Filing(world, files, storage, folder, quotas)


def set_services(world: World, files: Files) -> None:

    state: Any = world.app.state
    state.services = replace(state.services, files=files, attachments=Attachments(files))
    world.app.add_exception_handler(PotluckError, application._potluck_error)
    world.app.router.routes[:0] = openai_files.ROUTES
