"""A target as the scheduler holds it: its places found among the lanes, and how they are chosen from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from potluck.core.model import EngineId, NodeId
from potluck.core.scheduling.asks import Ask, Place, Policy, Target
from potluck.core.scheduling.fleet import EngineState, Lane, Node
from potluck.core.scheduling.shares import Shares
from potluck.core.scheduling.weighing import exclusion

# A fleet of this many places is looked at whole; of a larger one a part, another each time.
LOOK_AT = 16
WINDOW = 8
# After so many calls the owner's weights count half, then ever less: what was learned has taken over.
_PRIOR_CALLS = 20.0


@dataclass(slots=True, eq=False)
class Goal:
    """``seats`` are the lanes of the target's places that are known, each with the owner's prior as a factor of cost.

    ``quick``: the policy lets the fast path choose.
    """

    target: Target
    seats: list[tuple[Lane, float]] = field(default_factory=list[tuple[Lane, float]])
    shares: Shares | None = None
    quick: bool = True
    waiting: int = 0
    _by_node: dict[NodeId, list[tuple[Lane, float]]] = field(default_factory=dict[NodeId, list[tuple[Lane, float]]])
    _window: int = 0

    @property
    def weightless(self) -> bool:
        """The owner prefers no place."""
        return all(factor == 1.0 for _, factor in self.seats)

    @property
    def name(self) -> str:
        return self.target.name

    @classmethod
    def of(cls, target: Target, engines: Mapping[EngineId, EngineState]) -> Goal:
        shares = None
        if target.policy is Policy.WEIGHTED:
            shares = Shares({Place(place.engine, place.model): place.weight for place in target.places})
        goal = cls(target, shares=shares, quick=target.policy is Policy.LEARNED)
        goal.refresh(engines)
        return goal

    def refresh(self, engines: Mapping[EngineId, EngineState]) -> None:
        """Find the lanes anew."""
        found: list[tuple[Place, Lane]] = []
        for place in self.target.places:
            engine = engines.get(place.engine)
            lane = engine.lanes.get(place.model) if engine is not None else None
            if lane is not None:
                found.append((place, lane))
        most = max((place.weight for place, _ in found), default=1.0)
        self.seats = [(lane, self._prior(place, lane, most)) for place, lane in found]
        self._by_node = {}
        for seat in self.seats:
            self._by_node.setdefault(seat[0].node.id, []).append(seat)

    def _prior(self, place: Place, lane: Lane, most: float) -> float:
        if self.target.policy is not Policy.LEARNED or place.weight >= most:
            return 1.0
        fading = 1 / (1 + lane.rates.readings / _PRIOR_CALLS)
        return float((most / max(place.weight, 1e-3 * most)) ** fading)

    def sample(self, node: Node | None, ask: Ask) -> list[tuple[Lane, float]]:
        """All seats of a small fleet; of a large one those on ``node``, the conversation's last, and a window.

        The window holds only what could serve the call some time, and moves on with every look, so that each place is
        looked at by someone before long.
        """
        seats = self.seats
        if len(seats) <= LOOK_AT:
            return seats
        window: list[tuple[Lane, float]] = []
        for _ in seats:
            self._window = (self._window + 1) % len(seats)
            seat = seats[self._window]
            if exclusion(ask, seat[0]) is None:
                window.append(seat)
                if len(window) == WINDOW:
                    break
        more = self.on(node) if node is not None else []
        if ask.conversation:
            more = more + [seat for seat in seats if ask.conversation in seat[0].warm]
        return window + [seat for seat in more if seat not in window]

    def on(self, node: Node) -> list[tuple[Lane, float]]:
        """The seats on one node."""
        return self._by_node.get(node.id, [])
