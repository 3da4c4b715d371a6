"""Galleries: pictures kept with all that made them, each with small copies for lists, and out again.

A picture's id is its maker's to choose: a job that tries once more keeps it under the same one, and it is there once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from typing import Protocol

import msgspec
import structlog

from potluck.core.errors import BadRequest, Conflict, NotFound, PotluckError, QuotaExceeded
from potluck.core.files import PICTURE, PICTURE_INPUT, is_file_id
from potluck.core.galleries import is_picture_id, picture_name
from potluck.core.model import UserId
from potluck.gateway.files import Description, Files
from potluck.pixels.work import Clean, Look, Made, Work
from potluck.storage.pictures import (
    Counted,
    PictureChange,
    PictureFilter,
    PictureId,
    PicturePage,
    PictureRecord,
    PictureStore,
    PictureTotals,
)
from potluck.storage.records import FileId, FileRecord

log = structlog.get_logger(__name__)

MOST_BYTES = 64 * 1024 * 1024
"""Of one picture, as it comes in or goes out."""

SMALL, LARGE = 256, 512
"""Longer sides of the copies in pixels: for a list of many, and for one that is looked at in a list."""

INPUT_KEPT_S = 30 * 86_400.0
"""How long an image stays that somebody sent for a picture to be made from: its job may be made again for as long."""

_COPY = "webp"
_COPY_TYPE = "image/webp"


class Pixels(Protocol):
    """What looks into images: `pixels.pixels.Pixels`."""

    async def perform(self, work: Work, *, param: str = ...) -> Made: ...


class NewPicture(msgspec.Struct, frozen=True):
    """A picture that is to be kept; the fields are those of `PictureRecord`. ``content`` are the bytes of the file."""

    id: PictureId
    user: UserId
    content: bytes
    job: str = ""
    task: str = ""
    prompt: str = ""
    negative: str = ""
    parameters: str = "{}"
    model: str = ""
    hash: str = ""
    engine: str = ""
    node: str = ""
    seconds: float = 0.0
    seed: int | None = None
    tags: tuple[str, ...] = ()
    parent: PictureId | None = None


class Gallery:
    """``quota_of`` tells how many bytes of pictures a user may keep, None for one that is kept out or gone. ``clock``
    is Unix seconds."""

    def __init__(
        self,
        files: Files,
        store: PictureStore,
        pixels: Pixels,
        *,
        quota_of: Callable[[UserId], int | None],
        clock: Callable[[], float],
    ) -> None:
        self.files = files
        self.pixels = pixels
        self._store = store
        self._quota_of = quota_of
        self._clock = clock

    # --- in ---

    async def keep(self, new: NewPicture) -> PictureRecord:
        """Keep a picture; one that is there under this id already is returned instead.

        What was accepted is kept: a quota is asked about before (`room`). Raises `BadRequest` for what is no image,
        `NoRoom`, and `NotFound` for a user that is gone; nothing is left of it then.
        """
        try:
            return await self._store.get(new.id, new.user)
        except NotFound:
            pass
        seen = await self.pixels.perform(Look(new.content, (SMALL, LARGE)))
        async with AsyncExitStack() as stack:
            name = picture_name(new.prompt, new.id, seen.was)
            whole, stored = await stack.enter_async_context(
                self.files.hidden(new.user, new.content, PICTURE, Description(name, seen.was))
            )
            copies = [
                await stack.enter_async_context(
                    self.files.hidden(new.user, copy, PICTURE, Description(f"{side}.{_COPY}", _COPY_TYPE))
                )
                for side, copy in zip((SMALL, LARGE), seen.copies, strict=True)
                if copy
            ]
            record = self._record(new, whole, seen, [copy.id for copy, _ in copies])
            ready = [(whole.id, stored), *((copy.id, there) for copy, there in copies)]
            return await self._store.add(record, ready, self._clock())

    def _record(self, new: NewPicture, whole: FileRecord, seen: Made, copies: Sequence[FileId]) -> PictureRecord:
        return PictureRecord(
            id=new.id,
            user=new.user,
            job=new.job,
            file=whole.id,
            digest=whole.digest,
            size_bytes=whole.size_bytes,
            media_type=seen.was,
            width=seen.width,
            height=seen.height,
            created_s=whole.created_s,
            small=copies[0] if copies else None,
            large=copies[1] if len(copies) > 1 else None,
            task=new.task,
            prompt=new.prompt,
            negative=new.negative,
            parameters=new.parameters,
            model=new.model,
            hash=new.hash,
            engine=new.engine,
            node=new.node,
            seconds=new.seconds,
            seed=new.seed,
            tags=new.tags,
            parent=new.parent,
        )

    async def room(self, user: UserId) -> None:
        """Raises `QuotaExceeded` for a user whose pictures take as much as they may."""
        used, quota = (await self._store.totals(user)).bytes, self._quota_of(user) or 0
        if used >= quota:
            raise QuotaExceeded(used, quota)

    async def take_in(
        self, user: UserId, content: bytes, name: str = "", *, param: str = "image"
    ) -> tuple[FileId, Made]:
        """Keep an image that a picture is to be made from, upright and without what its camera wrote into it, for
        `INPUT_KEPT_S`. Raises `BadRequest` that names ``param`` for what is no image,
        `QuotaExceeded`."""
        cleaned = await self.pixels.perform(Clean(content), param=param)
        return await self.keep_input(user, cleaned, name), cleaned

    async def keep_input(self, user: UserId, cleaned: Made, name: str = "") -> FileId:
        """The same with what is clean already."""
        described = Description(name, cleaned.media_type, expires_in_s=INPUT_KEPT_S)
        quota = self._quota_of(user) or 0
        # The same image is the same file for a while: who did not hear the answer asks for the same job again.
        period = int(self._clock() // (INPUT_KEPT_S / 2))
        told = f"{user}\0{period}\0{sha256(cleaned.image).hexdigest()}"
        id_ = FileId(f"file-{sha256(told.encode()).hexdigest()[:40]}")
        try:
            return (await self.files.get(id_, user)).id
        except NotFound:
            pass
        try:
            kept = await self.files.keep_hidden(
                user, cleaned.image, PICTURE_INPUT, described, quota_bytes=quota, id=id_
            )
        except Conflict:  # it comes twice at this moment
            kept = await self.files.keep_hidden(user, cleaned.image, PICTURE_INPUT, described, quota_bytes=quota)
        return kept.id

    async def keep_upload(self, user: UserId, cleaned: Made, name: str, id: FileId) -> FileRecord:
        """An image that is found again by an id of its own, which is free. Raises `QuotaExceeded`, `Conflict`."""
        described = Description(name, cleaned.media_type, expires_in_s=INPUT_KEPT_S)
        quota = self._quota_of(user) or 0
        return await self.files.keep_hidden(user, cleaned.image, PICTURE_INPUT, described, quota_bytes=quota, id=id)

    # --- out ---

    async def source(self, named: str, user: UserId) -> tuple[FileId, PictureId | None]:
        """The file that an id means, a file's or a picture's, and the picture. Raises `NotFound`."""
        if is_file_id(named):
            return (await self.files.get(named, user)).id, None
        picture = await self.get(named, user)
        return picture.file, picture.id

    async def get(self, picture: str, user: UserId) -> PictureRecord:
        """Raises `NotFound`, also for somebody else's."""
        return await self._store.get(_checked(picture), user)

    async def some(self, pictures: Sequence[str], user: UserId) -> tuple[PictureRecord, ...]:
        return await self._store.some(_likely(pictures), user)

    async def list(
        self, user: UserId, where: PictureFilter, *, limit: int, after: str = "", oldest_first: bool = False
    ) -> PicturePage:
        """Newest first. Raises `BadRequest` for an ``after`` that is not the user's."""
        if after and not is_picture_id(after):
            raise BadRequest("This is no picture to go on after.", param="after", hint="Begin the listing again.")
        last = PictureId(after) if after else None
        return await self._store.list(user, where, limit=limit, after=last, oldest_first=oldest_first)

    async def totals(self, user: UserId) -> tuple[PictureTotals, int]:
        """With the quota, in bytes."""
        return await self._store.totals(user), self._quota_of(user) or 0

    async def tags(self, user: UserId, *, limit: int) -> tuple[Counted, ...]:
        return await self._store.tags(user, limit=limit)

    async def models(self, user: UserId, *, limit: int) -> tuple[Counted, ...]:
        return await self._store.models(user, limit=limit)

    async def file(self, picture: PictureRecord, side: int | None = None) -> FileRecord:
        """The original's file, or the smallest copy's that is not smaller than ``side``. Raises `NotFound`."""
        file = picture.file
        if side is not None and side <= SMALL and picture.small is not None:
            file = picture.small
        elif side is not None and side <= LARGE and picture.large is not None:
            file = picture.large
        return await self.files.get(file, picture.user)

    async def content(self, picture: PictureRecord) -> bytes:
        """The original. Raises `NotFound`, `StorageAway`."""
        return await self.files.whole(picture.file, picture.user, MOST_BYTES)

    async def chunks(self, picture: PictureRecord) -> AsyncGenerator[bytes, None]:
        """The same piece by piece, once the first is here."""
        record = await self.files.get(picture.file, picture.user)
        return await self.files.read(record, 0, record.size_bytes)

    # --- changes ---

    async def change(self, pictures: Sequence[str], user: UserId, change: PictureChange) -> int:
        """How many there were. Raises `BadRequest` for too many tags."""
        return await self._store.change(_likely(pictures), user, change)

    async def delete(self, pictures: Sequence[str], user: UserId) -> int:
        """How many there were."""
        return await self._store.delete(_likely(pictures), user)


def _checked(picture: str) -> PictureId:
    """An id from outside: what can be none is not looked for, for a database may not even take it as a text."""
    if not is_picture_id(picture):
        raise NotFound("There is no such picture.", hint="GET /api/v1/images lists yours.")
    return PictureId(picture)


def _likely(pictures: Sequence[str]) -> list[PictureId]:
    return [PictureId(each) for each in pictures if is_picture_id(each)]


# --- retention ---

SWEPT_EVERY_S = 3_600.0
_AT_ONCE = 200


async def sweep(
    store: PictureStore, kept_s: Callable[[], Sequence[tuple[UserId, float]]], clock: Callable[[], float]
) -> int:
    """Delete what is older than its owner keeps pictures, but for favourites; how many they were."""
    gone = 0
    for user, keep_s in kept_s():
        while some := await store.expire(user, clock() - keep_s, limit=_AT_ONCE):
            gone += some
    return gone


async def sweeping(
    store: PictureStore, kept_s: Callable[[], Sequence[tuple[UserId, float]]], clock: Callable[[], float]
) -> None:
    """A round each hour, for ever. ``kept_s`` tells for how long each user keeps pictures who does not for ever."""
    while True:
        try:
            if gone := await sweep(store, kept_s, clock):
                log.info("old pictures are deleted", pictures=gone)
        except PotluckError as error:
            log.warning("old pictures were not deleted", why=error.message, detail=error.detail)
        await asyncio.sleep(SWEPT_EVERY_S)
