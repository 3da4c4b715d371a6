"""Server-sent events (WHATWG HTML, "Server-sent events"): whole events out of any pieces, and back to bytes.

Line ends are ``\\n``, ``\\r\\n`` and ``\\r`` alone, never U+2028 or U+0085, and nothing is decoded here: a character
may be cut between two pieces at any byte.
"""

from __future__ import annotations

from typing import NamedTuple

from potluck.core.errors import MalformedAnswer

STREAM_TYPE = "text/event-stream"
PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"

# An engine that sends this much without a blank line does not speak SSE; it must not fill our memory.
EVENT_LIMIT_BYTES = 16 * 1024 * 1024


class ServerEvent(NamedTuple):
    """``name`` is empty where the event had none; ``data`` has its lines joined by ``\\n``."""

    name: str
    data: bytes


def data_event(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def named_event(name: str, payload: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + payload + b"\n\n"


def last_boundary(data: bytes | bytearray, start: int = 0) -> int:
    """Where the last whole event in ``data[start:]`` ends, or 0 if none does. Costs one scan from the right, in C."""
    found = data.rfind(b"\n\n", start)
    end = found + 2 if found >= 0 else 0
    if b"\r" in data:
        if (found := data.rfind(b"\n\r\n", start)) >= 0:
            end = max(end, found + 3)
        if (found := data.rfind(b"\r\r", start)) >= 0:
            end = max(end, found + 2)
    return end


class EventCutter:
    """Cuts a stream behind its events: `cut` gives the whole ones and keeps the rest for the next piece."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = bytearray()

    @property
    def tail(self) -> bytes:
        """What came behind the last whole event."""
        return bytes(self._tail)

    def cut(self, data: bytes) -> bytes:
        """All events that are whole now; the very ``data`` if it ends with one and nothing was kept.

        Raises `MalformedAnswer` for an event without an end.
        """
        tail = self._tail
        if not tail:
            if data.endswith(b"\n\n"):  # engines flush event by event
                return data
            end = last_boundary(data)
            if end == len(data):
                return data
            tail += data[end:]
            return data[:end]
        # A boundary may lie across the seam: it is at most three bytes long.
        start = max(0, len(tail) - 3)
        tail += data
        end = last_boundary(tail, start)
        if end:
            whole = bytes(tail[:end])
            del tail[:end]
            return whole
        if len(tail) > EVENT_LIMIT_BYTES:
            raise MalformedAnswer("The engine's answer is not a stream of events.", detail="an event over 16 MiB")
        return b""


def split_events(block: bytes) -> list[bytes]:
    """The raw events in a block of whole ones, each with the blank line that ends it. Joined they are the block."""
    events: list[bytes] = []
    lines: list[bytes] = []
    for line in block.splitlines(keepends=True):
        lines.append(line)
        if line in {b"\n", b"\r\n", b"\r"}:
            events.append(b"".join(lines))
            lines.clear()
    if lines:
        events.append(b"".join(lines))
    return events


def parse_events(block: bytes) -> list[ServerEvent]:
    """What a block of whole events says. Comments, ids and retry times are left out, so are events without data.

    ``data:`` may lack its space. Old llama.cpp wrote ``error: {…}`` as a field of its own: that becomes an event
    named ``error``.
    """
    events: list[ServerEvent] = []
    name = b""
    data: list[bytes] = []
    for line in block.splitlines():
        if not line:
            if data:
                events.append(ServerEvent(name.decode("utf-8", "replace"), b"\n".join(data)))
                data = []
            name = b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field == b"error":
            name = b"error"
            data.append(value)
    if data:
        events.append(ServerEvent(name.decode("utf-8", "replace"), b"\n".join(data)))
    return events


class SseReader:
    """Reads a stream of events. Cutting the stream anywhere changes nothing."""

    __slots__ = ("_cutter",)

    def __init__(self) -> None:
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that are whole now. Raises `MalformedAnswer` for an event without an end."""
        whole = self._cutter.cut(data)
        return parse_events(whole) if whole else []

    def end(self) -> list[ServerEvent]:
        """The body is over: an event whose blank line never came still counts; the caller sees if it is cut."""
        return parse_events(self._cutter.tail)
