"""What passed to a client untouched, kept aside to be read when the answer is over or has gone wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import msgspec

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.wire.openai.chunks import FINISH, Chunk, written_bytes
from potluck.wire.sse import parse_events

KEEP_BYTES = 1024 * 1024
"""How much of one stream is kept whole: some five thousand chunks, more than most answers have."""

_KEEP_TAIL_BYTES = 64 * 1024
"""What is kept of a longer one: its end holds the finish, the usage and the times."""


class _Framed(Chunk):
    id: str | None = None
    created: int | None = None
    model: str | None = None


_FRAMED = msgspec.json.Decoder(_Framed)


@dataclass(slots=True)
class Reading:
    """What kept bytes say, gathered from the newest event to the oldest.

    ``frame`` is id, creation and model of a chunk. ``text_bytes`` counts only where no usage is told: then everything
    is read, and what was dropped is estimated.
    """

    usage: Usage | None = None
    timings: Timings | None = None
    finish: FinishReason | None = None
    done: bool = False
    text_bytes: int = 0
    frame: tuple[str, int, str] | None = None

    def take(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.done = True
            return
        try:
            chunk = _FRAMED.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The client has it, whatever it is; it says nothing to us.
            return
        if self.frame is None and chunk.id and chunk.created is not None:
            self.frame = (chunk.id, chunk.created, chunk.model or "")
        self._take_totals(chunk)
        for choice in chunk.choices or ():
            if choice.finish_reason and self.finish is None:
                self.finish = FINISH.get(choice.finish_reason, FinishReason.STOP)
        self.text_bytes += written_bytes(chunk)

    def _take_totals(self, chunk: Chunk) -> None:
        if self.usage is None and chunk.usage is not None:
            self.usage = chunk.usage.usage()
        if self.timings is None and chunk.timings is not None:
            self.timings = chunk.timings.timings()

    @property
    def complete(self) -> bool:
        return self.usage is not None and self.finish is not None and self.frame is not None


class KeptAnswer:
    """Whole events in the order they were sent; of a stream over ``limit`` bytes only the end."""

    __slots__ = ("_aside", "_dropped", "_limit", "_pieces", "_size")

    def __init__(self, limit: int = KEEP_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._dropped = 0
        self._aside: list[bytes] = []

    def add(self, events: bytes) -> None:
        self._pieces.append(events)
        self._size += len(events)
        if self._size > self._limit:
            self._shorten()

    def _shorten(self) -> None:
        kept = 0
        first = len(self._pieces)
        # The newest piece stays, however long it is: it may hold all that matters.
        while first and (kept == 0 or kept + len(self._pieces[first - 1]) <= _KEEP_TAIL_BYTES):
            first -= 1
            kept += len(self._pieces[first])
        del self._pieces[:first]
        self._dropped += self._size - kept
        self._size = kept
        # From now on the list grows to twice the tail before it is cut, so that cutting stays rare.
        self._limit = max(2 * _KEEP_TAIL_BYTES, kept)

    def set_aside(self, event: bytes) -> None:
        """Keep an event that the client is not sent."""
        self._aside.append(event)

    def read(self) -> Reading:
        """Read from the end, and no further than usage and finish, where both are told."""
        reading = Reading()
        for piece in chain(self._aside, reversed(self._pieces)):
            for event in reversed(parse_events(piece)):
                reading.take(event.data.strip())
            if reading.complete:
                break
        if reading.usage is not None:
            reading.text_bytes = 0
        elif self._size:
            reading.text_bytes += reading.text_bytes * self._dropped // self._size
        return reading
