"""How far pictures are that are drawn just now: in memory alone, the newest of each job, with its preview.

A preview is some ten thousand bytes that nobody wants a second later: it goes into no database, and who was away is
shown the newest.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from potluck.core.pictures.outcome import Progress

MOST_JOBS = 1000
"""Remembered at once; the one that was longest without news is forgotten first."""

MOST_PREVIEW_BYTES = 256 * 1024
"""Larger ones are left out: what follows a job is to stay readable over a slow line."""


@dataclass(frozen=True, slots=True)
class Told:
    """``number`` counts the news of all jobs. ``preview`` is the newest there is of this picture, and may be older
    than the step."""

    number: int
    progress: Progress
    node: str
    preview: bytes


class Progresses:
    """Called from one event loop."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, Told] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._numbers = 0

    def tell(self, job: str, progress: Progress, node: str = "") -> None:
        """News of a job."""
        self._numbers += 1
        known = self._newest.pop(job, None)
        preview = progress.preview if len(progress.preview) <= MOST_PREVIEW_BYTES else b""
        if not preview and known is not None and known.progress.index == progress.index:
            preview = known.preview
        self._newest[job] = Told(self._numbers, progress, node, preview)
        if len(self._newest) > MOST_JOBS:
            self._newest.popitem(last=False)
        self._wake(job)

    def ended(self, job: str) -> None:
        """There will be none before somebody begins anew."""
        if self._newest.pop(job, None) is not None:
            self._wake(job)

    def of(self, job: str) -> Told | None:
        return self._newest.get(job)

    async def follow(self, job: str) -> AsyncIterator[Told]:
        """The newest of a job, then each newer one that there is when the reader is ready for it; for ever."""
        after, news = 0, asyncio.Event()
        self._waiting.setdefault(job, set()).add(news)
        try:
            while True:
                news.clear()
                if (told := self._newest.get(job)) is not None and told.number > after:
                    after = told.number
                    yield told
                else:
                    await news.wait()
        finally:
            self._waiting[job].discard(news)
            if not self._waiting[job]:
                del self._waiting[job]

    def _wake(self, job: str) -> None:
        for news in self._waiting.get(job, ()):
            news.set()
