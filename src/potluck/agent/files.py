"""Small files of the kernel, read one after the other; what cannot be read says nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

# /proc/stat of a machine with some hundred processors is the longest of them.
_LONGEST_BYTES: Final = 256 * 1024


class Files:
    """A tree like the system's own, which ``root`` is in life. Paths are relative to it.

    It remembers where things are until it is told to `forget`: looking through /sys costs more than all reading.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[str, list[Path]] = {}

    def text(self, path: str | Path) -> str:
        """A file's content; empty if it is not there, may not be read, or its device is asleep."""
        try:
            with (self.root / path).open("rb", buffering=0) as file:
                return (file.read(_LONGEST_BYTES) or b"").decode("utf-8", "replace")
        except OSError:
            return ""

    def glob(self, pattern: str) -> list[Path]:
        """The paths that fit, those with small numbers before those with large ones."""
        found = self._found.get(pattern)
        if found is None:
            found = self._found[pattern] = self._look(pattern)
        return found

    def _look(self, pattern: str) -> list[Path]:
        try:
            return sorted(self.root.glob(pattern), key=lambda path: (len(path.name), str(path)))
        except OSError:
            return []

    def forget(self) -> None:
        """Look anew at the next `glob`."""
        self._found.clear()

    def same(self, path: Path) -> str:
        """Where a path leads in the end: two that lead to one place are one thing."""
        return os.path.realpath(self.root / path)
