"""A blob on its way in: its name is known only when its last byte has come, so it waits in a file until then."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from potluck.core.errors import NoRoom, OperatorError, PayloadTooLarge
from potluck.storage.blobs.port import CHUNK_BYTES, Blob, Spooled
from potluck.storage.records import Digest

INCOMING = "incoming"
"""The folder, in that of the blobs, of what is on its way in."""

# EFBIG: the largest file that a disk, or a limit on the process, allows.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@asynccontextmanager
async def spooled(chunks: AsyncIterable[bytes], folder: Path, *, most_bytes: int) -> AsyncGenerator[Spooled, None]:
    """All of ``chunks`` in a file of ``folder`` that is gone at the end of the block, unless it was moved away.

    Raises `PayloadTooLarge`, `NoRoom`, and what ``chunks`` raises.
    """
    with disk_errors():
        descriptor, name = await asyncio.to_thread(_begin, folder)
    file = Path(name)
    try:
        blob = await _fill(descriptor, chunks, most_bytes)
        yield Spooled(blob, file)
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)


def clear_incoming(folder: Path) -> None:
    """Remove what a crash left of uploads to the blobs in ``folder``. Before the first one."""
    for file in (folder / INCOMING).glob("incoming-*"):
        file.unlink(missing_ok=True)


def _begin(folder: Path) -> tuple[int, str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.mkstemp(prefix="incoming-", dir=folder)


async def _fill(descriptor: int, chunks: AsyncIterable[bytes], most_bytes: int) -> Blob:
    digest, size, waiting, waiting_bytes = hashlib.sha256(), 0, list[bytes](), 0

    def write() -> None:
        """In a thread: a slow disk must not hold up anybody's stream."""
        for chunk in waiting:
            digest.update(chunk)
        left = memoryview(b"".join(waiting))
        with disk_errors():
            while left:
                left = left[os.write(descriptor, left) :]

    def finish() -> None:
        with disk_errors():
            os.fsync(descriptor)

    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > most_bytes:
                raise PayloadTooLarge(most_bytes)
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            if waiting_bytes >= CHUNK_BYTES:
                await asyncio.to_thread(write)
                waiting, waiting_bytes = [], 0
        await asyncio.to_thread(write)
        await asyncio.to_thread(finish)
    finally:
        os.close(descriptor)
    return Blob(Digest(digest.hexdigest()), size)


@contextmanager
def disk_errors() -> Generator[None, None, None]:
    """Turns a disk's errors into what they mean to its owner."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom("The disk for files is full.", hint="Free some space there.", detail=str(error)) from error
        raise OperatorError(
            "The folder for files cannot be written.", hint="See the log for the reason.", detail=str(error)
        ) from error
