"""Exact shares: whose turn it is among places with weights, also when some were away for a while."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from potluck.core.scheduling.asks import Place

# A place that comes back makes up for what it missed, at twice its share at most: at once would flood it.
_CATCH_UP = 2.0
# What was missed more than so many calls ago is forgotten.
_LONGEST_DEBT = 1000.0


@dataclass(slots=True)
class Shares:
    """Smooth weighted turns. ``_owed`` is how many calls each place is short of its share, over all calls."""

    weights: Mapping[Place, float]
    _owed: dict[Place, float] = field(default_factory=dict[Place, float])
    _turn: dict[Place, float] = field(default_factory=dict[Place, float])

    def pick(self, present: Collection[Place]) -> Place:
        """The place for the next call, among those that can take one; at least one."""
        total = sum(self.weights.values())
        pull = {place: self._pull(place) for place in present}
        whole = sum(pull.values())
        if whole <= 0:  # only places of weight nought are left: better than nobody
            pull, whole = dict.fromkeys(present, 1.0), float(len(present))
        for place, weight in pull.items():
            self._turn[place] = self._turn.get(place, 0.0) + weight / whole
        chosen = max(pull, key=lambda place: self._turn[place])
        self._turn[chosen] -= 1.0
        if total > 0:
            for place, weight in self.weights.items():
                owed = self._owed.get(place, 0.0) + weight / total
                self._owed[place] = min(owed, _LONGEST_DEBT * weight / total)
        self._owed[chosen] = self._owed.get(chosen, 0.0) - 1.0
        return chosen

    def undo(self, place: Place) -> None:
        """The call did not go there after all."""
        self._owed[place] = self._owed.get(place, 0.0) + 1.0

    def _pull(self, place: Place) -> float:
        weight = self.weights.get(place, 0.0)
        owed = self._owed.get(place, 0.0)
        if owed > 1.0:
            return weight * _CATCH_UP
        return weight / _CATCH_UP if owed < -1.0 else weight
