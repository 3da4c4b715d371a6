"""When a server that did not answer is asked again: soon at first, then ever less often, and by one asker at a time.

So nobody waits for a server that is away but the one that tries, and it is not asked by a crowd the moment it is back.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 0.25
MOST_S = 5.0
# 2 ** 10 is past any `most_s` that makes sense; more would only grow a number.
_MOST_COUNTED = 10


@dataclass(slots=True)
class Circuit:
    """One server's. ``now`` is monotonic seconds. Whoever `admits` lets through says how it went, whatever happens."""

    first_s: float = FIRST_S
    most_s: float = MOST_S
    failures: int = 0
    not_before_s: float = float("-inf")
    trying: bool = False

    @property
    def broken(self) -> bool:
        """Whether the last answer did not come."""
        return self.failures > 0

    def admits(self, now: float) -> bool:
        """Whether somebody may ask now; of a server that did not answer, only one at a time."""
        if not self.broken:
            return True
        if self.trying or now < self.not_before_s:
            return False
        self.trying = True
        return True

    def answered(self) -> None:
        self.failures, self.trying = 0, False

    def failed(self, now: float) -> None:
        """Several who asked at once fail at once: that is one failure."""
        if not self.broken or self.trying:
            self.not_before_s = now + min(self.most_s, self.first_s * 2**self.failures)
            self.failures = min(self.failures + 1, _MOST_COUNTED)
        self.trying = False

    def left(self) -> None:
        """Who asked has gone before there was an answer: the next may try."""
        self.trying = False
