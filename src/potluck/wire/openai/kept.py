"""What passed to a client untouched, kept aside to be read when the answer is over or has gone wrong.

A thousand streams would hold some 30 MB so. A stream repeats its frame with every word, so older pieces are packed to a
tenth, for half a microsecond a chunk. Of what is too long for that, only what it says is kept (`wire.past`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import zstandard

from potluck.core.answer import Event, FinishReason, Timings, Usage
from potluck.core.rescue import Told
from potluck.wire.openai.chunks import FINISH, Chunk, written_bytes
from potluck.wire.past import Past
from potluck.wire.port import AnswerReader
from potluck.wire.sse import parse_events

KEEP_BYTES = 1024 * 1024
"""How much of one stream is kept whole: some five thousand chunks, more than most answers have."""

_SLICE_BYTES = 64 * 1024
"""How much of a longer one goes at once, the oldest first: more would hold up other streams while it is read."""

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
    """Whole events in the order they were sent; of a stream over ``limit`` bytes the end as it came, and what a
    ``reader`` makes of the rest."""

    __slots__ = ("_aside", "_dropped", "_limit", "_loose", "_loose_size", "_packed", "_packed_size", "_past", "_reader")

    def __init__(self, reader: Callable[[], AnswerReader], limit: int = KEEP_BYTES) -> None:
        self._limit = limit
        self._reader = reader
        self._past: Past | None = None
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
        """By a slice. The newest one stays, however long it is: it may hold all that matters."""
        past = self._past = self._past or Past(self._reader())
        while len(self._packed) > 1 and self._packed_size > self._limit - _SLICE_BYTES:
            oldest = self._packed.pop(0)
            self._packed_size -= oldest.size
            self._dropped += oldest.size
            past.take(zstandard.decompress(oldest.data))

    def set_aside(self, event: bytes) -> None:
        """Keep an event that the client is not sent."""
        self._aside.append(event)

    def _newest_first(self) -> Iterator[bytes]:
        yield from self._aside
        yield from reversed(self._loose)
        for packed in reversed(self._packed):
            yield zstandard.decompress(packed.data)

    def told(self) -> tuple[Told, list[Event], bytes] | None:
        """What the client was told, what a writer that goes on must know of it, and the end as it came. None for what
        was passed on but not understood."""
        rest = b"".join([*(zstandard.decompress(packed.data) for packed in self._packed), *self._loose])
        found = (self._past or Past(self._reader())).with_rest(rest)
        return (*found, rest) if found is not None else None

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
