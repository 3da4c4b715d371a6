"""Who guesses waits: after a few failures each further one costs twice the time of the one before, up to a ceiling.

An attempt leaves a mark on everything that it is known by: the name that it tries, the address that it comes from. It
is counted as a failure when it begins, and taken back when it turns out right: so a thousand that come at once are no
more than a thousand that come in a row.

The ceiling is minutes, because a name can be tried by anybody: whoever it belongs to must get in all the same. A device
that its owner has signed in from before has a mark of its own, on which no stranger leaves one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Rule(NamedTuple):
    """``free`` failures cost nothing, the next one ``first_s``, each further one twice that, up to ``ceiling_s``. They
    are forgotten when there was none for ``forget_s``, which is more than the ceiling."""

    free: int
    first_s: float
    ceiling_s: float
    forget_s: float

    def pause_s(self, failures: int) -> float:
        """How long nothing is tried after so many failures."""
        beyond = failures - self.free
        # 2 ** 60 seconds is longer than any ceiling; no bound, and a patient stranger could make the number overflow.
        return min(self.first_s * 2.0 ** min(beyond - 1, 60), self.ceiling_s) if beyond > 0 else 0.0


class Mark(NamedTuple):
    """What attempts are counted by, and how."""

    name: str
    rule: Rule


@dataclass(slots=True)
class _Count:
    failures: int
    until_s: float
    forget_at_s: float


class Backoff:
    """The counts of one process. ``now`` is any clock that never goes back, in seconds.

    At most ``most`` marks are known: they come from clients. The one that would be forgotten first makes room.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._counts: dict[str, _Count] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def attempt(self, marks: Iterable[Mark], now: float) -> float:
        """0 if an attempt may be made, which counts as a failure until `passed` says otherwise; else the seconds to
        wait, and nothing is counted."""
        marks = tuple(marks)
        wait_s = max((self._wait_s(mark, now) for mark in marks), default=0.0)
        if wait_s > 0.0:
            return wait_s
        for mark in marks:
            self._count(mark, now)
        return 0.0

    def passed(self, forgiven: Iterable[Mark], returned: Iterable[Mark] = ()) -> None:
        """An attempt was right: all failures of ``forgiven`` are forgotten, and of ``returned`` the one that this
        attempt counted as. The latter is for what others share, such as an address: who is let in must not be able to
        wash it clean."""
        for mark in forgiven:
            self._counts.pop(mark.name, None)
        for mark in returned:
            count = self._counts.get(mark.name)
            if count is not None:
                count.failures -= 1
                count.until_s = 0.0 if mark.rule.pause_s(count.failures) == 0.0 else count.until_s
                if count.failures <= 0:
                    del self._counts[mark.name]

    def _wait_s(self, mark: Mark, now: float) -> float:
        count = self._counts.get(mark.name)
        return 0.0 if count is None else max(0.0, count.until_s - now)

    def _count(self, mark: Mark, now: float) -> None:
        count = self._counts.pop(mark.name, None)
        failures = 1 if count is None or now >= count.forget_at_s else count.failures + 1
        if len(self._counts) >= self._most:
            self._make_room(now)
        # Put in anew at the end: the order is that of the last failure.
        self._counts[mark.name] = _Count(failures, now + mark.rule.pause_s(failures), now + mark.rule.forget_s)

    def _make_room(self, now: float) -> None:
        over = [name for name, count in self._counts.items() if now >= count.forget_at_s]
        for name in over or [min(self._counts, key=lambda name: self._counts[name].forget_at_s)]:
            del self._counts[name]
