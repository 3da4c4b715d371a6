"""What passed to a client untouched, kept aside to be read when the answer is over or has gone wrong.

A thousand streams would hold some 30 MB so. A stream repeats its frame with every word, so older pieces are packed to a
tenth, for half a microsecond a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import zstandard

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.wire.openai.chunks import FINISH, Chunk, written_bytes
from potluck.wire.sse import parse_events

KEEP_BYTES = 1024 * 1024
"""How much of one stream is kept whole: some five thousand chunks, more than most answers have."""

_KEEP_TAIL_BYTES = 64 * 1024
"""What is kept of a longer one: its end holds the finish, the usage and the times."""

_PACK_BYTES = 4 * 1024
"""How much lies loose: some twenty chunks."""


class _Framed(Chunk):
    id: str | None = None
    created: int | None = None
    model: str | None = None


_FRAMED = msgspec.json.Decoder(_Framed)
# Level 1: the frame repeats itself so much that more effort finds little more.
_COMPRESSOR = zstandard.ZstdCompressor(level=1)


class Reading(msgspec.Struct):
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


class Packed(NamedTuple):
    """Events by zstd; ``size`` is theirs before."""

    data: bytes
    size: int


class KeptAnswer:
    """Whole events in the order they were sent; of a stream over ``limit`` bytes only the end."""

    __slots__ = ("_aside", "_dropped", "_limit", "_loose", "_loose_size", "_packed", "_packed_size")

    def __init__(self, limit: int = KEEP_BYTES) -> None:
        self._limit = limit
        self._loose: list[bytes] = []
        self._loose_size = 0
        self._packed: list[Packed] = []
        self._packed_size = 0
        self._dropped = 0
        self._aside: list[bytes] = []

    def add(self, events: bytes) -> None:
        self._loose.append(events)
        self._loose_size += len(events)
        if self._loose_size > _PACK_BYTES:
            self._pack()

    def _pack(self) -> None:
        events = b"".join(self._loose)
        packed = memoryview(_COMPRESSOR.compress(events))
        # A copy: the compressor's own bytes keep the memory that the longest possible output would have taken.
        self._packed.append(Packed(bytes(packed), len(events)))
        self._packed_size += len(events)
        self._loose, self._loose_size = [], 0
        if self._packed_size > self._limit:
            self._shorten()

    def _shorten(self) -> None:
        kept = 0
        first = len(self._packed)
        # The newest one stays, however long it is: it may hold all that matters.
        while first and (kept == 0 or kept + self._packed[first - 1].size <= _KEEP_TAIL_BYTES):
            first -= 1
            kept += self._packed[first].size
        del self._packed[:first]
        self._dropped += self._packed_size - kept
        self._packed_size = kept
        # From now on it grows to twice the tail before it is cut, so that cutting stays rare.
        self._limit = max(2 * _KEEP_TAIL_BYTES, kept)

    def set_aside(self, event: bytes) -> None:
        """Keep an event that the client is not sent."""
        self._aside.append(event)

    def _newest_first(self) -> Iterator[bytes]:
        yield from self._aside
        yield from reversed(self._loose)
        for packed in reversed(self._packed):
            yield zstandard.decompress(packed.data)

    def whole(self) -> bytes | None:
        """All that the client was sent, in order; None if some of it was dropped."""
        if self._dropped:
            return None
        return b"".join([*(zstandard.decompress(packed.data) for packed in self._packed), *self._loose])

    def read(self) -> Reading:
        """Read from the end, and no further than usage and finish, where both are told."""
        reading = Reading()
        for piece in self._newest_first():
            for event in reversed(parse_events(piece)):
                reading.take(event.data.strip())
            if reading.complete:
                break
        kept = self._loose_size + self._packed_size
        if reading.usage is not None:
            reading.text_bytes = 0
        elif kept:
            reading.text_bytes += reading.text_bytes * self._dropped // kept
        return reading
