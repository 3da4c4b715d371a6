"""A download on disk: the part that is here, and a note of what it is a part of. Every method blocks.

Both lie in a folder of their own beside the models, so that moving a finished file into its place is one step, and a
half one never has a model's name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

import msgspec

from potluck.core.errors import NoRoom, OperatorError, PotluckError
from potluck.core.placing_models import DISK_RESERVE_BYTES
from potluck.core.sizes import size_words

PULLS = ".pulls"
"""The folder for parts, inside the models' folder."""

_READ_BYTES = 1 << 20
# What nobody asked for again in a month is not wanted any more.
_FORGOTTEN_S = 30 * 86_400.0


class Note(msgspec.Struct, frozen=True):
    """What a part is a part of. ``validator`` is what ``If-Range`` takes: a strong ETag, or the time of change."""

    url: str
    validator: str = ""
    size: int | None = None


class Part:
    """The part of one URL's file. Not for two downloads at once."""

    def __init__(self, folder: Path, url: str) -> None:
        key = hashlib.sha256(url.encode()).hexdigest()[:24]
        self.url = url
        self.folder = folder
        self.path = folder / f"{key}.part"
        self._note = folder / f"{key}.json"
        self._hash = hashlib.sha256()
        self._file: int | None = None
        self.size = 0

    def open(self) -> Note:
        """Begin where an earlier download ended; the note says of what. Reads what is here, for its checksum."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            note = self._read_note()
            flags = os.O_RDWR | os.O_CREAT | (0 if note.validator else os.O_TRUNC)
            self._file = os.open(self.path, flags, 0o644)
            while note.validator and (data := os.read(self._file, _READ_BYTES)):
                self._hash.update(data)
                self.size += len(data)
        except OSError as error:
            raise disk_error(error) from error
        return note

    def begin(self, note: Note) -> None:
        """From the first byte, of what ``note`` says."""
        try:
            if self.size:
                os.ftruncate(self._fd, 0)
                os.lseek(self._fd, 0, os.SEEK_SET)
            self._hash, self.size = hashlib.sha256(), 0
            self._note.write_bytes(msgspec.json.encode(note))
        except OSError as error:
            raise disk_error(error) from error

    def append(self, piece: bytes) -> None:
        """Raises `NoRoom` when the disk is full; what is here stays."""
        view = memoryview(piece)
        try:
            while view:
                written = os.write(self._fd, view)
                self._hash.update(view[:written])
                self.size += written
                view = view[written:]
        except OSError as error:
            raise disk_error(error) from error

    def starts_like(self, magic: bytes) -> bool:
        """Whether it begins so, as far as it goes."""
        return os.pread(self._fd, min(self.size, len(magic)), 0) == magic[: self.size]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def settle(self, place: Path) -> None:
        """Move the whole file into its place, safely on disk."""
        try:
            os.fsync(self._fd)
            place.parent.mkdir(parents=True, exist_ok=True)
            self.path.replace(place)
            folder = os.open(place.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._note.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error) from error

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        with suppress(OSError):  # a note without bytes is of no use to anybody
            if not self.path.stat().st_size:
                self.drop()

    def drop(self) -> None:
        """It is worth nothing: forget it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    @property
    def _fd(self) -> int:
        assert self._file is not None, "the part is not open"
        return self._file

    def _read_note(self) -> Note:
        try:
            note = msgspec.json.decode(self._note.read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return Note(self.url)
        return note if note.url == self.url else Note(self.url)


def size_here(folder: Path, url: str) -> int:
    """How much of a URL's file is here already."""
    try:
        return Part(folder, url).path.stat().st_size
    except OSError:
        return 0


def prune(wanted: Part, now: float) -> None:
    """Forget parts that nobody went on with, but for the one that somebody does now. ``now`` is Unix seconds."""
    for path in wanted.folder.glob("*.part"):
        with suppress(OSError):
            if path != wanted.path and now - path.stat().st_mtime > _FORGOTTEN_S:
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)


def free_bytes(folder: Path) -> int:
    """What is free on the disk of a folder, which need not be there yet. Raises `OSError`."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_room(missing: int, free: int) -> None:
    """Raises `NoRoom` if so many bytes do not go onto a disk with ``free``."""
    if missing + DISK_RESERVE_BYTES > free:
        raise NoRoom(
            f"The disk is too small: {size_words(missing)} are still to come, {size_words(free)} are free.",
            hint=f"Make room; {size_words(DISK_RESERVE_BYTES)} stay free for everything else.",
        )


def disk_error(error: OSError) -> PotluckError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom("The disk is full.", hint="Make room and pull again: what is here is kept.")
    return OperatorError(
        "The models folder cannot be written.", hint=error.strerror or "", detail=str(error.filename or "")
    )
