"""Files: streamed into the blob store and out of it, within everybody's quota.

A reference stands in the database before its bytes are in the store, and what is left of it when something breaks is
taken back: so what the store holds is known, and `gateway.blob_collection` may remove what nobody refers to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import msgspec
import structlog

from potluck.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    PayloadTooLarge,
    PotluckError,
    QuotaExceeded,
    StorageAway,
)
from potluck.core.files import (
    NO_QUOTA,
    PURPOSES,
    USUAL_PURPOSE,
    checked_file_name,
    checked_media_type,
    checked_purpose,
    is_file_id,
)
from potluck.core.links import LONGEST_S, read_link, sign_link
from potluck.core.model import UserId
from potluck.gateway.waiting_blobs import WaitingBlobs
from potluck.storage.blobs.port import BlobStore, Spooled
from potluck.storage.file_ports import FileStore
from potluck.storage.ports import SettingsStore
from potluck.storage.records import BlobState, Digest, FileId, FilePage, FileRecord

log = structlog.get_logger(__name__)

# The same bytes are being removed at this very moment: that takes a disk milliseconds, a server some more.
_REMOVAL_PAUSE_S = 0.2
_REMOVAL_PAUSES = 50
_AWAY_RETRY_S = 10.0
_LINKS_KEPT_AS = "files.link_secret"
_SECRET_BYTES = 32


class Description(msgspec.Struct, frozen=True):
    """What a file is to be called, as its uploader tells. ``digest``: its bytes must have this one."""

    name: str = ""
    media_type: str = ""
    purpose: str = USUAL_PURPOSE
    expires_in_s: float | None = None
    digest: str = ""


class Kept(msgspec.Struct, frozen=True):
    """What somebody keeps, against what it may."""

    files: int
    used_bytes: int
    quota_bytes: int


class Standing(msgspec.Struct, frozen=True):
    """How the store is: whether it answered last, and what waits on this machine to be brought there."""

    answers: bool = True
    waiting: int = 0
    waiting_bytes: int = 0
    moved: int = 0


class Link(msgspec.Struct, frozen=True):
    """Where anybody gets a file until ``expires_s``: the store's own URL, or a ``token`` that is shown to us."""

    expires_s: float
    url: str = ""
    token: str = ""


class Files:
    """``quota_of`` tells how many bytes a user may keep, None for a user that is kept out or gone.

    ``waiting`` holds what could not be brought to the store yet, where that is another machine. ``clock`` is Unix
    seconds, ``random_bytes`` a cryptographic source.
    """

    def __init__(
        self,
        blobs: BlobStore,
        waiting: WaitingBlobs | None,
        store: FileStore,
        settings: SettingsStore,
        *,
        quota_of: Callable[[UserId], int | None],
        most_bytes: int,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._blobs = blobs
        self.waiting = waiting
        self._store = store
        self._settings = settings
        self._quota_of = quota_of
        self.most_bytes = most_bytes
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._secret = b""
        self.answers = True

    def standing(self) -> Standing:
        if self.waiting is None:
            return Standing(self.answers)
        waits = self.waiting.standing()
        return Standing(self.answers and not waits.blobs, waits.blobs, waits.bytes, waits.moved)

    @contextmanager
    def _heard(self) -> Generator[None, None, None]:
        """Notes whether the store answers."""
        try:
            yield
        except StorageAway:
            if self.answers:
                log.warning("the store for files does not answer", hint="uploads are refused until it does")
            self.answers = False
            raise
        self.answers = True

    # --- in ---

    async def upload(
        self,
        user: UserId,
        chunks: AsyncIterable[bytes],
        describe: Callable[[], Description],
        *,
        size_bytes: int | None = None,
    ) -> FileRecord:
        """Keep a file. ``describe`` is asked when ``chunks`` have ended; ``size_bytes`` is what was announced.

        Raises `PayloadTooLarge`, `QuotaExceeded`, `BadRequest` for other bytes than announced, `StorageAway`,
        `NoRoom`, and what ``chunks`` raises; nothing is left of it then.
        """
        # What can be known before gigabytes have come is told before.
        kept = await self.kept(user)
        left = kept.quota_bytes - kept.used_bytes
        if left <= 0 or (size_bytes is not None and size_bytes > left):
            raise QuotaExceeded(kept.used_bytes, kept.quota_bytes)
        if size_bytes is not None and size_bytes > self.most_bytes:
            raise PayloadTooLarge(self.most_bytes)
        with self._heard():
            await self._blobs.look()
        try:
            async with self._blobs.spooled(chunks, most_bytes=min(left, self.most_bytes)) as whole:
                return await self._keep(user, whole, describe())
        except PayloadTooLarge as error:
            if error.limit_bytes == left < self.most_bytes:
                raise QuotaExceeded(kept.used_bytes, kept.quota_bytes) from error
            raise

    async def keep(self, user: UserId, chunks: AsyncIterable[bytes], description: Description) -> FileRecord:
        """Keep a result of our own. While the store is away it waits on this machine, and is brought there later.

        Raises as `upload`, but no `StorageAway` for the store.
        """
        async with self._blobs.spooled(chunks, most_bytes=self.most_bytes) as whole:
            return await self._keep(user, whole, description, shelter=True)

    async def _keep(self, user: UserId, whole: Spooled, told: Description, *, shelter: bool = False) -> FileRecord:
        if told.digest and told.digest != whole.blob.digest:
            raise BadRequest("The bytes that came are not those that were announced.", hint="Send the file again.")
        record = self._named(user, whole, told, checked_purpose(told.purpose))
        async with self._brought(record, whole, self._quota_of(user) or 0, shelter=shelter) as stored:
            # 3. Now it may be seen.
            return await self._store.ready(record.id, self._clock(), stored=stored)

    @asynccontextmanager
    async def hidden(
        self,
        user: UserId,
        content: bytes,
        purpose: str,
        description: Description,
        *,
        quota_bytes: int = NO_QUOTA,
        id: FileId | None = None,
    ) -> AsyncGenerator[tuple[FileRecord, bool], None]:
        """A file for a picture (``purpose`` is one of `core.files.HIDDEN`): its reference and its bytes are there, and
        nobody sees it until it is let be within this block, with whether its bytes are in the store by now. If the
        block raises, it is taken back.

        ``id`` is its own to choose. Raises as `keep`, and `Conflict` for one that is taken.
        """
        async with self._blobs.spooled(_once(content), most_bytes=self.most_bytes) as whole:
            record = self._named(user, whole, description, purpose, id)
            async with self._brought(record, whole, quota_bytes, shelter=True) as stored:
                yield record, stored

    async def keep_hidden(
        self,
        user: UserId,
        content: bytes,
        purpose: str,
        description: Description,
        *,
        quota_bytes: int,
        id: FileId | None = None,
    ) -> FileRecord:
        """The same, to be seen at once: for an image that a picture is to be made from."""
        whole = self.hidden(user, content, purpose, description, quota_bytes=quota_bytes, id=id)
        async with whole as (record, stored):
            return await self._store.ready(record.id, self._clock(), stored=stored)

    def _named(
        self, user: UserId, whole: Spooled, told: Description, purpose: str, id: FileId | None = None
    ) -> FileRecord:
        now = self._clock()
        return FileRecord(
            id=id or FileId(f"file-{self._new_id()}"),
            user=user,
            digest=whole.blob.digest,
            size_bytes=whole.blob.size_bytes,
            name=checked_file_name(told.name),
            media_type=checked_media_type(told.media_type, told.name),
            purpose=purpose,
            created_s=now,
            expires_s=None if told.expires_in_s is None else now + told.expires_in_s,
        )

    @asynccontextmanager
    async def _brought(
        self, record: FileRecord, whole: Spooled, quota_bytes: int, *, shelter: bool
    ) -> AsyncGenerator[bool, None]:
        # 1. The reference, so that nobody removes the bytes.
        state = await self._claimed(record, quota_bytes)
        try:
            # 2. The bytes, if nobody has brought them before.
            yield await self._bring(whole, state, shelter=shelter)
        except BaseException:
            # Whoever left, or whatever broke: it is taken back. The database may be what broke: then `give_up` does it.
            with suppress(PotluckError):
                await asyncio.shield(self._store.delete(record.id))
            raise

    async def _claimed(self, record: FileRecord, quota_bytes: int) -> BlobState:
        for _ in range(_REMOVAL_PAUSES):
            state = await self._store.claim(record, quota_bytes)
            if state is not BlobState.REMOVING:
                return state
            await asyncio.sleep(_REMOVAL_PAUSE_S)
        raise Conflict("The same bytes are being removed at this moment.", hint="Try again in a minute.")

    async def _bring(self, whole: Spooled, state: BlobState, *, shelter: bool) -> bool:
        """Whether the bytes are in the store now; else they wait on this machine."""
        digest = whole.blob.digest
        try:
            with self._heard():
                if state is BlobState.STORED and await self._has(digest, whole.blob.size_bytes):
                    return True
                await self._blobs.add(whole)
        except StorageAway:
            if not shelter or self.waiting is None:
                raise
            await self.waiting.add(whole)
            return False
        return True

    async def _has(self, digest: Digest, size_bytes: int) -> bool:
        try:
            return await self._blobs.size(digest) == size_bytes
        except NotFound:
            return False

    # --- out ---

    async def get(self, file: str, user: UserId) -> FileRecord:
        """Raises `NotFound`, also for somebody else's."""
        return (await self._store.get(_checked(file), self._clock(), user))[0]

    async def list(
        self, user: UserId, *, limit: int, after: str = "", purpose: str = "", oldest_first: bool = False
    ) -> FilePage:
        """Newest first. Raises `BadRequest` for an ``after`` that is not the user's."""
        if after and not is_file_id(after):
            raise BadRequest("This is no file to go on after.", param="after", hint="Begin the listing again.")
        if purpose and purpose not in PURPOSES:
            return FilePage(())
        return await self._store.list(
            user,
            self._clock(),
            limit=limit,
            after=FileId(after) if after else None,
            purpose=purpose,
            oldest_first=oldest_first,
        )

    async def kept(self, user: UserId) -> Kept:
        totals = await self._store.totals(user)
        return Kept(totals.files, totals.bytes, self._quota_of(user) or 0)

    async def read(self, record: FileRecord, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start`` to ``end``, once the first of them are here: what fails before is raised by this.

        Raises `NotFound`, `StorageAway`.
        """
        chunks = self._chunks(record, start, end)
        try:
            with self._heard():
                first = await anext(chunks)
        except StopAsyncIteration:
            first = b""
        except NotFound:
            raise StorageAway(
                "The bytes of this file are not in the store.",
                retry_after_s=_AWAY_RETRY_S,
                hint="If it was made a moment ago, try again; else see the log of the gateway that made it.",
                detail=record.digest,
            ) from None
        return _with_first(first, chunks, end - start)

    def _chunks(self, record: FileRecord, start: int, end: int) -> AsyncGenerator[bytes, None]:
        if self.waiting is not None and self.waiting.has(record.digest):
            return self.waiting.read(record.digest, start, end)
        return self._blobs.read(record.digest, start, end)

    async def whole(self, file: str, user: UserId, most_bytes: int) -> bytes:
        """All of a file that fits into memory. Raises `NotFound`, `PayloadTooLarge` and `StorageAway`."""
        record = await self.get(file, user)
        if record.size_bytes > most_bytes:
            raise PayloadTooLarge(most_bytes)
        return b"".join([chunk async for chunk in await self.read(record, 0, record.size_bytes)])

    async def delete(self, file: str, user: UserId) -> None:
        """Raises `NotFound`. The bytes stay for as long as somebody else's file refers to them."""
        await self._store.delete(_checked(file), user)

    # --- links ---

    async def link(self, record: FileRecord, within_s: float, *, own: bool = False) -> Link:
        """Where anybody gets the file for ``within_s`` seconds, `LONGEST_S` at most. ``own``: from us, whatever the
        store could do."""
        within_s = min(within_s, LONGEST_S)
        expires_s = self._clock() + within_s
        if own:
            pass
        elif self.waiting is None or not self.waiting.has(record.digest):
            url = await self._blobs.link(record.digest, within_s)
            if url is not None:
                return Link(expires_s, url=url)
        return Link(float(int(expires_s)), token=sign_link(await self._link_secret(), record.id, int(expires_s)))

    async def linked(self, token: str) -> FileRecord:
        """The file of a link. Raises `NotFound`, also when its owner is kept out or has deleted it."""
        file = read_link(await self._link_secret(), token, self._clock())
        record, _ = await self._store.get(FileId(file), self._clock())
        if self._quota_of(record.user) is None:
            raise NotFound("There is nothing behind this link.", hint="It may be over; ask for another.")
        return record

    async def _link_secret(self) -> bytes:
        """One for all gateways of a database."""
        if not self._secret:
            if not isinstance(told := await self._settings.get(_LINKS_KEPT_AS), str):
                told = self._random_bytes(_SECRET_BYTES).hex()
                await self._settings.set(_LINKS_KEPT_AS, told, self._clock())
            self._secret = bytes.fromhex(told)
        return self._secret


def _checked(file: str) -> FileId:
    """An id from outside: what can be none is not looked for, for a database may not even take it as a text."""
    if not is_file_id(file):
        raise NotFound("There is no such file.", hint="GET /api/v1/files lists yours.")
    return FileId(file)


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _with_first(
    first: bytes, chunks: AsyncGenerator[bytes, None], size_bytes: int
) -> AsyncGenerator[bytes, None]:
    """All of it; what is less than it should be is an error, and not the end."""
    left = size_bytes - len(first)
    try:
        if first:
            yield first
        async for chunk in chunks:
            left -= len(chunk)
            yield chunk
    finally:
        await chunks.aclose()
    if left != 0:
        raise StorageAway("The store for files has lost bytes of this one.", retry_after_s=_AWAY_RETRY_S)
