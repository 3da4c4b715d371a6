"""Logs of generations as files of the data directory, one each: lines of JSON, the head first.

Lines are only ever appended, each by one ``write``. The kernel has a line when that returns, so killing the process
loses nothing; there is no ``fsync``, so a machine that loses power may lose the last seconds, and then the answer ends
there. A last line without its end was cut off by a crash, and is cut away before more is written. Who may read a file
may read the answer: their mode is 0600, their folder's 0700.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.storage.generations import Entry, GenerationHead, GenerationId, Kept

log = structlog.get_logger(__name__)

_OPEN: Final = ".open"
_ENDED: Final = ".ended"

_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(GenerationHead)
_entry_decoder = msgspec.json.Decoder(Entry)


class GenerationFiles:
    """A `GenerationLogs`. Nothing is touched before the first log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handles: dict[GenerationId, int] = {}

    def close(self) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()

    async def begin(self, head: GenerationHead) -> None:
        path = self._path(head.id, _OPEN)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(error) from error
        try:
            self._handles[head.id] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError as error:
            raise Conflict("There is a generation of this id.") from error
        except OSError as error:
            raise _unusable(error) from error
        self._write(head.id, _encoder.encode(head) + b"\n")

    async def append(self, generation: GenerationId, entries: Sequence[Entry]) -> None:
        if generation not in self._handles:
            try:
                self._handles[generation] = os.open(self._path(generation, _OPEN), os.O_WRONLY | os.O_APPEND)
            except FileNotFoundError as error:
                raise _missing() from error
            except OSError as error:
                raise _unusable(error) from error
        self._write(generation, b"".join(_encoder.encode(entry) + b"\n" for entry in entries))

    async def finish(self, generation: GenerationId) -> None:
        self._release(generation)
        try:
            self._path(generation, _OPEN).rename(self._path(generation, _ENDED))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _unusable(error) from error

    async def read(self, generation: GenerationId) -> Kept:
        for ending in (_OPEN, _ENDED):
            try:
                with self._path(generation, ending).open("rb") as file:
                    data, stat = file.read(), os.fstat(file.fileno())
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unusable(error) from error
            head, entries, _ = _parsed(data)
            if head is None:
                raise _missing()
            return Kept(head, entries, stat.st_mtime, stat.st_size)
        raise _missing()

    async def unfinished(self) -> tuple[GenerationId, ...]:
        found: list[GenerationId] = []
        for generation in self._listed(_OPEN):
            try:
                if self._mend(self._path(generation, _OPEN)):
                    found.append(generation)
            except OSError as error:
                log.warning("the log of an answer cannot be read", generation=generation, why=error.strerror)
        return tuple(found)

    async def finished(self) -> tuple[GenerationId, ...]:
        return self._listed(_ENDED)

    async def forget(self, generation: GenerationId) -> None:
        self._release(generation)
        try:
            for ending in (_OPEN, _ENDED):
                self._path(generation, ending).unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(error) from error

    def _path(self, generation: GenerationId, ending: str) -> Path:
        if not generation.isalnum():  # ids come from clients too, and this is a path
            raise _missing()
        return self._folder / f"{generation}{ending}"

    def _listed(self, ending: str) -> tuple[GenerationId, ...]:
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unusable(error) from error
        ids = (name.removesuffix(ending) for name in names if name.endswith(ending))
        return tuple(GenerationId(each) for each in ids if each.isalnum())

    def _mend(self, path: Path) -> bool:
        """Cut off what was not written whole; whether a log is left."""
        with path.open("r+b") as file:
            head, _, good = _parsed(file.read())
            if head is not None:
                # The time of the last write is that of the answer's last word, which this is not.
                stat = os.fstat(file.fileno())
                if good < stat.st_size:
                    file.truncate(good)
                    os.utime(file.fileno(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
                return True
        path.unlink()
        return False

    def _write(self, generation: GenerationId, data: bytes) -> None:
        try:
            written = os.write(self._handles[generation], data)
        except OSError as error:
            raise _unusable(error) from error
        if written < len(data):
            raise OperatorError("The log of an answer cannot be written: the disk is full.")

    def _release(self, generation: GenerationId) -> None:
        handle = self._handles.pop(generation, None)
        if handle is not None:
            os.close(handle)


def _parsed(data: bytes) -> tuple[GenerationHead | None, tuple[Entry, ...], int]:
    """Head and entries as far as lines are whole, and where that ends. No head: nothing of it can be read."""
    head: GenerationHead | None = None
    entries: list[Entry] = []
    good = 0
    while (end := data.find(b"\n", good)) >= 0:
        line = data[good:end]
        try:
            if head is None:
                head = _head_decoder.decode(line)
            else:
                entries.append(_entry_decoder.decode(line))
        except msgspec.MsgspecError:
            break
        good = end + 1
    return head, tuple(entries), good


def _missing() -> NotFound:
    return NotFound("There is no such generation.", hint="It may be another's, or be forgotten by now.")


def _unusable(error: OSError) -> OperatorError:
    return OperatorError(
        f"The log of an answer cannot be written: {error.strerror}.",
        hint="Look at the disk of the data directory, and who may write there.",
    )
