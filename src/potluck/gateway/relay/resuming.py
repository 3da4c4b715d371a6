"""The answer of another gateway as it passes: whole events only, so that where it breaks off it can be gone on with.

A native answer outlasts its gateway: the next one has its log, and the client's stream goes on behind the last event
that passed, as if nothing had been. What other dialects' streams have is their error at the end of whole events.
"""

from __future__ import annotations

import re
from typing import Final

from potluck.gateway.answer_headers import GENERATION
from potluck.gateway.relay import heads
from potluck.gateway.relay.request import Request
from potluck.wire import sse

_GENERATION: Final = GENERATION.encode()
_EVENTS: Final = "text/event-stream"
_LINES: Final = "application/x-ndjson"
_EVENTS_PATH: Final = re.compile(rb"/api/v1/generations/([A-Za-z0-9]+)/events(?:\?|$)")
_AFTER: Final = re.compile(rb"(?:^|&)after=(\d+)")
_IDS: Final = re.compile(rb"^id: (\d+)$", re.MULTILINE)
# The native dialect's last events; without one the answer goes on.
_ENDS: Final = re.compile(rb"^event: (?:done|error|stopped)$", re.MULTILINE)

Rest = tuple[bytes, bytes, tuple[bytes, bytes]]


class Answered:
    """What has passed of one answer. ``kind`` is its content type, without parameters."""

    def __init__(self, request: Request, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        fields = dict(headers)
        self.kind = fields.get(b"content-type", b"").partition(b";")[0].decode("latin-1").strip().lower()
        self.streams = status == 200 and b"content-length" not in fields and self.kind in (_EVENTS, _LINES)
        self._plain = request.version == "1.0"
        self._length = fields.get(b"content-length")
        self._bodiless = request.method == b"HEAD" or status in (204, 304)
        path = _EVENTS_PATH.match(request.target)
        generation = fields.get(_GENERATION) or (path[1] if path else b"")
        self._generation = generation if self.streams and self.kind == _EVENTS else b""
        self._last_id = request.header(b"last-event-id") or (
            after[1] if (after := _AFTER.search(request.query)) else b"0"
        )
        self._ended = False
        self._tail = b""

    @classmethod
    def begun(cls, request: Request) -> Answered:
        """An answer whose head is out already, and nothing of its body."""
        return cls(request, 200, [(b"content-type", request.begun.encode())])

    @property
    def framed_end(self) -> bool:
        """Whether the client sees where the answer ends without its connection's end."""
        return self._length is not None or not self._plain or self._bodiless

    @property
    def complete(self) -> bool:
        """Whether what ended here may end here."""
        return not self._tail and (not self._generation or self._ended)

    def framing(self) -> bytes:
        """The head's lines that say how long the body is."""
        if self._length is not None:
            return b"content-length: %b\r\n" % self._length
        return b"" if self._plain or self._bodiless else b"transfer-encoding: chunked\r\n"

    def passed(self, data: bytes) -> bytes:
        """What of it goes to the client now: of a stream whole events, of anything else all."""
        if self.streams:
            data = self._tail + data
            end = sse.last_boundary(data) if self.kind == _EVENTS else data.rfind(b"\n") + 1
            data, self._tail = data[:end], data[end:]
            if self._generation:
                self._note(data)
        return self.framed(data) if data else b""

    def _note(self, events: bytes) -> None:
        if ids := _IDS.findall(events):
            self._last_id = ids[-1]
        self._ended = self._ended or _ENDS.search(events) is not None

    def framed(self, data: bytes) -> bytes:
        return data if self._length is not None or self._plain else heads.chunk(data)

    def last(self) -> bytes:
        """What follows the last of the body."""
        return b"" if self._length is not None or self._plain or self._bodiless else heads.LAST_CHUNK

    # --- going on ---

    def rest(self) -> Rest | None:
        """The request, in the client's name, whose answer is the rest of this one: method, target, and a header. None
        where there is none."""
        self._tail = b""
        if not self._generation or self._ended:
            return None
        return b"GET", b"/api/v1/generations/%b/events" % self._generation, (b"last-event-id", self._last_id)

    def goes_on(self, status: int, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether another gateway's answer is what follows. 204: nothing is left to come."""
        self._ended = self._ended or status == 204
        kind = dict(headers).get(b"content-type", b"").partition(b";")[0].decode("latin-1").strip().lower()
        return status == 204 or (status == 200 and kind == self.kind)
