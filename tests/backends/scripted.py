"""An engine that says what the test wrote down, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from potluck.backends.port import HttpReply, HttpStream


@dataclass
class Script:
    """`EngineHttp`. ``answers`` maps ``METHOD path`` to a status, or to a body with status 200; else it is 404."""

    answers: Mapping[str, Any]
    asked: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])

    async def request(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = 10.0) -> HttpReply:
        self.asked.append((f"{method} {path}", msgspec.json.decode(body) if body else None))
        answer = self.answers.get(f"{method} {path}", 404)
        if isinstance(answer, int):
            return HttpReply(answer, b'{"error":{"message":"no"}}')
        return HttpReply(200, answer if isinstance(answer, bytes) else msgspec.json.encode(answer))

    def stream(
        self, method: str, path: str, body: bytes | AsyncIterator[bytes] | None = None
    ) -> AbstractAsyncContextManager[HttpStream]:
        raise NotImplementedError

    def times(self, call: str) -> int:
        return sum(asked == call for asked, _ in self.asked)
