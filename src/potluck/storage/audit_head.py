"""The audit log's head, noted in the data directory: who can write the database alone cannot make it agree."""

from __future__ import annotations

from pathlib import Path

from potluck.core.audit import Head, read_head
from potluck.core.errors import BadRequest, OperatorError
from potluck.storage.datadir import write_private


class HeadFile:
    """One head in a file of one line, ``number:hash``."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Head | None:
        """What was noted last; None if nothing was, or nothing that can be read. Raises `OperatorError`."""
        try:
            return read_head(self._file.read_text("ascii"))
        except (FileNotFoundError, UnicodeDecodeError, BadRequest):
            return None
        except OSError as error:
            raise OperatorError(
                f"The audit log's head {self._file} cannot be read: {error.strerror}.",
                hint="Give the user that runs Potluck the right to read it.",
            ) from error

    def write(self, head: Head) -> None:
        """Note it, whole or not at all, and on disk when this returns. Raises `OperatorError`."""
        write_private(self._file, f"{head}\n")
