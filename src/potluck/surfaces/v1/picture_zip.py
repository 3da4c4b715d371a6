"""Many pictures as one ZIP, written as it is sent: never more of it in memory than a piece.

They are stored and not packed: images are packed already.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from potluck.core.errors import NotFound
from potluck.core.galleries import picture_name
from potluck.gateway.gallery import Gallery
from potluck.storage.pictures import PictureRecord

# Of what is sent at once.
_PIECE_BYTES = 64 * 1024
# A ZIP knows no time before (4.4.6 of its specification counts years from 1980).
_EARLIEST = (1980, 1, 1, 0, 0, 0)


class _Outlet:
    """What `zipfile` writes, until it is taken. It has no ``tell``, so nothing is written over."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing lies behind this."""

    def take(self) -> bytes:
        taken, self._pieces, self.size = b"".join(self._pieces), [], 0
        return taken


async def zipped(gallery: Gallery, records: AsyncGenerator[PictureRecord, None]) -> AsyncGenerator[bytes, None]:
    """A picture that was deleted meanwhile is left out. Raises `StorageAway`: then the archive has no end."""
    outlet = _Outlet()
    archive = ZipFile(outlet, "w", ZIP_STORED)  # type: ignore[call-overload]  # it needs no more than `write`
    async with aclosing(records):
        async for record in records:
            try:
                chunks = await gallery.chunks(record)
            except NotFound:
                continue
            async with aclosing(chunks):
                with archive.open(_entry(record), "w") as entry:
                    async for chunk in chunks:
                        entry.write(chunk)
                        if outlet.size >= _PIECE_BYTES:
                            yield outlet.take()
    archive.close()
    yield outlet.take()


def _entry(record: PictureRecord) -> ZipInfo:
    made = datetime.fromtimestamp(record.created_s, UTC).timetuple()[:6]
    name = picture_name(record.prompt, record.id, record.media_type)
    entry = ZipInfo(name, max(_EARLIEST, made))
    entry.file_size = record.size_bytes
    return entry
