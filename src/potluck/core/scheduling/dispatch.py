"""Passes over the queue: who starts now, who waits on, whose time is over, for whom a node is emptied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from potluck.core.scheduling.choosing import Choice, choose, could_start, only_verdicts
from potluck.core.scheduling.decisions import Decision, Evict, Load, Reason, Refuse, Start
from potluck.core.scheduling.fleet import Lane, Node, Turn
from potluck.core.scheduling.queue import Queue, Waiting
from potluck.core.scheduling.registry import Registry
from potluck.core.scheduling.standing import estimate_s
from potluck.core.scheduling.weighing import Verdict

# So many of the queue are looked at in one pass: far enough to see what those at its head wait for.
LOOK_AHEAD = 24
# And, where a target has more places than are all looked at, so many are weighed for them.
MOST_WEIGHED = 16

_CLAIMING = frozenset({Verdict.IN_USE, Verdict.LOADING, Verdict.FULL})
# How late a byte may be, by the rate, before it means trouble (SCHEDULING.md 3).
_SILENT_START_S, _SILENT_S, _SILENT_TOKENS = 3.0, 2.0, 8.0
# By this much a guess at a rate may be wrong, before the first answer tells it.
_UNLEARNED = 3.0
_RETRY_DOWN_S = 5.0


class Dispatch:
    """Part of one `Scheduler`: reads and changes its state, calls ``begin`` for every turn it makes."""

    def __init__(self, fleet: Registry, queue: Queue, begin: Callable[[Turn], None]) -> None:
        self._fleet = fleet
        self._queue = queue
        self._begin = begin
        self._virtual: list[Lane] = []

    # --- passes ------------------------------------------------------------------------------------------------------

    def all(self, now: float) -> list[Decision]:
        """Look at the queue's head on all nodes."""
        decided = self._expire(now)
        self._pass(self._claimants() + self._queue.heads(now, LOOK_AHEAD), None, now, decided)
        return decided

    def after(self, node: Node, now: float) -> list[Decision]:
        """Something changed on one node: look at those who could use it."""
        decided = self._expire(now)
        if node.has_free_slot():
            first = [self._queue.by_request[node.claim]] if node.claim is not None else []
            goals = self._fleet.goals_on(node)
            self._pass(first + self._queue.heads(now, LOOK_AHEAD, goals), node, now, decided)
        return decided

    def arrived(self, waiting: Waiting, now: float) -> list[Decision]:
        """A call joined the queue. Of a long queue the rest has been looked at already."""
        if len(self._queue) <= LOOK_AHEAD:
            return self.all(now)
        decided = self._expire(now)
        self._pass([waiting], None, now, decided)
        return decided

    def directly(self, waiting: Waiting, now: float) -> list[Decision]:
        """Start a call that may not queue; nothing if it cannot start now."""
        decided: list[Decision] = []
        if waiting.standard.full:
            return decided
        choice = choose(waiting, waiting.goal.sample(None, waiting.ask), now)
        if choice.now:
            self._start(waiting, choice, now, decided)
        return decided

    def unclaim(self, waiting: Waiting, now: float) -> list[Decision]:
        """It waits no more: a node that was kept for it is open again."""
        node = self._release_claim(waiting)
        return self.after(node, now) if node is not None and self._queue.by_request else []

    def hopeless(self, waiting: Waiting) -> Refuse | None:
        """A refusal if no place will take the call as things are, and waiting does not help."""
        verdicts = only_verdicts(waiting, waiting.goal.seats)
        if not waiting.goal.seats or (verdicts and Verdict.TRIED not in verdicts):
            return Refuse(waiting.ask.request, Reason.NOT_UP, _RETRY_DOWN_S)
        return Refuse(waiting.ask.request, Reason.TRIED, _RETRY_DOWN_S) if verdicts else None

    def silence_s(self, turn: Turn, *, whole_parts: bool, whole_tokens: float | None = None) -> float:
        """The longest silence of an engine that works. ``whole_parts``: the answer may hold something that an engine
        sends only when it is whole, such as a tool call. ``whole_tokens``: the answer has so many tokens at most, and
        all of it is sent only when it is whole.

        1. Before the first byte: what it waits for, reads, and writes unseen, twice over. A load that was never seen
           may take any time.
        2. After it: some tokens, beside those who decode and behind those whose prompts are being read.
        """
        lane, terms = turn.lane, turn.terms
        doubt = 1.0 if lane.rates.readings else _UNLEARNED
        parts_s = terms.decode_s * doubt if whole_parts else 0.0
        if turn.first_s is None or whole_tokens is not None:
            if lane.loading and not lane.rates.loads:
                return inf
            expected_s = turn.wait_s + doubt * terms.first_s(turn.ask.prompt_tokens)
            if whole_tokens is not None:
                crowd = 1 + lane.rates.batching * (len(lane.engine.turns) - 1)
                expected_s += doubt * terms.token_s * crowd * whole_tokens
            return _SILENT_START_S + 2 * expected_s + parts_s
        others = [other for other in lane.engine.turns.values() if other is not turn]
        reading_s = sum(other.terms.first_s(other.ask.prompt_tokens) for other in others if other.first_s is None)
        token_s = terms.token_s * (1 + len(others)) * doubt
        return max(_SILENT_S, _SILENT_TOKENS * token_s) + reading_s * doubt + parts_s

    # --- one call ----------------------------------------------------------------------------------------------------

    def _pass(self, heads: Sequence[Waiting], node: Node | None, now: float, decided: list[Decision]) -> None:
        """Look at calls in their order. Who stays counts, for those behind, as one more on what it waits for."""
        weighed = 0
        for waiting in heads:
            if waiting.gone or weighed >= MOST_WEIGHED or self._may_not_run(waiting):
                continue
            if node is not None:
                local = waiting.goal.on(node)
                if not could_start(waiting, local, now):
                    continue
            seats = waiting.goal.sample(node, waiting.ask)
            if len(seats) < len(waiting.goal.seats):
                weighed += len(seats)
            choice = choose(waiting, seats, now)
            if choice.now:
                self._queue.started(waiting)
                self._start(waiting, choice, now, decided)
                if node is not None and not node.has_free_slot():
                    break
            elif choice.lane is not None:
                self._expect(choice.lane)
                self._consider_claim(waiting, choice, now)
        for lane in self._virtual:
            lane.engine.virtual = 0
        self._virtual.clear()

    def _may_not_run(self, waiting: Waiting) -> bool:
        """As many of its class run as may: a node that is kept for it would be kept for nothing."""
        if not waiting.standard.full:
            return False
        self._release_claim(waiting)
        return True

    def _start(self, waiting: Waiting, choice: Choice, now: float, decided: list[Decision]) -> None:
        lane, price = choice.lane, choice.price
        assert lane is not None
        assert price is not None
        assert price.terms is not None
        self._release_claim(waiting)
        loads = not lane.resident
        if loads:
            for victim in price.victims:
                victim.evict(now)
                decided.append(Evict(victim.engine.id, victim.model))
            self.begin_load(lane, now)
            decided.append(Load(lane.engine.id, lane.model))
        turn = Turn(waiting.ask, lane, now, lane.active, price.terms, wait_s=price.wait_s)
        turn.share = 1 + lane.node.others(lane)
        turn.charged_s = price.terms.service_s(waiting.ask.prompt_tokens) / 2
        waiting.user.served_s += turn.charged_s
        lane.first_limit_s = waiting.standard.limits.first_s
        self._begin(turn)
        policy = waiting.goal.target.policy
        decided.append(Start(waiting.ask.request, lane.place, waiting.ask, now, loads, choice.prices, policy))

    def begin_load(self, lane: Lane, now: float) -> None:
        """A model is loaded from now on; nothing else is, there, until that ends."""
        lane.loading = True
        lane.node.loading = lane
        lane.node.loading_until_s = now + lane.rates.load_s
        lane.node.refresh()

    def _expect(self, lane: Lane) -> None:
        lane.engine.virtual += 1
        self._virtual.append(lane)

    def _expire(self, now: float) -> list[Decision]:
        """Refuse those whose time is over."""
        decided: list[Decision] = []
        for waiting in self._queue.expired(now):
            self._release_claim(waiting)
            deadline_s = waiting.ask.deadline_s
            reason = Reason.DEADLINE if deadline_s is not None and deadline_s <= now else Reason.WAITED
            decided.append(Refuse(waiting.ask.request, reason, estimate_s(waiting, now)))
        self._queue.grow_late(now)
        return decided

    # --- claims ------------------------------------------------------------------------------------------------------

    def _consider_claim(self, waiting: Waiting, choice: Choice, now: float) -> None:
        """Whoever is out of patience and cannot get onto its node keeps it from filling anew: nobody starves."""
        lane, price = choice.lane, choice.price
        assert lane is not None
        assert price is not None
        if waiting.claims not in (None, lane.node.id):  # it waits for another node by now
            self._release_claim(waiting)
        if not waiting.impatient(now) or lane.node.claim is not None:
            return
        if lane.resident or price.verdict not in _CLAIMING:
            return
        lane.node.claim, lane.node.claimed = waiting.ask.request, lane
        waiting.claims = lane.node.id
        lane.node.refresh()

    def _release_claim(self, waiting: Waiting) -> Node | None:
        if waiting.claims is None:
            return None
        node = self._fleet.nodes.get(waiting.claims)
        waiting.claims = None
        if node is None or node.claim != waiting.ask.request:
            return None
        node.claim = node.claimed = None
        node.refresh()
        return node

    def _claimants(self) -> list[Waiting]:
        claims = [node.claim for node in self._fleet.nodes.values() if node.claim is not None]
        return [self._queue.by_request[claim] for claim in claims]
