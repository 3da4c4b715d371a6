"""Seats for calls: tells the scheduler what happens, and performs what it decides.

`core.scheduling` decides which engine serves a call, and when. Here its answers meet the world: seekers are seated or
refused, models put out and loaded (`loading`). Before it is asked, what waiting cannot cure is answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from potluck.core.errors import NoEngineReady, PotluckError, QueueFull
from potluck.core.model import EngineId, Health, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.asks import Ask
from potluck.core.scheduling.classes import Kind, Limits
from potluck.core.scheduling.decisions import Decision, Evict, Preload, Reason, Refuse, Start, Wait
from potluck.core.scheduling.rates import Rates, Timing
from potluck.core.scheduling.residency import Move
from potluck.core.scheduling.scheduler import Scheduler
from potluck.core.scheduling.standing import UserTurn
from potluck.gateway.contexts import Contexts
from potluck.gateway.fleet import Fleet
from potluck.gateway.kept_rates import Figures
from potluck.gateway.loading import Loading
from potluck.gateway.seats import Queued, Seat, Seeker, Wish
from potluck.gateway.targets import Targets

log = structlog.get_logger(__name__)

_Counted = TypeVar("_Counted", EngineId, Reason)

# More readings of one engine's speed than this tell nothing new, and each costs microseconds.
LEARN_EVERY_S = 0.05
# So often is looked whether a lost machine's models, which had no room elsewhere, have some now.
REHOUSE_EVERY_S = 5.0
# Where everybody in line stands is worked out so often at most for those who stream.
_STANDINGS_S = 1.0

_LOST = frozenset({Health.DOWN, Health.DRAINING})
_CHAT = Kind.CHAT  # for every call: up to Python 3.11 a member costs as much as a call


@dataclass(slots=True)
class Decided:
    """How often the scheduler decided what, since the start. ``waits`` are calls that did not start at once."""

    starts: int = 0
    waits: int = 0
    refusals: dict[Reason, int] = field(default_factory=dict[Reason, int])
    loads: dict[EngineId, int] = field(default_factory=dict[EngineId, int])
    evictions: dict[EngineId, int] = field(default_factory=dict[EngineId, int])


@dataclass(frozen=True, slots=True)
class _Seeking:
    """Who wants a seat, as what, and since when. ``target`` is what the scheduler was asked for."""

    seeker: Seeker
    target: str
    route: str
    kind: Kind
    since_s: float


class Dispatcher:
    """The scheduler's shell. Called from one task; holds no await where it decides.

    ``spawn`` runs what takes time: models that are put out or loaded. ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        fleet: Fleet,
        scheduler: Scheduler,
        clock: Callable[[], float],
        spawn: Callable[[Coroutine[None, None, None], str], object],
    ) -> None:
        self._fleet = fleet
        self._scheduler = scheduler
        self._clock = clock
        self._spawn = spawn
        self._targets = Targets(fleet)
        self.contexts = Contexts(fleet, clock)
        self._loading = Loading(fleet, scheduler, clock, spawn, self._perform, self._emptied, self._preloaded)
        self._seekers: dict[RequestId, _Seeking] = {}
        self._due: deque[Decision] = deque()
        self._performing = False
        self._learns_s: dict[EngineId, float] = {}
        self._lost: frozenset[EngineId] = frozenset()
        self._rehoused_s = float("-inf")
        self._standings: tuple[float, Mapping[RequestId, Queued]] = (float("-inf"), {})
        self.decided = Decided()
        self.pinned: Callable[[EngineId, ModelId], bool] = lambda engine, model: False
        self.leads: Callable[[], bool] | None = None
        """Whether this gateway may seat anybody at this moment; None where there is no other. Whose turn comes while it
        may not stays without a seat: its connection hands it on."""
        self._drawing: set[RequestId] = set()
        self._foreign: dict[tuple[EngineId, ModelId], list[RequestId]] = {}
        fleet.changed = self.changed
        self.changed(tuple(fleet.engines), routes=True)

    # --- calls ---

    def seek(self, seeker: Seeker) -> None:
        """Seat a call now, put it in line, or refuse it."""
        wish = seeker.wish
        way = self._targets.way(wish.model, wish.needs, wish.tried)
        if way is None:
            if self._targets.chooses(wish.model):
                seeker.choose()
                return
            seeker.refused(self._targets.why_not(wish.model, wish.needs, wish.tried, wish.failure))
            return
        if wish.most_tokens > way.holds:
            try:
                way = self._targets.roomy(way, wish.model, wish.needs, wish.tried, wish.failure, seeker.room())
            except PotluckError as error:
                seeker.refused(error)
                return
        now = self._clock()
        kind = way.kind if wish.kind is _CHAT else wish.kind
        request, since_s = wish.request, wish.since_s
        if self._targets.stale:
            self._perform(self._scheduler.declare(self._targets.all(), now))
        decided = self._scheduler.arrive(
            Ask(
                request,
                wish.user,
                way.target,
                kind,
                wish.prompt_tokens,
                seeker.conversation if way.several else "",
                wish.sent_tokens,
                wish.tried,
                wish.deadline_s,
                since_s,
            ),
            now,
        )
        first = decided[0]
        if len(decided) == 1 and type(first) is Start and not first.loads:
            self._seat(seeker, first, way.route)
            return
        self._seekers[request] = _Seeking(seeker, way.target, way.route, kind, now if since_s is None else since_s)
        self._perform(decided)

    def leave(self, seeker: Seeker) -> None:
        """The caller has gone before it had a seat; its place in line is free, or the slot that was to be its."""
        request = seeker.wish.request
        if self._seekers.pop(request, None) is not None:
            self._perform(self._scheduler.leave(request, self._clock()))

    def first(self, seat: Seat, now: float) -> None:
        """The first of the answer came."""
        if seat.look:
            # Loaded by now: asked for with another context than it has, by a call that comes meanwhile, it would be
            # loaded once more, after all that run.
            seat.look = False
            self._fleet.look_now(seat.installation.id)
        decided = self._scheduler.first(seat.start.request, now)
        if decided:
            self._perform(decided)

    def silence_s(self, seat: Seat, *, whole_parts: bool, whole_tokens: float | None) -> float:
        """How long its engine may be silent before it counts as hanging (`Scheduler.silence_s`)."""
        return self._scheduler.silence_s(seat.start.request, whole_parts=whole_parts, whole_tokens=whole_tokens)

    def late_s(self, seat: Seat, quantile: float) -> float | None:
        """How long after its seat a call's first byte counts as late (`Scheduler.late_s`)."""
        return self._scheduler.late_s(seat.start.request, quantile)

    def hedge(self, seat: Seat, twin: RequestId) -> Seat | None:
        """A second seat for a call, as ``twin``, if another engine could begin at once (`Scheduler.hedge`)."""
        start = self._scheduler.hedge(seat.start.request, twin, self._clock())
        if start is None:
            return None
        self._fleet.take(start.engine)
        model = self._fleet.engines[start.engine].models[start.model]
        installation = self._fleet.installations[start.engine]
        return Seat(installation, model, start, seat.route, installation.id, installation.node)

    def beaten(self, seat: Seat) -> None:
        """Its twin's answer began first: the slot is free again, and nothing is said against the engine."""
        decided = self._scheduler.beaten(seat.start.request, self._clock())
        self.release(seat)
        self._perform(decided)

    def release(self, seat: Seat, told: Callable[[Seat, float], Timing | None] | None = None) -> None:
        """The slot is free again. ``told``, after a whole answer: what that tells of the engine's speed, if it is asked
        for. Harmless to call twice.
        """
        if seat.released:
            return
        seat.released = True
        engine, request = seat.installation.id, seat.start.request
        self._fleet.give(engine)
        if seat.look:
            self._fleet.look_now(engine)
        now = self._clock()
        if told is None:
            decided = self._scheduler.fail(request, now)
        else:
            timing = told(seat, now) if now >= self._learns_s.get(engine, now) else None
            if timing is not None:
                self._learns_s[engine] = now + LEARN_EVERY_S
            decided = self._scheduler.finish(request, now, timing)
        if decided:
            self._perform(decided)

    def deserted(self, seat: Seat, wish: Wish) -> str:
        """Why a call need not wait for its engine any more: that was found down, and another one could take the call.

        Empty while there is hope. Where no other could, a machine too busy to be looked at may still answer.
        """
        engine = self._fleet.engines.get(seat.engine)
        if engine is None or engine.health is not Health.DOWN:
            return ""
        return engine.why if self.elsewhere(seat, wish) else ""

    def elsewhere(self, seat: Seat, wish: Wish) -> bool:
        """Whether another engine than this could take the call, now or when it has a slot."""
        return not self._targets.hopeless(wish.model, wish.needs, wish.tried | {seat.engine})

    def expire(self) -> None:
        """Refuse those who have waited too long, and look at the rest anew; called by the sweep."""
        now = self._clock()
        self._perform(self._scheduler.tick(now))
        if self._lost and now - self._rehoused_s >= REHOUSE_EVERY_S:
            self._perform(self._rehouse(now))

    def limit(self, depth: int, limits: Mapping[Kind, Limits]) -> None:
        """Go by other limits from now on."""
        self._perform(self._scheduler.limit(depth, limits, self._clock()))

    # --- the fleet ---

    def changed(self, engines: Iterable[EngineId], *, routes: bool = False) -> None:
        """These engines are not as they were, or are gone; ``routes``: these have changed too."""
        now = self._clock()
        decided: list[Decision] = []
        renewed = routes
        if routes:
            self._scheduler.learns_lateness = bool(self._fleet.catalogue.hedges)
        for engine_id in engines:
            renewed |= self._targets.differs(engine_id)
            self.contexts.looked(engine_id)
            engine = self._fleet.engines.get(engine_id)
            if engine is None:
                decided += self._scheduler.engine_gone(engine_id, now)
                continue
            decided += self._scheduler.engine(engine, now)
            for model in engine.models:
                self._scheduler.pin(engine_id, model, pinned=self.pinned(engine_id, model))
        lost: list[tuple[Seeker, PotluckError | None]] = []
        if renewed:
            lost = self._hopeless()
            for seeker, _ in lost:
                decided += self._scheduler.leave(seeker.wish.request, now)
            waited_for = frozenset(each.target for each in self._seekers.values())
            decided += self._scheduler.declare(self._targets.again(waited_for), now)
        before = self._lost
        self._lost = frozenset(engine.id for engine in self._fleet.engines.values() if engine.health in _LOST)
        if self._lost != before:
            decided += self._rehouse(now)
        self._perform(decided)
        for seeker, error in lost:
            if error is None:
                self.seek(seeker)
            else:
                seeker.refused(error)

    def restore(self, engine: EngineId, model: ModelId) -> None:
        """A pinned model is not in memory: load it, or leave that to the next time if there is no room now."""
        self._perform(self._scheduler.restore(engine, model, self._clock()))

    def _rehouse(self, now: float) -> Sequence[Decision]:
        self._rehoused_s = now
        return self._scheduler.rehouse(now)

    def _hopeless(self) -> list[tuple[Seeker, PotluckError | None]]:
        """Those in line for whom waiting is of no use any more, taken out, and why; None for who should seek anew."""
        found: list[tuple[Seeker, PotluckError | None]] = []
        for each in list(self._seekers.values()):
            wish = each.seeker.wish
            if self._targets.hopeless(wish.model, wish.needs, wish.tried):
                del self._seekers[wish.request]
                why = self._targets.why_not(wish.model, wish.needs, wish.tried, wish.failure)
                found.append((each.seeker, why))
            elif self._targets.lost(each.target):
                del self._seekers[wish.request]
                found.append((each.seeker, None))
        return found

    def occupied(self, held: Mapping[tuple[EngineId, ModelId], int]) -> None:
        """So many slots are taken by calls of other gateways, and none but these."""
        now = self._clock()
        decided: list[Decision] = []
        for place in {*held, *self._foreign}:
            requests = self._foreign.setdefault(place, [])
            while len(requests) > held.get(place, 0):
                self._fleet.give(place[0])
                decided += self._scheduler.fail(requests.pop(), now)
            while len(requests) < held.get(place, 0):
                request = RequestId(f"elsewhere-{place[0]}-{place[1]}-{len(requests)}")
                if not self._scheduler.occupy(request, *place, now):
                    break
                self._fleet.take(place[0])
                requests.append(request)
            if not requests:
                del self._foreign[place]
        self._perform(decided)

    # --- pictures ---

    def make_room(self, engine: EngineId, model: ModelId, memory_bytes: int, *, put_out: bool) -> bool:
        """Put out of a node's memory what stands in a picture's way (`Scheduler.make_room`); whether it may begin
        once `emptied` has returned."""
        decided = self._scheduler.make_room(engine, model, memory_bytes, self._clock(), put_out=put_out)
        if decided is not None:
            self._perform(decided)
        return decided is not None

    async def emptied(self, node: NodeId) -> None:
        """Returns when nothing is being put out there any more."""
        await self._loading.emptied(node)

    def drawing(self, request: RequestId, engine: EngineId, model: ModelId) -> None:
        """A picture is drawn there until `drawn`: calls on its node count with that."""
        if self._scheduler.occupy(request, engine, model, self._clock()):
            self._drawing.add(request)
            self._fleet.take(engine)

    def drawn(self, request: RequestId, engine: EngineId) -> None:
        """It is over."""
        if request in self._drawing:
            self._drawing.discard(request)
            self._fleet.give(engine)
            self._perform(self._scheduler.fail(request, self._clock()))

    # --- looking ---

    @property
    def waiting(self) -> int:
        return self._scheduler.waiting

    def queue(self) -> Sequence[Queued]:
        """Everybody in line, in the order in which they would be served. Costs as much as the line is long."""
        now = self._clock()
        found: list[Queued] = []
        for request, standing in self._scheduler.standings(now).items():
            each = self._seekers[request]
            wish = each.seeker.wish
            found.append(
                Queued(request, wish.user, wish.model, each.kind, now - each.since_s, standing.position, standing.eta_s)
            )
        return found

    def starts_s(self, engine: EngineId, model: ModelId) -> float | None:
        """In how many seconds a call for a model could begin on an engine, if none is in line; None where it cannot."""
        return self._scheduler.starts_s(engine, model, self._clock())

    def standing(self, request: RequestId) -> Queued | None:
        """Where a call stands in line, as it was a second ago at most; None for one that does not wait."""
        now = self._clock()
        if now - self._standings[0] >= _STANDINGS_S:
            self._standings = (now, {each.request: each for each in self.queue()})
        return self._standings[1].get(request) if request in self._seekers else None

    def moves(self, node: NodeId) -> Sequence[Move]:
        """Where the models of a node that is down or drained are found now."""
        return [move for move in self._scheduler.moves(self._clock()) if move.node == node] if self._lost else ()

    def turns(self) -> Mapping[UserId, UserTurn]:
        """Everybody who has a call in line, the least served first."""
        return self._scheduler.turns()

    def rates(self) -> Mapping[tuple[EngineId, ModelId], Rates]:
        """How fast models are, where that was learned; of models that engines have now."""
        engines = self._fleet.engines
        return {
            place: rates
            for place, rates in self._scheduler.rates().items()
            if rates.readings and place[0] in engines and place[1] in engines[place[0]].models
        }

    # --- kept_rates.Learner ---

    def learned(self) -> Figures:
        return {place: rates.plain() for place, rates in self._scheduler.rates().items()}

    def recall(self, figures: Figures) -> None:
        known: dict[tuple[EngineId, ModelId], Rates] = {}
        for place, plain in figures.items():
            try:
                known[place] = Rates.of_plain(plain)
            except ValueError:
                log.debug("what was learned of a model is not understood", engine=place[0], model=place[1])
        self._scheduler.recall(known)

    # --- performing ---

    def _perform(self, decisions: Sequence[Decision]) -> None:
        """One after the other. Who is seated may end at once, which decides more: that comes after."""
        self._due.extend(decisions)
        if self._performing:
            return
        self._performing = True
        try:
            while self._due:
                self._one(self._due.popleft())
        finally:
            self._performing = False

    def _one(self, decision: Decision) -> None:
        match decision:
            case Start():
                self._start(decision)
            case Refuse():
                _count(self.decided.refusals, decision.reason)
                seeking = self._seekers.pop(decision.request, None)
                if seeking is not None:
                    seeking.seeker.refused(self._refusal(decision, seeking.seeker.wish))
            case Evict():
                _count(self.decided.evictions, decision.engine)
                self._loading.put_out(decision)
            case Preload():
                _count(self.decided.loads, decision.engine)
                self._loading.preload(decision)
            case Wait():
                self.decided.waits += 1  # its time will come
            case _:  # a load: begun with the seat of the call that needs it, which knows what for
                _count(self.decided.loads, decision.engine)

    def _start(self, start: Start) -> None:
        """Seat a call; once there is room, where models must be put out for it."""
        seeking = self._seekers.get(start.request)
        if seeking is None:  # it left in this very instant, and the scheduler was told
            return
        engine = self._fleet.engines.get(start.engine)
        if engine is None or start.model not in engine.models:  # gone while others were put out for it
            del self._seekers[start.request]
            self._perform(self._scheduler.fail(start.request, self._clock()))
            self.seek(seeking.seeker)
            return
        if start.loads:
            if self._loading.holds(start):
                return
            self._loading.load(start, seeking.seeker.wish.needs)
        del self._seekers[start.request]
        self._seat(seeking.seeker, start, seeking.route)

    def _seat(self, seeker: Seeker, start: Start, route: str) -> None:
        if self.leads is not None and not self.leads():
            self._scheduler.fail(start.request, self._clock())
            return
        place = start.place
        self.decided.starts += 1
        self._fleet.take(place.engine)
        model = self._fleet.engines[place.engine].models[place.model]
        installation = self._fleet.installations[place.engine]
        seeker.seated(Seat(installation, model, start, route, installation.id, installation.node))

    def _emptied(self, evict: Evict) -> None:
        """A model was put out."""
        self.contexts.forget(evict.engine, evict.model)

    def _preloaded(self) -> None:
        """There may be time, and room, for the next model of a lost machine."""
        self._perform(self._rehouse(self._clock()))

    def _refusal(self, refuse: Refuse, wish: Wish) -> PotluckError:
        if refuse.reason is Reason.WAITED and not self._targets.way(wish.model, wish.needs, wish.tried):
            return self._targets.why_not(wish.model, wish.needs, wish.tried, wish.failure)
        return _refusal(refuse, wish)


def _count(counts: dict[_Counted, int], what: _Counted) -> None:
    counts[what] = counts.get(what, 0) + 1


def _refusal(refuse: Refuse, wish: Wish) -> PotluckError:
    match refuse.reason:
        case Reason.DEADLINE:
            return wish.failure or QueueFull(
                "server busy: no slot was free within the time that the caller gave",
                retry_after_s=refuse.retry_after_s,
            )
        case Reason.FULL | Reason.WAITED:
            return QueueFull(
                "server busy, please try again.  maximum pending requests exceeded",
                retry_after_s=refuse.retry_after_s,
            )
        case Reason.NOT_UP | Reason.TRIED | Reason.UNKNOWN:
            # Some engine that has it is up, or the scheduler would not have been asked.
            return wish.failure or NoEngineReady(
                f"'{wish.model}' is larger than the memory of any machine that has it.",
                retry_after_s=60.0,
                hint="Raise the node's 'memory', or ask for a smaller model.",
            )
