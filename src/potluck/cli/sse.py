"""Server-sent events as the native API streams them (WHATWG HTML, "Server-sent events", parsing)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; ``data`` is its lines joined by newlines, ``name`` is ``message`` where the server gave none."""

    name: str
    data: bytes


def server_events(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Events of a stream's lines. Comments keep the connection alive and are dropped, as is an event without data.

    An event that the end of the stream cuts off is not reported: it may be half.
    """
    name, data = "", list[bytes]()
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line:
            if data:
                yield ServerEvent(name or "message", b"\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"data":
            data.append(value)
