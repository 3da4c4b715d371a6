"""The rule (SCHEDULING.md 3): what it costs to run a call on a lane."""

from __future__ import annotations

from enum import StrEnum
from math import inf
from typing import NamedTuple

from potluck.core.model import Health
from potluck.core.scheduling.asks import Ask, Place
from potluck.core.scheduling.classes import Standard
from potluck.core.scheduling.fleet import EngineState, Lane
from potluck.core.scheduling.memory import ever_fits, plan
from potluck.core.scheduling.terms import Terms

# An engine that just failed a call may fail the next: it is taken when all others are a whole limit worse.
SUSPECT_COST = 1.0
# A load keeps other loads waiting and makes the next eviction likelier. At 4 the simulated fleet swaps a quarter less
# than at 1 and has as many calls in time.
EVICTION_WEIGHT = 4.0


class Verdict(StrEnum):
    """What became of one place in one decision."""

    CHOSEN = "chosen"
    FIRST = "the first in the owner's order that could start"
    TURN = "its turn by the owner's weights"
    WORSE = "another place is better"
    FULL = "all slots in use"
    LOADING = "a model is loading there"
    IN_USE = "the memory it needs is in use"
    CLAIMED = "kept for a call that has waited longer"
    TRIED = "already tried for this call"
    NOT_UP = "not up"
    AVOIDED = "its calls keep failing"
    GONE = "the engine no longer has the model"
    TOO_LARGE = "the model is larger than the node's memory"


# What the place is called that got the call: by cost, by order, by weights.
PLACED = frozenset({Verdict.CHOSEN, Verdict.FIRST, Verdict.TURN})
# With these a place is out of the question for now, whatever it would cost.
OUT = frozenset({Verdict.TRIED, Verdict.NOT_UP, Verdict.AVOIDED, Verdict.GONE, Verdict.TOO_LARGE})


class Price(NamedTuple):
    """Costs in limits (1 is all that the class allows). ``verdict`` is WORSE for what could start now.

    ``run`` is the sum of its parts times ``factor``, the owner's prior.
    """

    place: Place
    verdict: Verdict
    run: float = inf
    wait_s: float = 0.0
    own: float = 0.0
    harm: float = 0.0
    eviction: float = 0.0
    doubt: float = 0.0
    factor: float = 1.0
    terms: Terms | None = None
    tokens: int = 0
    victims: tuple[Lane, ...] = ()

    @property
    def startable(self) -> bool:
        return self.verdict is Verdict.WORSE


def exclusion(ask: Ask, lane: Lane) -> Verdict | None:
    """Why a lane is out of the question; None if it is not."""
    engine = lane.engine
    if ask.tried and engine.id in ask.tried:
        return Verdict.TRIED
    if engine.health is not Health.UP and not engine.serves:
        return Verdict.NOT_UP
    if not lane.offered:
        return Verdict.GONE
    if not lane.resident and not ever_fits(lane):
        return Verdict.TOO_LARGE
    return None


def weigh(ask: Ask, standard: Standard, lane: Lane, factor: float, now: float) -> Price:
    """One lane's price for one call.

    1. Out of the question: no price.
    2. What it waits for first: a slot, a load, memory.
    3. Its own time on the lane, the delay to those who run there, the loss to the users of models put out.
    """
    out = exclusion(ask, lane)
    if out is not None:
        return Price(lane.place, out)
    verdict, wait_s, victims = _waits(ask, standard, lane, now)
    node = lane.node
    others = node.others(lane)
    if others or ask.sent_tokens:
        figures = lane.terms(standard, lane.active, 1 + others, sent=ask.sent_tokens)
    else:
        figures = lane.alone(standard, lane.active)
    tokens, lost = lane.prefix(ask.conversation, ask.prompt_tokens) if lane.warm else (ask.prompt_tokens, 0.0)
    own = figures.base + figures.slope * tokens + wait_s * (figures.per_first + figures.per_finish)
    harm = lane.harm * (figures.harm_base_s + figures.harm_slope_s * tokens)
    if others:
        harm += (node.harm - lane.harm) * (figures.own_decode_s + figures.harm_slope_s * tokens)
    eviction = sum(_loss(victim, now) for victim in victims) if victims else 0.0
    if lost:
        eviction += figures.slope * lost
    doubt = _doubt(lane.engine) if lane.engine.health is Health.SUSPECT else 0.0
    run = (own + harm + eviction + doubt) * factor
    return Price(lane.place, verdict, run, wait_s, own, harm, eviction, doubt, factor, figures, tokens, victims)


def _doubt(engine: EngineState) -> float:
    """Of engines that all fail, the one that failed least is asked. On trial one gets a call as if it were well."""
    if engine.shunned:
        return SUSPECT_COST * engine.failures
    return 0.0 if engine.failures else SUSPECT_COST


def obstacle(ask: Ask, standard: Standard, lane: Lane, now: float) -> Verdict | None:
    """What keeps the call from starting on a lane now, without a price; None if nothing does."""
    engine, node = lane.engine, lane.node
    if node.claim is not None and node.claim != ask.request:
        return Verdict.CLAIMED
    if len(engine.turns) + engine.virtual >= engine.slots:
        return Verdict.FULL
    if engine.loading:
        return Verdict.LOADING
    if lane.resident:
        return None
    if node.loading is not None:
        return Verdict.LOADING
    return Verdict.IN_USE if plan(lane, now, quiet=standard.quiet) is None else None


def _waits(ask: Ask, standard: Standard, lane: Lane, now: float) -> tuple[Verdict, float, tuple[Lane, ...]]:
    """What stands between the call and its start: why, for how many seconds, and who would be put out."""
    engine, node = lane.engine, lane.node
    verdict, wait_s = Verdict.WORSE, 0.0
    free = engine.slots - len(engine.turns) - engine.virtual
    if free <= 0:
        verdict, wait_s = Verdict.FULL, engine.release_s(now, 1 - free)
    victims: tuple[Lane, ...] = ()
    if engine.loading:
        return Verdict.LOADING, wait_s + lane.rates.load_s, victims
    if node.claim is not None and node.claim != ask.request:
        verdict, wait_s = Verdict.CLAIMED, wait_s + _claim_s(lane, now)
    elif lane.resident:
        return verdict, wait_s, victims
    if node.loading is not None:
        # A load that takes longer than it should is nearly done, or never will be.
        wait_s += max(node.loading_until_s - now, 0.1 * node.loading.rates.load_s)
        verdict = Verdict.LOADING
    if not lane.resident and not lane.loading:
        wait_s += lane.rates.load_s
        found = plan(lane, now, quiet=standard.quiet)
        if found is None:
            verdict, wait_s = Verdict.IN_USE, wait_s + _drain_s(lane, now)
        else:
            victims = found
    return verdict, wait_s, victims


def _loss(victim: Lane, now: float) -> float:
    """What those lose who will ask for a model that was put out."""
    return EVICTION_WEIGHT * min(1.0, victim.demand_now(now)) * victim.rates.load_s / victim.first_limit_s


def _drain_s(lane: Lane, now: float) -> float:
    """Until some other model on the node is idle."""
    last: dict[int, float] = {}
    for engine in lane.node.engines.values():
        for turn in engine.turns.values():
            if turn.lane is not lane:
                last[id(turn.lane)] = max(last.get(id(turn.lane), 0.0), turn.ends_s(now) - now)
    return min(last.values(), default=0.0)


def _claim_s(lane: Lane, now: float) -> float:
    """Until the claim's call has begun."""
    claimed = lane.node.claimed
    drain_s = max(
        (turn.ends_s(now) - now for engine in lane.node.engines.values() for turn in engine.turns.values()), default=0.0
    )
    return drain_s + (claimed.rates.load_s if claimed is not None and claimed is not lane else 0.0)
