"""Seats for calls: finds an engine with a free slot, or keeps the call in line until one has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from potluck.core.errors import (
    ModelNotFound,
    NodeError,
    NoEngineReady,
    PotluckError,
    QueueFull,
    Unsupported,
)
from potluck.core.model import Capability, EngineId, Health, KeyId, Model, NodeId, RequestId
from potluck.core.routing import Decision, Offer, missing_capability, place
from potluck.core.waiting import Line
from potluck.gateway.fleet import Fleet, Installation

_NODES_TELL = "'potluck nodes ls' shows why."


class Wish(NamedTuple):
    """What a call needs of its place. ``tried`` engines are out; ``failure`` is the last one's error."""

    request: RequestId
    key: KeyId
    model: str
    needs: frozenset[Capability]
    tried: frozenset[EngineId] = frozenset()
    failure: NodeError | None = None


@dataclass(slots=True)
class Seat:
    """A slot that is taken until `Dispatcher.release`."""

    installation: Installation
    model: Model
    decision: Decision
    route: str
    released: bool = field(default=False)

    @property
    def engine(self) -> EngineId:
        return self.installation.id

    @property
    def node(self) -> NodeId:
        return self.installation.node


class Seeker(Protocol):
    """A call that wants a seat. Exactly one of these is called, perhaps before `Dispatcher.seek` returns."""

    wish: Wish

    def seated(self, seat: Seat) -> None: ...

    def refused(self, error: PotluckError) -> None: ...


class Dispatcher:
    """Late binding: a call that must wait gets its engine when a slot is free, not when it came."""

    def __init__(self, fleet: Fleet, line: Line, clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._line = line
        self._clock = clock
        self._seekers: dict[RequestId, Seeker] = {}
        self._serving = False
        self._stale = False
        fleet.changed = self.serve

    @property
    def waiting(self) -> int:
        return len(self._line)

    def seek(self, seeker: Seeker) -> None:
        """Seat a call now, put it in line, or refuse it."""
        wish = seeker.wish
        outcome = self._place(wish, newcomer=True)
        if isinstance(outcome, Seat):
            seeker.seated(outcome)
        elif isinstance(outcome, PotluckError):
            seeker.refused(outcome)
        elif self._line.join(wish.request, wish.key, self._clock()):
            self._seekers[wish.request] = seeker
        else:
            seeker.refused(self._full())

    def leave(self, seeker: Seeker) -> None:
        """The caller has gone; its place in line is free."""
        wish = seeker.wish
        self._seekers.pop(wish.request, None)
        self._line.leave(wish.request, wish.key)

    def release(self, seat: Seat) -> None:
        """The slot is free again. Harmless to call twice."""
        if not seat.released:
            seat.released = True
            self._fleet.give(seat.engine)
            self.serve()

    def serve(self) -> None:
        """Give free slots to those in line, in order. Whoever is served may end at once and free another slot."""
        self._stale = True
        if self._serving:
            return
        self._serving = True
        try:
            while self._stale:
                self._stale = False
                if len(self._line):
                    for request in list(self._line.order()):
                        self._serve_one(request)
        finally:
            self._serving = False

    def _serve_one(self, request: RequestId) -> None:
        seeker = self._seekers.get(request)
        if seeker is None:
            return
        outcome = self._place(seeker.wish, newcomer=False)
        if outcome is None:
            return
        self._seekers.pop(request, None)
        self._line.served(request, seeker.wish.key)
        if isinstance(outcome, Seat):
            seeker.seated(outcome)
        else:
            seeker.refused(outcome)

    def expire(self) -> None:
        """Refuse those who have waited too long; called by the sweep."""
        for request in self._line.expired(self._clock()):
            seeker = self._seekers.pop(request, None)
            if seeker is not None:
                self._line.leave(request, seeker.wish.key)
                seeker.refused(self._full())

    def _place(self, wish: Wish, *, newcomer: bool) -> Seat | PotluckError | None:
        """A seat, an error that waiting cannot cure, or None: wait.

        A newcomer does not pass those who wait already, unless none of them could use the slot: that is tried first.
        """
        resolution = self._fleet.catalogue.resolve(wish.model, wish.needs, wish.tried)
        if not resolution.offers:
            return wish.failure or self._unknown(wish, resolution.route)
        decision = place(resolution.offers, wish.needs, wish.tried, self._fleet.busy)
        if decision.chosen is not None:
            if newcomer and len(self._line):
                self.serve()
                resolution = self._fleet.catalogue.resolve(wish.model, wish.needs, wish.tried)
                decision = place(resolution.offers, wish.needs, wish.tried, self._fleet.busy)
            if decision.chosen is not None:
                return self._seat(decision.chosen, decision, resolution.route)
        return None if decision.wait else self._hopeless(wish, resolution.offers)

    def _seat(self, offer: Offer, decision: Decision, route: str) -> Seat:
        self._fleet.take(offer.engine.id)
        return Seat(self._fleet.installation(offer.engine.id), offer.model, decision, route)

    def _unknown(self, wish: Wish, route: str) -> PotluckError:
        if route:  # the owner's own name for models that no machine has shown yet: time may cure it
            return NoEngineReady(
                f"No machine that is up has a model of route '{route}'.", retry_after_s=5.0, hint=_NODES_TELL
            )
        catalogue = self._fleet.catalogue
        away = [engine.id for engine in self._fleet.engines.values() if engine.health in (Health.UNKNOWN, Health.DOWN)]
        known = _some(catalogue.names(), "There are") or "No engine has a model yet."
        missed = f" {_some(away, 'These do not answer and may have it')}" if away else ""
        return ModelNotFound(wish.model, catalogue.near(wish.model), hint=known + missed)

    def _hopeless(self, wish: Wish, offers: tuple[Offer, ...]) -> PotluckError:
        if wish.failure is not None:
            return wish.failure
        missing = missing_capability(offers, wish.needs)
        if missing is not None:
            able = self._fleet.catalogue.able(wish.needs)
            return Unsupported(wish.model, missing.value, hint=_some(able, "Ask for one that does"))
        return NoEngineReady(f"No machine that has '{wish.model}' is up.", retry_after_s=5.0, hint=_NODES_TELL)

    def _full(self) -> QueueFull:
        return QueueFull("server busy, please try again.  maximum pending requests exceeded", retry_after_s=5.0)


def nothing_to_choose(known: Sequence[str]) -> NoEngineReady:
    """The answer to a call that names no model when none that is up could take it; ``known`` may be asked for."""
    hint = _some(known, "Name a model") or _NODES_TELL
    return NoEngineReady("No machine that is up has a model for this call.", retry_after_s=5.0, hint=hint)


def _some(names: Sequence[str], what: str) -> str:
    """A few of ``names`` after ``what``; nothing if there are none."""
    return f"{what}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}." if names else ""
