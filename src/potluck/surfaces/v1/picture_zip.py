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
from potluck.surfaces.v1.zip_outlet import ZipOutlet

# Of what is sent at once.
_PIECE_BYTES = 64 * 1024
# A ZIP knows no time before (4.4.6 of its specification counts years from 1980).
_EARLIEST = (1980, 1, 1, 0, 0, 0)


async def zipped(gallery: Gallery, records: AsyncGenerator[PictureRecord, None]) -> AsyncGenerator[bytes, None]:
    """A picture that was deleted meanwhile is left out. Raises `StorageAway`: then the archive has no end."""
    outlet = ZipOutlet()
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
