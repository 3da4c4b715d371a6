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
from potluck.core.model_sources import without_query
from potluck.core.placing_models import DISK_RESERVE_BYTES
from potluck.core.sizes import size_words

PULLS = ".pulls"
"""The folder for parts, inside the models' folder."""

_READ_BYTES = 1 << 20
# What nobody asked for again in a month is not wanted any more.
_FORGOTTEN_S = 30 * 86_400.0


class Note(msgspec.Struct, frozen=True):
    """What a part is a part of, for people by its ``url`` without query.

    ``validator`` is what ``If-Range`` takes: a strong ETag, or the time of change. ``safe`` is how many
    of its bytes are on disk for certain: after a power cut the file may be longer, and hold holes.
    """

    url: str
    validator: str = ""
    size: int | None = None
    safe: int = 0


class Part:
    """The part of one URL's file, and its note. Not for two downloads at once."""

    def __init__(self, folder: Path, url: str) -> None:
        key = hashlib.sha256(url.encode()).hexdigest()[:24]
        self.url = without_query(url)
        self.folder = folder
        self.path = folder / f"{key}.part"
        self._note_path = folder / f"{key}.json"
        self.note = Note(self.url)
        self._hash = hashlib.sha256()
        self._file: int | None = None
        self.size = 0

    def open(self) -> None:
        """Begin where an earlier download ended; the note says of what. Reads what is here, for its checksum."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.note = self._read_note()
            flags = os.O_RDWR | os.O_CREAT | (0 if self.note.safe else os.O_TRUNC)
            self._file = os.open(self.path, flags, 0o644)
            if os.fstat(self._file).st_size > self.note.safe:
                os.ftruncate(self._file, self.note.safe)
            while self.note.safe and (data := os.read(self._file, _READ_BYTES)):
                self._hash.update(data)
                self.size += len(data)
        except OSError as error:
            raise disk_error(error) from error

    def begin(self, note: Note) -> None:
        """From the first byte, of what ``note`` says."""
        try:
            if self.size:
                os.ftruncate(self._fd, 0)
                os.lseek(self._fd, 0, os.SEEK_SET)
            self._hash, self.size = hashlib.sha256(), 0
            self._write_note(note)
        except OSError as error:
            raise disk_error(error) from error

    def secure(self) -> None:
        """See to it that what is here will be here after a power cut. Without a validator it would be of no use."""
        if not self.note.validator:
            return
        try:
            os.fsync(self._fd)
            self._write_note(msgspec.structs.replace(self.note, safe=self.size))
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
            self._note_path.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error) from error

    def close(self) -> None:
        """Keep what is here for the next time, if there is anything that can be gone on with."""
        if self._file is None:
            return
        if self.path.exists():
            with suppress(OperatorError):  # what is not safe is fetched again
                self.secure()
        os.close(self._file)
        self._file = None
        if self.path.exists() and not self.note.safe:
            self.drop()

    def drop(self) -> None:
        """It is worth nothing: forget it."""
        self.path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)

    @property
    def _fd(self) -> int:
        assert self._file is not None, "the part is not open"
        return self._file

    def _write_note(self, note: Note) -> None:
        """Whole or not at all: a note that is cut off would lose the part."""
        fresh = self._note_path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(note))
        fresh.replace(self._note_path)
        self.note = note

    def _read_note(self) -> Note:
        try:
            note = msgspec.json.decode(self._note_path.read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return Note(self.url)
        return note


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
