"""Which picture is drawn next, and where: one line for all image engines.

1. Turns go round among users: who has the fewest pictures under way and was drawn the least for is next, and of one
   user the oldest. Five users with a hundred jobs each get a fifth each.
2. A picture goes where it will be finished first: what is drawn there now, what waits for that engine already, a load
   if the model is not there, and its own steps. So a second copy of a model is loaded as soon as, and no sooner than,
   waiting for the first one takes longer than the load; and engines of unequal speed end at about the same time.
   By the owner's ``order`` instead: at the first engine of the order that can do it and is up.
3. It is begun there if that engine is free now. Else it stays in line, and counts as waiting there for those behind it:
   what comes up meanwhile may still change where it goes.

Pure: performs nothing, and is told of the time. An engine draws one picture at a time; what others draw there is told
in ``Spot.others``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from potluck.core.model import EngineId, NodeId, UserId

# So many in line are looked at: those behind them cannot begin before these, and 500 cost no more than 64.
_LOOK: Final = 64
# What was drawn for a user long ago is forgiven: half of it every ten minutes.
_HALF_LIFE_S: Final = 600.0


class Cost(NamedTuple):
    """What a picture takes on one engine: ``model`` is what must be there for it (empty: nothing), in seconds."""

    model: str
    draw_s: float
    load_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Spot:
    """An image engine that may be given work now. ``rank`` is its place in the owner's order. ``others`` is how many
    pictures of others' it has, ``loaded`` the model that it has in memory as far as we know."""

    engine: EngineId
    node: NodeId
    rank: int = 0
    others: int = 0
    loaded: str = ""


@dataclass(frozen=True, slots=True)
class Want:
    """A picture to be drawn. ``costs`` are of all engines that can do it; those that failed at it are left out."""

    id: str
    user: UserId
    costs: Mapping[EngineId, Cost]
    arrived_s: float


class Begin(NamedTuple):
    id: str
    engine: EngineId


class Standing(NamedTuple):
    """``position`` from 1, and in how many seconds the picture will be there; None where nobody can tell."""

    position: int
    ready_s: float | None


@dataclass(slots=True)
class _Running:
    want: Want
    began_s: float
    due_s: float


@dataclass(slots=True)
class _User:
    served_s: float = 0.0
    at_s: float = 0.0

    def served(self, now: float) -> float:
        return self.served_s * math.pow(0.5, max(0.0, now - self.at_s) / _HALF_LIFE_S)

    def serve(self, seconds: float, now: float) -> None:
        self.served_s, self.at_s = self.served(now) + seconds, now


@dataclass(slots=True)
class _View:
    """Engines as they will be, while the line is gone through: free in ``free_s``, with ``model`` in memory."""

    free_s: dict[EngineId, float]
    model: dict[EngineId, str]


@dataclass(slots=True)
class Line:
    """One owner: the studio. Holds no await. ``in_order``: by the owner's order instead of the predicted finish."""

    in_order: bool = False
    _waiting: dict[str, Want] = field(default_factory=dict[str, Want])
    _running: dict[EngineId, _Running] = field(default_factory=dict[EngineId, _Running])
    _users: dict[UserId, _User] = field(default_factory=dict[UserId, _User])

    def arrive(self, want: Want) -> None:
        self._waiting[want.id] = want

    def leave(self, id: str) -> None:
        """It waits no more, or what draws it has come to an end; harmless to say twice."""
        self._waiting.pop(id, None)

    def given_back(self, engine: EngineId) -> None:
        """The engine is free again, and nothing was drawn."""
        self._running.pop(engine, None)

    def ended(self, engine: EngineId, now: float) -> None:
        """The engine is free again, however that came about."""
        running = self._running.pop(engine, None)
        if running is not None:
            # What it was worth, not what it took: whoever was given the slow engine is not to pay for that.
            worth_s = min(cost.draw_s for cost in running.want.costs.values())
            self._users.setdefault(running.want.user, _User()).serve(worth_s, now)
            self._users = {user: each for user, each in self._users.items() if each.served(now) > 0.01}

    def begins(self, spots: Iterable[Spot], now: float) -> list[Begin]:
        """What begins now, each at an engine that is free."""
        here = {spot.engine: spot for spot in spots}
        view = self._view(here, now)
        begun: list[Begin] = []
        for want in self._turns(now):
            found = self._best(want, here, view)
            if found is None:
                continue
            engine, finish_s = found
            cost = want.costs[engine]
            if view.free_s[engine] <= 0 and engine not in self._running:
                self._running[engine] = _Running(want, now, now + finish_s)
                del self._waiting[want.id]
                begun.append(Begin(want.id, engine))
            view.free_s[engine], view.model[engine] = finish_s, cost.model or view.model[engine]
        return begun

    def standings(self, spots: Iterable[Spot], now: float) -> dict[str, Standing]:
        """Where everybody stands who waits, as it looks now."""
        here = {spot.engine: spot for spot in spots}
        view = self._view(here, now)
        found: dict[str, Standing] = {}
        for position, want in enumerate(self._turns(now), 1):
            best = self._best(want, here, view)
            found[want.id] = Standing(position, best[1] if best else None)
            if best:
                engine, finish_s = best
                view.free_s[engine], view.model[engine] = finish_s, want.costs[engine].model or view.model[engine]
        for want in self._waiting.values():
            found.setdefault(want.id, Standing(len(found) + 1, None))
        return found

    def can_begin(self, id: str, spots: Iterable[Spot]) -> bool:
        """Whether waiting is of use: some engine that can do it is there."""
        want = self._waiting.get(id)
        return want is not None and any(spot.engine in want.costs for spot in spots)

    def busy(self) -> frozenset[EngineId]:
        """Where something of ours is drawn."""
        return frozenset(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _view(self, here: Mapping[EngineId, Spot], now: float) -> _View:
        free_s: dict[EngineId, float] = {}
        model: dict[EngineId, str] = {}
        for engine, spot in here.items():
            running = self._running.get(engine)
            if running is None:
                # Somebody else's picture takes as long as one of ours, for all we know: half a minute.
                free_s[engine], model[engine] = spot.others * 30.0, spot.loaded
            else:
                left_s = max(running.due_s - now, 0.1 * (now - running.began_s), 0.1)
                free_s[engine], model[engine] = left_s, running.want.costs[engine].model or spot.loaded
        return _View(free_s, model)

    def _best(self, want: Want, here: Mapping[EngineId, Spot], view: _View) -> tuple[EngineId, float] | None:
        """The engine for a picture, and in how many seconds it will be finished there."""
        found: list[tuple[float, float, int, EngineId]] = []
        for engine, cost in want.costs.items():
            spot = here.get(engine)
            if spot is not None:
                load_s = cost.load_s if cost.model and view.model[engine] != cost.model else 0.0
                finish_s = view.free_s[engine] + load_s + cost.draw_s
                found.append((spot.rank if self.in_order else 0, finish_s, spot.rank, engine))
        if not found:
            return None
        _, finish_s, _, engine = min(found)
        return engine, finish_s

    def _turns(self, now: float) -> Iterator[Want]:
        """The first in line, each user's turn after the other's; what was handed out before counts."""
        queues: dict[UserId, list[Want]] = {}
        for want in sorted(self._waiting.values(), key=lambda each: (each.arrived_s, each.id), reverse=True):
            queues.setdefault(want.user, []).append(want)
        taken = dict.fromkeys(queues, 0)
        for running in self._running.values():
            if running.want.user in taken:
                taken[running.want.user] += 1
        served = {user: self._users[user].served(now) if user in self._users else 0.0 for user in queues}
        for _ in range(_LOOK):
            if not queues:
                return
            user = min(queues, key=lambda each: (taken[each], served[each], queues[each][-1].arrived_s, each))
            want = queues[user].pop()
            taken[user] += 1
            if not queues[user]:
                del queues[user]
            yield want
