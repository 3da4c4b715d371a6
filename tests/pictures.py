"""Images to test with, and a gallery over a real database and a real folder."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from potluck.core.errors import BadRequest
from potluck.core.model import UserId
from potluck.core.people import Role
from potluck.gateway.files import Files
from potluck.gateway.gallery import Gallery, NewPicture
from potluck.pixels.performing import perform
from potluck.pixels.work import Limits, Made, Work
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.pictures import PictureId, PictureRecord
from potluck.storage.ports import Storage
from potluck.storage.records import UserRecord

ANNA, BERT = UserId("anna"), UserId("bert")


def image(width: int = 64, height: int = 64, colour: int = 1, format: str = "png", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    shade = (colour % 256, colour // 256 % 256, 99, 0)[: len(mode)]
    Image.new(mode, (width, height), shade).save(out, format)
    return out.getvalue()


def read(content: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(content))
    opened.load()
    return opened


class NearPixels:
    """Looks into images in this process: no child is to be waited for."""

    async def perform(self, work: Work, *, param: str = "image") -> Made:
        try:
            return perform(work, Limits())
        except BadRequest as error:
            raise BadRequest(error.message, param=param, hint=error.hint) from error


@dataclass
class Shop:
    """``quotas`` are the users that are let in, each with its bytes; ``now`` is the clock."""

    storage: Storage
    files: Files
    gallery: Gallery
    quotas: dict[UserId, int]
    now: list[float] = field(default_factory=lambda: [1000.0])

    async def keep(self, name: str, user: UserId = ANNA, content: bytes = b"", **values: object) -> PictureRecord:
        new = NewPicture(PictureId(name), user, content or image(), **values)  # type: ignore[arg-type]
        return await self.gallery.keep(new)


@asynccontextmanager
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        for user in (ANNA, BERT):
            await storage.users.add(UserRecord(user, user, Role.MEMBER, 1.0))
        quotas, now, numbers = {ANNA: 10_000_000, BERT: 10_000_000}, [1000.0], itertools.count(1)
        files = Files(
            DiskBlobs(tmp_path / "blobs"),
            None,
            storage.files,
            storage.settings,
            quota_of=quotas.get,
            most_bytes=10_000_000,
            clock=lambda: now[0],
            new_id=lambda: f"{next(numbers):04}",
            random_bytes=bytes,
        )
        gallery = Gallery(files, storage.pictures, NearPixels(), quota_of=quotas.get, clock=lambda: now[0])
        yield Shop(storage, files, gallery, quotas, now)
