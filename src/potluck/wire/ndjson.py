"""Newline-delimited JSON: one object per line (API-CONTRACTS.md 2). The split knows bytes only, not JSON."""

from __future__ import annotations

from potluck.core.errors import MalformedAnswer

# A line holds a few tokens, a tool call or the statistics. Sixteen MiB is far above any of them; without a limit an
# engine that never ends its line would fill our memory.
LONGEST_LINE_BYTES = 16 * 1024 * 1024


class LineSplitter:
    """Cuts a stream into lines. Cutting the stream anywhere changes nothing; empty lines are dropped."""

    __slots__ = ("_held", "_longest")

    def __init__(self, longest: int = LONGEST_LINE_BYTES) -> None:
        self._held = b""
        self._longest = longest

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes, without their ends. Raises `MalformedAnswer` for a line too long."""
        *whole, self._held = (self._held + data).split(b"\n")
        if len(self._held) > self._longest:
            raise MalformedAnswer("The engine sent a line that does not end.")
        return [line for line in map(bytes.strip, whole) if line]

    def rest(self) -> bytes:
        """What came after the last line end; a server may leave out the last one."""
        rest, self._held = self._held.strip(), b""
        return rest


def whole_lines(data: bytes) -> tuple[bytes, bytes]:
    """``data`` cut behind its last line end: what may be sent on, and what must wait."""
    cut = data.rfind(b"\n") + 1
    return data[:cut], data[cut:]
