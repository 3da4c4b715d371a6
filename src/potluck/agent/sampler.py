"""Takes a reading now and then, beside whoever asks: a disk that hangs makes readings old, never answers late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from types import TracebackType
from typing import Final

from potluck.core.reading import Reading

# The first load is that of this time, so that a fresh agent need not say that it does not know.
FIRST_PAUSE_S: Final = 0.25


class Sampler:
    """Holds the last reading. Reads in a thread of its own, which lives as long as the block.

    ``clock`` is monotonic seconds.
    """

    def __init__(self, read: Callable[[], Reading], clock: Callable[[], float], interval_s: float) -> None:
        self._read = read
        self._clock = clock
        self._interval_s = interval_s
        self._stop = Event()
        # One name for both, so that who looks never sees one reading with the time of another.
        self._last = (read(), clock())
        # A daemon: a process that is told to end does not wait for a disk that will not answer.
        self._thread = Thread(target=self._run, name="reading", daemon=True)

    def latest(self) -> Reading:
        """The last reading, and how old it is."""
        reading, taken_s = self._last
        return replace(reading, age_s=round(self._clock() - taken_s, 3))

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.wait(pause_s):
            self._last = (self._read(), self._clock())
            pause_s = self._interval_s
