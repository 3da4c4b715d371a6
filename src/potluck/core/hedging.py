"""When a call whose answer does not begin is asked of a second engine as well, and how often that may be.

A hedge trades work for time: of a fleet that is slow because it has too much to do it would make a slower one. So it is
the owner's choice for each route, and never more than a share of the route's calls.
"""

from __future__ import annotations

from dataclasses import dataclass

# What a quiet time saves up: more would let the first bad minute after a quiet day hedge every call of it.
MOST_SAVED = 2.0


@dataclass(frozen=True, slots=True)
class HedgeRule:
    """After how long a silence the second engine is asked: ``after_s`` seconds, or where that is None as long as all
    but the slowest of first bytes take there, ``quantile`` of them. ``share`` is the most of all calls."""

    after_s: float | None = None
    quantile: float = 0.95
    share: float = 0.05


@dataclass(slots=True)
class Allowance:
    """Of one route: over any number of calls from the first at most their ``share`` is spent."""

    _saved: float = 0.0

    def called(self, share: float) -> None:
        """A call began, which earns its part of a hedge."""
        self._saved = min(MOST_SAVED, self._saved + share)

    @property
    def left(self) -> bool:
        # Twenty times a twentieth is a little less than one.
        return self._saved >= 1 - 1e-9

    def spend(self) -> None:
        """A hedge began."""
        self._saved -= 1
