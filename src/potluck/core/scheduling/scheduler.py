"""The scheduler: every event of the fleet and of calls goes in, decisions come out.

Called from one task, holds no await, reads no clock, performs nothing. Times are seconds; they never go back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf

from potluck.core.model import Engine, EngineId, ModelId, RequestId, UserId
from potluck.core.scheduling.asks import Ask, Target
from potluck.core.scheduling.choosing import choose_twin
from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind, Limits, standards
from potluck.core.scheduling.decisions import Decision, Evict, Reason, Refuse, Start, Wait
from potluck.core.scheduling.dispatch import Dispatch
from potluck.core.scheduling.fleet import Lane, Turn
from potluck.core.scheduling.memory import plan
from potluck.core.scheduling.queue import Queue, User, Waiting
from potluck.core.scheduling.rates import Rates, Timing
from potluck.core.scheduling.registry import Registry
from potluck.core.scheduling.residency import Move, Residency
from potluck.core.scheduling.standing import Standing, UserTurn, estimate_s, lane_starts_s, standings, turns
from potluck.core.scheduling.terms import Terms

# As long as Ollama's own queue.
DEFAULT_DEPTH = 512
# What one call tells of an engine's true speed against its estimate.
_CORRECTION = 0.1
# How much one answer moves a class's mean length, and how far the mean moves before terms are made anew.
_LENGTH_SMOOTHING = 0.05
_LENGTH_MOVED = 0.1
# An answer that may have any length is hardly ever so many times as long as the mean one of its class. Where it is, and
# was taken for a hang, it is made once more on another engine, which is then waited for.
_LONG_ANSWER = 5.0

_NOTHING: Sequence[Decision] = ()
_NOBODY = UserId("")


class Scheduler:
    """One owner of queue, running calls and the fleet's state. Every method but the readers at the end is an event."""

    def __init__(
        self,
        *,
        depth: int = DEFAULT_DEPTH,
        limits: Mapping[Kind, Limits] | None = None,
        rates: Mapping[tuple[EngineId, ModelId], Rates] | None = None,
        reload_lost: bool = True,
    ) -> None:
        """``reload_lost``: models in use on a machine that died are loaded elsewhere by `rehouse`."""
        self._fleet = Registry(dict(rates or {}))
        self._queue = Queue(depth)
        self._standards = standards(limits or {})
        self._priced_lengths = [standard.answer_tokens for standard in self._standards]
        self._turns: dict[RequestId, Turn] = {}
        self._users: dict[UserId, User] = {}
        self._arrivals = 0
        self.learns_lateness = False
        """Whether some route hedges: else nobody asks how late first bytes are."""
        self._dispatch = Dispatch(self._fleet, self._queue, self._begin)
        self._residency = Residency(self._fleet, self._queue, self._dispatch.begin_load, after_loss=reload_lost)

    # --- calls -------------------------------------------------------------------------------------------------------

    def arrive(self, ask: Ask, now: float) -> Sequence[Decision]:
        """A call wants a place.

        1. Nobody waits and each of its places could take it at once, alone with its own kind: the cheapest by the terms
           that are at hand. This is nearly every call of a fleet that is not busy, and costs some microseconds.
        2. Anything else: weighed in full, started, queued or refused.
        """
        goal = self._fleet.goals.get(ask.target)
        if goal is None or not goal.quick or self._queue.by_request or ask.sent_tokens or ask.tried:
            return self._admit(ask, now)
        place, prompt, conversation = ask.kind.place, ask.prompt_tokens, ask.conversation
        standard = self._standards[place]
        if standard.running >= standard.most_running:
            return self._admit(ask, now)
        best: Lane | None = None
        best_cost = 0.0
        best_terms: Terms | None = None
        kept: list[tuple[Terms, float, float, int]] = []
        for lane, factor in goal.seats:
            running = lane.active
            if running >= lane.slots or not lane.ready or running != lane.node.active:
                return self._admit(ask, now)
            terms = lane.tables[place][running] or lane.alone(standard, running)
            tokens, lost = lane.prefix(conversation, prompt) if lane.warm else (prompt, 0.0)
            cost = terms.base + terms.slope * (tokens + lost)
            cost += lane.harm * (terms.harm_base_s + terms.harm_slope_s * tokens)
            if factor != 1.0:
                cost *= factor
            kept.append((terms, cost, factor, tokens))
            if best is None or cost < best_cost:
                best, best_cost, best_terms = lane, cost, terms
        if best is None or best_terms is None or (ask.deadline_s is not None and ask.deadline_s <= now):
            return self._admit(ask, now)
        self._begin(Turn(ask, best, now, best.active, best_terms))
        return (Start(ask.request, best.place, ask, now, False, kept),)

    def first(self, request: RequestId, now: float) -> Sequence[Decision]:
        """The call's first token came. Where it waited for a load, that is over too."""
        turn = self._turns.get(request)
        if turn is None or turn.first_s is not None:
            return _NOTHING
        turn.first_s = now
        lane = turn.lane
        lane.harm -= turn.terms.per_first
        lane.node.harm -= turn.terms.per_first
        if not lane.loading:
            if self.learns_lateness and not turn.wait_s:
                lane.lateness.saw(now - turn.started_s, turn.expected_s)
            return _NOTHING
        turn.load_s = now - turn.started_s - turn.terms.first_s(turn.ask.prompt_tokens)
        return self.loaded(lane.engine.id, lane.model, now)

    def finish(self, request: RequestId, now: float, timing: Timing | None = None) -> Sequence[Decision]:
        """The call's answer is complete. ``timing`` is the engine's own account, where it gives one."""
        turn = self._turns.pop(request, None)
        if turn is None:
            return _NOTHING
        self._end(turn, now)
        ask, lane = turn.ask, turn.lane
        if timing is not None:
            self._learn(turn, timing, now)
        if ask.conversation:
            answer_tokens = self._standards[ask.kind.place].answer_tokens if timing is None else timing.answer_tokens
            lane.remember(ask.conversation, ask.prompt_tokens + int(answer_tokens))
        if turn.load_s > 0 and (timing is None or not timing.load_s):
            lane.rates.observe_load(turn.load_s)
        if turn.lane.loading:  # it answered: the model is there
            turn.lane.settle(resident=True)
        return self._freed(turn, now)

    def leave(self, request: RequestId, now: float) -> Sequence[Decision]:
        """The caller has gone, from the queue or from an engine; the place is free at once. Harmless to say twice."""
        waiting = self._queue.leave(request)
        if waiting is not None:
            return self._dispatch.unclaim(waiting, now)
        return self.fail(request, now)

    def fail(self, request: RequestId, now: float) -> Sequence[Decision]:
        """The attempt ended without a whole answer. To go on elsewhere, `arrive` again with the engine in ``tried``."""
        turn = self._turns.pop(request, None)
        if turn is None:
            return _NOTHING
        self._end(turn, now)
        lane = turn.lane
        if lane.loading and not lane.active:  # nobody waits for the load any more; the next snapshot tells how it went
            lane.settle(resident=False)
        return self._freed(turn, now)

    def late_s(self, request: RequestId, quantile: float) -> float | None:
        """How long after its start a running call's first byte counts as late; None where nobody can tell yet, or it
        has come."""
        turn = self._turns.get(request)
        if turn is None or turn.first_s is not None or turn.lane.loading:
            return None
        return turn.lane.lateness.after_s(turn.expected_s, quantile)

    def hedge(self, request: RequestId, twin: RequestId, now: float) -> Start | None:
        """A second place for a running call whose first byte is late; from then on ``twin`` runs there as a call of its
        own. None unless that costs nobody much: nobody waits, and another engine that is well has the same model in
        memory and a free slot.
        """
        turn = self._turns.get(request)
        goal = self._fleet.goals.get(turn.ask.target) if turn is not None else None
        if turn is None or goal is None or self._queue.by_request:
            return None
        standard = self._standards[turn.ask.kind.place]
        if standard.full:
            return None
        ask = replace(turn.ask, request=twin, tried=turn.ask.tried | {turn.lane.engine.id})
        choice = choose_twin(ask, standard, goal, turn.lane, now)
        if choice is None:
            return None
        lane, price = choice
        assert price.terms is not None
        second = Turn(ask, lane, now, lane.active, price.terms, share=1 + lane.node.others(lane))
        self._begin(second)
        return Start(twin, lane.place, ask, now, False, (price,))

    def beaten(self, request: RequestId, now: float) -> Sequence[Decision]:
        """The twin of a call was quicker. That the first byte had not come by now is learned: were only those counted
        that came, each hedge would make the next one come sooner."""
        turn = self._turns.get(request)
        if turn is not None and turn.first_s is None and not turn.lane.loading and not turn.wait_s:
            turn.lane.lateness.saw(now - turn.started_s, turn.expected_s)
        return self.fail(request, now)

    def occupy(self, request: RequestId, engine: EngineId, model: ModelId, now: float) -> bool:
        """A slot is taken by a call that somebody else runs, until `fail`. False where there is no such place."""
        lane = self._fleet.lane(engine, model)
        if lane is None:
            return False
        ask = Ask(request, _NOBODY, "")
        self._begin(Turn(ask, lane, now, lane.active, lane.alone(self._standards[ask.kind.place], lane.active)))
        return True

    def make_room(
        self, engine: EngineId, model: ModelId, memory_bytes: int, now: float, *, put_out: bool
    ) -> Sequence[Decision] | None:
        """Something that is no call is about to take so much memory there, all that its engine has included: who is put
        out for it. None where those are not idle, or nobody is to be put out for it, and it should wait. What is larger
        than the node, or whose node's memory is not known, is its engine's own to fit in."""
        lane = self._fleet.lane(engine, model)
        if lane is None or lane.node.memory_bytes is None or memory_bytes > lane.node.memory_bytes:
            return _NOTHING
        before = (lane.resident, lane.memory_bytes)
        lane.resident, lane.memory_bytes = False, memory_bytes
        lane.node.refresh()
        victims = plan(lane, now)
        if victims is None or (victims and not put_out):
            lane.resident, lane.memory_bytes = before
            lane.node.refresh()
            return None
        for victim in victims:
            victim.evict(now)
        lane.resident, lane.used_s = True, now
        lane.node.refresh()
        return [Evict(victim.engine.id, victim.model) for victim in victims]

    # --- the fleet ---------------------------------------------------------------------------------------------------

    def declare(self, targets: Iterable[Target], now: float) -> Sequence[Decision]:
        """What can be asked for from now on; what is not named any more is forgotten."""
        self._fleet.declare(targets)
        lost = [waiting for waiting in self._queue.by_request.values() if waiting.goal.name not in self._fleet.goals]
        refused: list[Decision] = []
        for waiting in lost:
            self._queue.leave(waiting.ask.request)
            refused.append(Refuse(waiting.ask.request, Reason.UNKNOWN, 0.0))
            refused += self._dispatch.unclaim(waiting, now)
        self._queue.regoal(self._fleet.goals)
        return [*refused, *self._dispatch.all(now)]

    def engine(self, engine: Engine, now: float) -> Sequence[Decision]:
        """An engine as it is now: new, up, down, changed. Its ``busy`` is not read: our own count is exact."""
        node = self._fleet.see(engine, now)
        return self._dispatch.after(node, now) if self._queue.by_request else _NOTHING

    def engine_gone(self, engine: EngineId, now: float) -> Sequence[Decision]:
        """The engine left the fleet. Calls that run there go on until they finish or `fail`."""
        self._fleet.forget(engine)
        return self._dispatch.all(now)

    def loaded(self, engine: EngineId, model: ModelId, now: float, took_s: float | None = None) -> Sequence[Decision]:
        """A load is done. ``took_s`` is how long it took, where that is known."""
        self._residency.ended(engine, model, now, failed=False)
        lane = self._fleet.lane(engine, model)
        if lane is None:
            return _NOTHING
        if took_s is not None:
            lane.rates.observe_load(took_s)
        lane.settle(resident=True)
        return self._dispatch.after(lane.node, now)

    def load_failed(self, engine: EngineId, model: ModelId, now: float) -> Sequence[Decision]:
        """A load came to nothing. Calls that wait for it on the engine `fail` by themselves."""
        self._residency.ended(engine, model, now, failed=True)
        lane = self._fleet.lane(engine, model)
        if lane is None:
            return _NOTHING
        lane.settle(resident=False)
        return self._dispatch.after(lane.node, now)

    def rehouse(self, now: float) -> Sequence[Decision]:
        """Load elsewhere what is wanted of machines that are down or drained. To be said after an engine was lost,
        after each `Preload` and, while there are such machines, now and then."""
        return self._residency.rehouse(now)

    def restore(self, engine: EngineId, model: ModelId, now: float) -> Sequence[Decision]:
        """A pinned model is not in memory: load it, if that can be now. To be said again if nothing is decided."""
        return self._residency.restore(engine, model, now)

    def pin(self, engine: EngineId, model: ModelId, *, pinned: bool) -> None:
        """The owner wants the model to stay in memory."""
        lane = self._fleet.lane(engine, model)
        if lane is not None:
            lane.pinned = pinned

    def recall(self, rates: Mapping[tuple[EngineId, ModelId], Rates]) -> None:
        """What was learned before a restart; of use for engines that are told of later."""
        self._fleet.kept.update(rates)

    def limit(self, depth: int, limits: Mapping[Kind, Limits], now: float) -> Sequence[Decision]:
        """Go by other limits from now on; who waits or runs is not put out for them."""
        self._queue.depth = depth
        for standard in self._standards:
            standard.take(limits.get(standard.kind, DEFAULT_LIMITS[standard.kind]))
        self._fleet.forget_terms()
        return self._dispatch.all(now)

    def tick(self, now: float) -> Sequence[Decision]:
        """Time has passed: refuse those whose time is over, look at the queue anew. Once a second is enough."""
        return self._dispatch.all(now) if self._queue.by_request else _NOTHING

    # --- readers -----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def next_s(self) -> float | None:
        """When the next waiting call's time is over; None if nobody waits. Say `tick` then."""
        return self._queue.next_s()

    def standings(self, now: float) -> Mapping[RequestId, Standing]:
        """Position and expected start of everybody who waits, in order. Costs as much as the queue is long."""
        return standings(self._queue, now)

    def starts_s(self, engine: EngineId, model: ModelId, now: float) -> float | None:
        """In how many seconds a call could begin there, if nobody is in line; None where none can."""
        lane = self._fleet.lane(engine, model)
        return lane_starts_s(lane, now) if lane is not None else None

    def moves(self, now: float) -> Sequence[Move]:
        """Where the models of machines that are down or drained are found now."""
        return self._residency.moves(now)

    def turns(self) -> Mapping[UserId, UserTurn]:
        """Whose turn it is among users: everybody who has a call in line, the least served first."""
        return turns(self._queue)

    def rates(self) -> Mapping[tuple[EngineId, ModelId], Rates]:
        """What was learned, to be kept over a restart: give it to the next scheduler."""
        return self._fleet.rates()

    def silence_s(self, request: RequestId, *, whole_parts: bool = False, whole_tokens: float | None = None) -> float:
        """How long a running call's engine may send nothing before it counts as hanging; infinite where nobody can
        tell. ``whole_parts``: the answer may hold a tool call, which some engines send only when it is whole.
        ``whole_tokens``: all of the answer is sent only when it is whole, and has so many tokens at most."""
        turn = self._turns.get(request)
        if turn is None:
            return inf
        if whole_tokens is not None:
            whole_tokens = min(whole_tokens, _LONG_ANSWER * self._standards[turn.ask.kind.place].answer_tokens)
        return self._dispatch.silence_s(turn, whole_parts=whole_parts, whole_tokens=whole_tokens)

    # --- within ------------------------------------------------------------------------------------------------------

    def _begin(self, turn: Turn) -> None:
        lane = turn.lane
        node = lane.node
        if lane.warm:
            turn.warm = lane.take_slot(turn.ask.conversation)
        if not lane.active:
            node.models += 1
        lane.active += 1
        node.active += 1
        lane.starts += 1
        harm = turn.terms.per_first + turn.terms.per_finish
        lane.harm += harm
        node.harm += harm
        lane.used_s = turn.started_s
        lane.engine.turns[turn.ask.request] = turn
        self._standards[turn.ask.kind.place].running += 1
        self._turns[turn.ask.request] = turn

    def _end(self, turn: Turn, now: float) -> None:
        lane = turn.lane
        node = lane.node
        lane.active -= 1
        terms = turn.terms
        harm = terms.per_finish if turn.first_s is not None else terms.per_finish + terms.per_first
        lane.harm -= harm
        node.harm -= harm
        if not lane.active:
            lane.harm = 0.0  # sums of fractions drift
            node.models -= 1
        del lane.engine.turns[turn.ask.request]
        self._standards[turn.ask.kind.place].running -= 1
        user = self._users.get(turn.ask.user)
        if user is None:
            user = self._users[turn.ask.user] = User()
        served_s = (now - turn.started_s) / node.active - turn.charged_s
        if served_s > 0:
            user.served_s += served_s
        node.active -= 1
        if not node.active:
            node.harm = 0.0

    def _admit(self, ask: Ask, now: float) -> Sequence[Decision]:
        """The whole way: refuse what is hopeless, start what can start, queue the rest while there is room."""
        goal = self._fleet.goals.get(ask.target)
        if goal is None:
            return (Refuse(ask.request, Reason.UNKNOWN, 0.0),)
        standard = self._standards[ask.kind.place]
        since_s = now if ask.since_s is None else ask.since_s
        ends_s = now + standard.limits.gives_up_s
        if ask.deadline_s is not None:
            ends_s = min(ends_s, ask.deadline_s)
        user = self._users.get(ask.user)
        if user is None:
            user = self._users[ask.user] = User()
        self._arrivals += 1
        waiting = Waiting(ask, goal, standard, user, since_s, now, ends_s, self._arrivals)
        if ends_s <= now:
            return (Refuse(ask.request, Reason.DEADLINE, estimate_s(waiting, now)),)
        refusal = self._dispatch.hopeless(waiting)
        if refusal is not None:
            return (refusal,)
        if len(self._queue) < self._queue.depth and standard.waiting < standard.most_waiting:
            self._queue.join(waiting)
            decided = self._dispatch.arrived(waiting, now)
            return [*decided, Wait(ask.request)] if ask.request in self._queue.by_request else decided
        decided = self._dispatch.directly(waiting, now)
        return decided or (Refuse(ask.request, Reason.FULL, estimate_s(waiting, now)),)

    def _freed(self, turn: Turn, now: float) -> Sequence[Decision]:
        """A call has ended. Where its class was full, one of it may start anywhere, else only where this one ran."""
        if not self._queue.by_request:
            return _NOTHING
        standard = self._standards[turn.ask.kind.place]
        if standard.waiting and standard.running + 1 == standard.most_running:
            return self._dispatch.all(now)
        return self._dispatch.after(turn.lane.node, now)

    def _learn(self, turn: Turn, timing: Timing, now: float) -> None:
        """Rates, the engine's correction and the class's mean answer follow what was seen."""
        lane, terms = turn.lane, turn.terms
        share = (turn.share + 1 + lane.node.others(lane)) / 2
        answer_tokens = max(1.0, self._standards[turn.ask.kind.place].answer_tokens)
        expected_s = terms.decode_s * timing.answer_tokens / answer_tokens
        actual_s = timing.decode_s
        neighbours = (turn.neighbours + lane.active) / 2
        if lane.rates.observe(timing, neighbours=neighbours, share=share, warm=turn.warm):
            expected_s += timing.prompt_tokens * terms.prefill_token_s
            actual_s += timing.prefill_s
        if actual_s > 0 and expected_s > 0 and lane.rates.readings > 1:
            lane.engine.learned *= min(2.0, max(0.5, expected_s / actual_s)) ** _CORRECTION
        self._fleet.relearn(lane)
        if timing.answer_tokens:
            self._lengthen(turn.ask.kind.place, timing.answer_tokens)

    def _lengthen(self, place: int, answer_tokens: int) -> None:
        standard = self._standards[place]
        standard.answer_tokens += _LENGTH_SMOOTHING * (answer_tokens - standard.answer_tokens)
        priced = self._priced_lengths[place]
        if abs(standard.answer_tokens - priced) > _LENGTH_MOVED * priced:
            self._priced_lengths[place] = standard.answer_tokens
            self._fleet.forget_terms()
