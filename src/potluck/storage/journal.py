"""What a database is still owed, on this machine's disk: entries in the order in which they came, until it has them.

A folder of files, each a list of lines without line breaks inside (JSON has none). A line is appended by one ``write``:
the kernel has it when that returns, so killing the process loses nothing. A last line that a crash cut off is passed
over: nobody was told that it is kept. Whoever may read a file may read what is in it: their mode is 0600, their
folder's 0700.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NewType

from potluck.core.errors import OperatorError

Segment = NewType("Segment", int)
"""A file of a journal; a later one has a higher number."""

_ENDING: Final = ".jsonl"


class Journal:
    """Entries are appended to one file; the files before it are sealed, and go when they are done with.

    ``synced``: an entry outlasts the machine's power too, for some milliseconds each. ``most_bytes`` bounds all files
    together. Nothing is touched before the first entry, except that the files of the last run are found.
    """

    def __init__(self, folder: Path, *, synced: bool, most_bytes: int) -> None:
        self._folder = folder
        self._synced = synced
        self._most_bytes = most_bytes
        found = (path for path in folder.glob(f"*{_ENDING}") if path.stem.isdecimal())
        self._sizes = {Segment(int(path.stem)): path.stat().st_size for path in found}
        self.size_bytes = sum(self._sizes.values())
        """Of all files."""
        self._open: tuple[Segment, int] | None = None

    @property
    def sealed(self) -> tuple[Segment, ...]:
        """The files that nothing is appended to any more, oldest first."""
        return tuple(sorted(each for each in self._sizes if self._open is None or each != self._open[0]))

    def append(self, entry: bytes) -> Segment:
        """Keep an entry; the file that it is in. Raises `OperatorError`: the disk or the journal is full."""
        line = entry + b"\n"
        if self._sizes and self.size_bytes + len(line) > self._most_bytes:
            raise OperatorError(
                "The journal of what the database is owed is full.", hint="See why the database does not answer."
            )
        try:
            segment, handle = self._open or self._begin()
            written = os.write(handle, line)
            if written < len(line):
                os.ftruncate(handle, self._sizes[segment])
                raise OSError(None, "no room")
            if self._synced:
                os.fdatasync(handle)
        except OSError as error:
            raise OperatorError(
                f"The data directory cannot be written: {error.strerror}.", hint="See how much room its disk has left."
            ) from error
        self._sizes[segment] += len(line)
        self.size_bytes += len(line)
        return segment

    def seal(self) -> Segment | None:
        """Append to another file from now on; the one before, None if it was none."""
        if self._open is None:
            return None
        (segment, handle), self._open = self._open, None
        os.close(handle)
        return segment

    def read(self, segment: Segment) -> Iterator[bytes]:
        """The entries of a file, each without its end."""
        with self._path(segment).open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]

    def drop(self, segment: Segment) -> None:
        """Forget a sealed file. One that is gone already is passed over."""
        self._path(segment).unlink(missing_ok=True)
        self.size_bytes -= self._sizes.pop(segment, 0)

    def _begin(self) -> tuple[Segment, int]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        segment = Segment(max(self._sizes, default=0) + 1)
        handle = os.open(self._path(segment), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._sizes[segment] = 0
        self._open = segment, handle
        return self._open

    def _path(self, segment: Segment) -> Path:
        return self._folder / f"{segment:08d}{_ENDING}"
