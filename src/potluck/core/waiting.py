"""The line of calls that no engine can take right now: bounded, fair among callers, with a longest wait.

Called from one task, holds no await, performs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from potluck.core.model import KeyId, RequestId


@dataclass(slots=True)
class Line:
    """``depth`` calls may wait, each ``max_wait_s`` seconds at most."""

    depth: int
    max_wait_s: float
    _lines: dict[KeyId, dict[RequestId, float]] = field(default_factory=dict[KeyId, dict[RequestId, float]])
    _length: int = 0

    def __len__(self) -> int:
        return self._length

    def join(self, request: RequestId, key: KeyId, now: float) -> bool:
        """Take a place at the end of the caller's own line; False if the whole line is full."""
        if self._length >= self.depth:
            return False
        self._lines.setdefault(key, {})[request] = now + self.max_wait_s
        self._length += 1
        return True

    def leave(self, request: RequestId, key: KeyId) -> bool:
        """Give up a place, for whatever reason; False if the request was not in line."""
        own = self._lines.get(key)
        if own is None or own.pop(request, None) is None:
            return False
        self._length -= 1
        if not own:
            del self._lines[key]
        return True

    def served(self, request: RequestId, key: KeyId) -> None:
        """The request got its slot; its caller goes behind all others for the next one."""
        if self.leave(request, key) and (rest := self._lines.pop(key, None)) is not None:
            self._lines[key] = rest

    def order(self) -> Iterator[RequestId]:
        """Everybody in the order of service: each caller's first, then each caller's second, and so on."""
        columns = [list(own) for own in self._lines.values()]
        for row in range(max(map(len, columns), default=0)):
            for column in columns:
                if row < len(column):
                    yield column[row]

    def expired(self, now: float) -> list[RequestId]:
        """Who has waited too long. They stay in line until they `leave`."""
        return [request for own in self._lines.values() for request, deadline in own.items() if deadline <= now]
