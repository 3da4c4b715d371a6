"""How late first bytes come, beside what was expected of them: by that a late one is told from a slow machine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# A fleet changes within hours: older readings than the last so many say how it was.
KEPT = 64
# With fewer, one slow answer would be a twentieth of them.
LEAST = 20
# Below this, what was expected says less than the network and the clock: a tenth of a second more is nobody's fault.
GRAIN_S = 0.2


@dataclass(slots=True)
class Lateness:
    """Of one model on one engine. What it keeps are ratios: what was expected of a call knows its prompt's length, who
    runs beside it and the engine's speed, so that one figure holds for all of them."""

    _ratios: deque[float] = field(default_factory=lambda: deque[float](maxlen=KEPT))

    def saw(self, actual_s: float, expected_s: float) -> None:
        """A first byte came, or had not come yet when it was no longer waited for."""
        self._ratios.append((actual_s + GRAIN_S) / (expected_s + GRAIN_S))

    def after_s(self, expected_s: float, quantile: float) -> float | None:
        """By when the first byte is there in that many cases; None as long as nobody can tell."""
        if len(self._ratios) < LEAST:
            return None
        ranked = sorted(self._ratios)
        place = min(len(ranked) - 1, int(quantile * len(ranked)))
        return max(0.0, ranked[place] * (expected_s + GRAIN_S) - GRAIN_S)
