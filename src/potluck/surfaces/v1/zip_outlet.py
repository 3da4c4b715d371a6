"""A ZIP that is sent while it is written."""

from __future__ import annotations


class ZipOutlet:
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
