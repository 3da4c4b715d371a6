"""What is said to the sockets of ComfyUI's clients: of their own prompts, and to nobody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeAlias

from potluck.core.model import UserId
from potluck.wire.comfyui.frames import Shown

News: TypeAlias = str | bytes | Shown
"""A message, a frame as it came, or a picture that each socket frames in its own way."""

# Of what a client has not read yet. Pictures on the way are left out first: the next one tells more.
_MOST: Final = 512
_MOST_BYTES: Final = 128 * 2**20


class Listener:
    """One socket's line. ``metadata``: its client reads what stands beside a picture. ``closed``: it does not
    read, or there is nothing more to be heard."""

    def __init__(self) -> None:
        self.metadata = False
        self.closed = False
        self._line: deque[News] = deque()
        self._bytes = 0
        self._came = asyncio.Event()

    def put(self, news: News) -> None:
        full = len(self._line) >= _MOST or self._bytes > _MOST_BYTES
        if full and isinstance(news, Shown):
            return
        if len(self._line) >= 2 * _MOST:
            self.close()
            return
        self._line.append(news)
        self._bytes += _size(news)
        self._came.set()

    def close(self) -> None:
        self.closed = True
        self._came.set()

    async def next(self) -> News | None:
        """The next; None when it is closed."""
        while not self._line and not self.closed:
            self._came.clear()
            await self._came.wait()
        if self.closed:
            return None
        news = self._line.popleft()
        self._bytes -= _size(news)
        return news


def _size(news: News) -> int:
    return len(news.image) if isinstance(news, Shown) else len(news)


class PromptFeed:
    """Called from one event loop. Clients choose their own ids: one of two users that have the same hears nothing of
    the other. ``clock`` is Unix seconds."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._listeners: dict[UserId, dict[str, Listener]] = {}

    def now_ms(self) -> int:
        return int(self._clock() * 1000)

    @contextmanager
    def listening(self, user: UserId, client: str) -> Generator[Listener, None, None]:
        """Who comes with a known client's id takes its place; the one before hears nothing more."""
        own = self._listeners.setdefault(user, {})
        listener = own[client] = Listener()
        try:
            yield listener
        finally:
            if own.get(client) is listener:
                del own[client]
            if not own and self._listeners.get(user) is own:
                del self._listeners[user]

    def close(self) -> None:
        """Nobody hears anything more."""
        for own in self._listeners.values():
            for listener in own.values():
                listener.close()

    def users(self) -> frozenset[UserId]:
        """Who listens."""
        return frozenset(self._listeners)

    def hears(self, user: UserId, client: str) -> bool:
        """Whether a client is there."""
        return client in self._listeners.get(user, {})

    def send(self, user: UserId, client: str, news: News, *, known_only: bool = False) -> None:
        """To one client of a user. ``known_only``: if it has said that it knows what such a picture is."""
        listener = self._listeners.get(user, {}).get(client) if client else None
        if listener is not None and (listener.metadata or not known_only):
            listener.put(news)

    def send_all(self, user: UserId, news: News, *, known_only: bool = False) -> None:
        """To all clients of a user."""
        for client in list(self._listeners.get(user, {})):
            self.send(user, client, news, known_only=known_only)
