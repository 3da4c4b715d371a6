"""An answer that broke after its client had seen some of it: what is needed to go on with it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core.call import Call
from potluck.core.catalogue import Offer
from potluck.core.model import EngineId, Model, ModelId
from potluck.core.names import same_model
from potluck.core.rescue import PROVABLE, Bounds, Way, to_count, ways
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.proofs import Proofs
from potluck.gateway.seats import Seat
from potluck.wire.continuing import continued, seam
from potluck.wire.filtered import FilteredReader
from potluck.wire.port import Broken, EngineRequest
from potluck.wire.translation import Translation


class Rescue:
    """Of one call, from the first break to the end. ``way`` is the one that was tried last; ``route`` what the first
    seat was found by."""

    def __init__(self, call: Call, model: ModelId, route: str, began_s: float) -> None:
        self.call = call
        self.model = model
        self.route = route
        self.began_s = began_s
        self.attempts = 0
        self.way: Way | None = None
        self._used: set[tuple[EngineId, Way]] = set()
        self._broken: Broken | None = None
        self._counted = False

    def broke(self, broken: Broken) -> None:
        """The answer stands here now."""
        self._broken = broken
        self._counted = False

    def to_count(self, way: Way) -> bool:
        """Whether the engine is to count the text so far, before it goes on with it."""
        return not self._counted and to_count(self.broken.told, self.call, way)

    def count(self, tokens: int | None) -> None:
        """None: nobody could tell, and what the pieces say must do."""
        self._counted = True
        if tokens is not None:
            self.broken.told.count(tokens)

    def rule_out(self, engine: EngineId, way: Way) -> None:
        """An engine that is not to be asked in this way again."""
        self._used.add((engine, way))

    def forget(self, engines: frozenset[EngineId]) -> None:
        """Engines that may be asked again, in every way: what broke them is over."""
        self._used = {(engine, way) for engine, way in self._used if engine not in engines}

    @property
    def broken(self) -> Broken:
        assert self._broken is not None
        return self._broken

    def allowed(self, bounds: Bounds, now_s: float) -> bool:
        return bounds.allow(self.broken.told, self.attempts, now_s - self.began_s)

    def ways(self, installation: Installation, model: Model, proofs: Proofs) -> tuple[Way, ...]:
        """How an engine may go on, the best first; those that must be proved first among them."""
        if not same_model(model.id, self.model):
            return ()
        return tuple(
            way
            for way in ways(self.broken.told, self.call, model, installation.backend.ways)
            if (installation.id, way) not in self._used
            and not (way in PROVABLE and proofs.known(installation, model, way) is False)
        )

    def unfit(self, offers: Iterable[Offer], fleet: Fleet, proofs: Proofs) -> frozenset[EngineId]:
        """The engines that cannot go on."""
        return frozenset(
            offer.engine.id
            for offer in offers
            if not self.ways(fleet.installations[offer.engine.id], offer.model, proofs)
        )

    def begin(self, seat: Seat, model: Model, way: Way, prompt_tokens: int) -> tuple[EngineRequest, Translation]:
        """Ask an engine: the request, and the passage of its answer. ``model`` is the seat's, with the context that it
        is to run with. Raises what encoding does."""
        seat.route = self.route
        self.way = way
        self.attempts += 1
        self.rule_out(seat.engine, way)
        told, call = self.broken.told, self.call
        request = seat.installation.backend.encode(continued(call, told, way), model, stream=True)
        assert isinstance(request, EngineRequest)  # what needs no engine, no engine broke
        reader = FilteredReader(request.reader, seam(call, told, way))
        return request, Translation(reader, self.broken.writer, prompt_tokens=prompt_tokens, told=told)
