"""How fast a picture is drawn: when its first step came, and when it was there."""

from __future__ import annotations

from collections.abc import Callable

from potluck.core.pictures.outcome import Progress
from potluck.core.pictures.speeds import Reading


class Pace:
    """Of one picture on one engine, from its beginning on. ``clock`` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_s = clock()
        self._first: tuple[float, int, int] | None = None

    def saw(self, progress: Progress) -> None:
        if progress.what == "queued":
            self._began_s = self._clock()
        elif self._first is None and progress.step > 0:
            self._first = (self._clock(), progress.step, progress.steps)

    def passed_s(self) -> float:
        return self._clock() - self._began_s

    def reading(self, work: float, *, warm: bool) -> Reading:
        """Steps from the first that was seen on tell the pace; what came before beyond that was a load."""
        passed_s = self.passed_s()
        if self._first is None or self._first[1] >= self._first[2]:
            return Reading(work, passed_s) if warm else Reading(0.0, 0.0)
        at_s, step, steps = self._first
        pace_s = (self._clock() - at_s) / (steps - step)
        load_s = 0.0 if warm else max(0.0, at_s - self._began_s - step * pace_s)
        return Reading(work, pace_s * steps, load_s)
