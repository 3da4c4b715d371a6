"""Where everybody in the queue stands, and for how long yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heapreplace

from potluck.core.model import EngineId, RequestId, UserId
from potluck.core.scheduling.classes import Standard
from potluck.core.scheduling.fleet import EngineState, Lane
from potluck.core.scheduling.queue import Queue, Waiting
from potluck.core.scheduling.weighing import exclusion

_LEAST_RETRY_S, _LONGEST_RETRY_S = 1.0, 600.0
# Who has no place at all asks again when a machine may have been looked at anew.
_AWAY_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class UserTurn:
    """How many calls of a user wait, and the machine time that counts for its turn, in seconds: within a class the
    least served goes first. Who comes anew starts with the time of who was served last.
    """

    waiting: int
    served_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """``position`` is 1 for who is next of all; ``eta_s`` the seconds until it starts, as far as one can tell."""

    position: int
    eta_s: float


def standings(queue: Queue, now: float) -> Mapping[RequestId, Standing]:
    """The whole queue in order, each call put where it would start first."""
    free: dict[EngineId, list[float]] = {}
    found: dict[RequestId, Standing] = {}
    for position, waiting in enumerate(queue.order(now), start=1):
        found[waiting.ask.request] = Standing(position, _starts_s(waiting, free, now))
    return found


def turns(queue: Queue) -> Mapping[UserId, UserTurn]:
    """Everybody who has a call in line, the least served first."""
    users = {waiting.ask.user: waiting.user for waiting in queue.by_request.values()}
    found = {user: UserTurn(each.waiting, each.served_s) for user, each in users.items()}
    return dict(sorted(found.items(), key=lambda item: item[1].served_s))


def _starts_s(waiting: Waiting, free: dict[EngineId, list[float]], now: float) -> float:
    """When its turn comes; its slot is then taken for those behind it."""
    best: tuple[float, float, list[float], float] | None = None
    for lane, _ in waiting.goal.sample(None, waiting.ask):
        if exclusion(waiting.ask, lane) is not None:
            continue
        slots = free.get(lane.engine.id)
        if slots is None:
            slots = free[lane.engine.id] = _slots_s(lane.engine, now)
        starts_s = slots[0] + (0.0 if lane.resident else lane.rates.load_s)
        service_s = _service_s(lane, waiting.standard, waiting.ask.prompt_tokens)
        if best is None or starts_s + service_s < best[0]:
            best = (starts_s + service_s, starts_s, slots, service_s)
    if best is None:
        return waiting.ends_s - now
    ends_s, starts_s, slots, _ = best
    heapreplace(slots, ends_s)
    return starts_s


def lane_starts_s(lane: Lane, now: float) -> float | None:
    """In how many seconds one more call could begin at a place, its model's load included; None where none can."""
    engine = lane.engine
    if not lane.offered or not engine.serves:
        return None
    free_s = 0.0 if len(engine.turns) < engine.slots else max(0.0, engine.release_s(now, 1))
    return free_s + (0.0 if lane.resident else lane.rates.load_s)


def _slots_s(engine: EngineState, now: float) -> list[float]:
    """In how many seconds each of its slots is free."""
    slots = [turn.ends_s(now) - now for turn in engine.turns.values()]
    slots += [0.0] * (engine.slots - len(slots))
    heapify(slots)
    return slots


def _service_s(lane: Lane, standard: Standard, prompt_tokens: int) -> float:
    return lane.alone(standard, lane.slots - 1).service_s(prompt_tokens)


def estimate_s(waiting: Waiting, now: float) -> float:
    """In how many seconds a call would have its turn, behind all that wait for the same target."""
    slots, service_s, first_s = 0, 0.0, _LONGEST_RETRY_S
    for lane, _ in waiting.goal.sample(None, waiting.ask):
        if exclusion(waiting.ask, lane) is not None:
            continue
        slots += lane.slots
        service_s += lane.slots * _service_s(lane, waiting.standard, 0)
        free = len(lane.engine.turns) < lane.slots
        first_s = min(first_s, 0.0 if free else lane.engine.release_s(now, 1))
    if not slots:
        return _AWAY_RETRY_S
    wait_s = first_s + waiting.goal.waiting * service_s / slots / slots
    return min(_LONGEST_RETRY_S, max(_LEAST_RETRY_S, wait_s))
