"""Who listens to a bus in this process, and what each has not heard yet."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from potluck.storage.records import Heard, Topic

# A listener that lags this far behind is told to look at everything instead.
_MOST_PENDING = 1024


class Inbox:
    """See `storage.shared_ports.Subscription`. What is pending is told once, however often it was said meanwhile."""

    def __init__(self, topics: frozenset[Topic]) -> None:
        self.topics = topics
        self._pending = dict.fromkeys(map(Heard, topics))  # what came before is not known here
        self._woken = asyncio.Event()

    def tell(self, heard: Heard) -> None:
        if Heard(heard.topic) in self._pending:
            return
        if not heard.what:  # all of the topic: what was said of its parts is in that
            self._pending = {each: None for each in self._pending if each.topic is not heard.topic}
        if len(self._pending) >= _MOST_PENDING:
            self._pending = dict.fromkeys(map(Heard, self.topics))
        else:
            self._pending[heard] = None
        self._woken.set()

    async def next(self) -> Heard:
        while not self._pending:
            self._woken.clear()
            await self._woken.wait()
        heard = next(iter(self._pending))
        del self._pending[heard]
        return heard


class Subscribers:
    """All listeners of one process. Holds no await."""

    def __init__(self) -> None:
        self._inboxes: set[Inbox] = set()

    def tell(self, heard: Heard) -> None:
        for inbox in self._inboxes:
            if heard.topic in inbox.topics:
                inbox.tell(heard)

    def missed(self) -> None:
        """Nobody knows what was said."""
        for inbox in self._inboxes:
            for topic in inbox.topics:
                inbox.tell(Heard(topic))

    @contextmanager
    def listen(self, *topics: Topic) -> Generator[Inbox]:
        inbox = Inbox(frozenset(topics))
        self._inboxes.add(inbox)
        try:
            yield inbox
        finally:
            self._inboxes.discard(inbox)
