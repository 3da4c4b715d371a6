"""Loads that no call asks for: models of machines that serve no more, on others, and pinned ones where they belong.

A machine is lost by dying, or drained by its owner. What its callers took lately, and what is pinned there, should be
in some other machine's memory. For one that died nothing is put out for that, and nothing is done while calls wait:
they come first, and bring their models with them. For one that is drained cold models may go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from potluck.core.model import EngineId, Health, ModelId, NodeId
from potluck.core.scheduling.decisions import Decision, Evict, Preload
from potluck.core.scheduling.fleet import COLD_S, EngineState, Lane
from potluck.core.scheduling.memory import ever_fits, plan
from potluck.core.scheduling.queue import Queue
from potluck.core.scheduling.registry import Registry

# Loads that nobody waits for. More at once would share one disk or one network, and come later for all.
MOST_AT_ONCE = 2
# What could not be loaded somewhere, or did not stay there, is not tried there again at once.
SHUNNED_S = 300.0

_Served: TypeAlias = "Mapping[str, Sequence[Lane]]"
"""The lanes of engines that serve, by their models' names."""

_LOST = frozenset({Health.DOWN, Health.DRAINING})


class MoveState(StrEnum):
    """How it stands with a model of a machine that is lost."""

    ELSEWHERE = "elsewhere"
    LOADING = "loading"
    WAITING = "waiting"
    NOWHERE = "nowhere"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Move:
    """A model that was on ``engine``, and where its callers find it now, or will: ``to``. ``why`` says it in words."""

    engine: EngineId
    node: NodeId
    model: ModelId
    state: MoveState
    why: str
    to: EngineId | None = None

    @property
    def under_way(self) -> bool:
        return self.state in (MoveState.LOADING, MoveState.WAITING)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found for one lane; ``victims`` is None where a load cannot begin now."""

    state: MoveState
    why: str
    lane: Lane | None = None
    victims: tuple[Lane, ...] | None = None


class Residency:
    """Part of one `Scheduler`: reads its state, calls ``begin_load`` for every load that it decides.

    ``after_loss``: also models of machines that died are loaded elsewhere, not only those of drained ones.
    """

    def __init__(
        self, fleet: Registry, queue: Queue, begin_load: Callable[[Lane, float], None], *, after_loss: bool
    ) -> None:
        self._fleet = fleet
        self._queue = queue
        self._begin_load = begin_load
        self._after_loss = after_loss
        self._loading: set[tuple[EngineId, ModelId]] = set()
        self._shunned: dict[tuple[EngineId, ModelId], tuple[float, str]] = {}

    def moves(self, now: float) -> tuple[Move, ...]:
        """How it stands with every model of the machines that are lost."""
        lost = [lane for lane in self._lost() if lane.resident or _wanted(lane, now)]
        served = self._served(lost)
        return tuple(self._told(lane, served, now) for lane in lost)

    def rehouse(self, now: float) -> list[Decision]:
        """What can be loaded now of what is wanted and nowhere, the most wanted first."""
        wanted = [lane for lane in self._lost() if _wanted(lane, now) and self._meant(lane)]
        served = self._served(wanted)
        wanted.sort(key=lambda lane: (not lane.pinned, -lane.demand_now(now), lane.model, lane.engine.id))
        decided: list[Decision] = []
        for lane in wanted:
            if len(self._loading) >= MOST_AT_ONCE:
                break
            found = self._find(lane, served, now)
            if found.lane is not None and found.victims is not None:
                to = found.lane
                preload = Preload(to.engine.id, to.model, lane.engine.id, stays=lane.pinned)
                self._load(preload, to, found.victims, now, decided)
        return decided

    def restore(self, engine: EngineId, model: ModelId, now: float) -> list[Decision]:
        """Load a pinned model where it belongs; nothing while that must wait. For it idle models may go."""
        lane = self._fleet.lane(engine, model)
        if lane is None or lane.resident or lane.engine.health is not Health.UP:
            return []
        if lane.node.loading is not None or lane.node.claim is not None:
            return []
        victims = plan(lane, now)
        decided: list[Decision] = []
        if victims is not None:
            self._load(Preload(engine, model, stays=True), lane, victims, now, decided)
        return decided

    def ended(self, engine: EngineId, model: ModelId, now: float, *, failed: bool) -> None:
        """A load is over. Those that calls began are none of ours."""
        if (engine, model) in self._loading:
            self._loading.discard((engine, model))
            why = "it could not be loaded there" if failed else "it did not stay in memory there"
            self._shunned = {key: each for key, each in self._shunned.items() if each[0] > now}
            self._shunned[engine, model] = (now + SHUNNED_S, why)

    def _lost(self) -> Iterator[Lane]:
        for engine in self._fleet.engines.values():
            if engine.health in _LOST:
                yield from engine.lanes.values()

    def _meant(self, lane: Lane) -> bool:
        """The owner's word is done at once; a machine's death is made good when nobody waits."""
        if lane.engine.health is Health.DRAINING:
            return True
        return self._after_loss and not self._queue.by_request

    def _told(self, lane: Lane, served: _Served, now: float) -> Move:
        unused = _Found(MoveState.UNUSED, "nobody took it lately")
        found = self._find(lane, served, now) if _wanted(lane, now) else unused
        to = found.lane.engine.id if found.lane is not None else None
        return Move(lane.engine.id, lane.node.id, lane.model, found.state, found.why, to)

    def _find(self, lane: Lane, served: _Served, now: float) -> _Found:
        """1. It is in memory elsewhere, or being loaded. 2. Where it could be loaded best, now or soon. 3. Why not."""
        others = [other for other in served[lane.name] if other.offered]
        for other in others:
            if other.resident:
                return _Found(MoveState.ELSEWHERE, "in memory there", other)
        for other in others:
            if other.loading:
                return _Found(MoveState.LOADING, "loading there", other)
        found = [self._judged(other, lane.engine, now) for other in sorted(others, key=_rank)]
        return min(found, key=_nearness, default=_Found(MoveState.NOWHERE, "no other machine that is up has it"))

    def _served(self, lost: Iterable[Lane]) -> _Served:
        found: dict[str, list[Lane]] = {lane.name: [] for lane in lost}
        if found:
            for engine in self._fleet.engines.values():
                if engine.serves:
                    for lane in engine.lanes.values():
                        if lane.name in found:
                            found[lane.name].append(lane)
        return found

    def _judged(self, lane: Lane, lost: EngineState, now: float) -> _Found:
        """Whether a model can be loaded on a lane."""
        node = lane.node
        if why := self._unfit(lane, now):
            return _Found(MoveState.NOWHERE, f"{node.id}: {why}")
        if node.loading is not None or node.claim is not None:
            return _Found(MoveState.WAITING, "another model is loading there", lane)
        victims = _room(lane, now, may_put_out=lost.health is Health.DRAINING)
        if victims is None:
            return _Found(MoveState.NOWHERE, f"{node.id}: the memory it needs is in use")
        return _Found(MoveState.WAITING, "to be loaded there", lane, victims)

    def _unfit(self, lane: Lane, now: float) -> str:
        """Why time does not help, soon; empty if nothing stands against it."""
        if not lane.engine.keeps:
            return "its engine loads no models on request"
        if lane.engine.health is not Health.UP:
            return f"its engine is {lane.engine.health.value}"
        if not ever_fits(lane):
            return "the model is larger than its memory"
        until_s, why = self._shunned.get((lane.engine.id, lane.model), (now, ""))
        return why if until_s > now else ""

    def _load(self, preload: Preload, lane: Lane, victims: Sequence[Lane], now: float, decided: list[Decision]) -> None:
        for victim in victims:
            victim.evict(now)
            decided.append(Evict(victim.engine.id, victim.model))
        self._begin_load(lane, now)
        self._loading.add((lane.engine.id, lane.model))
        decided.append(preload)


def _wanted(lane: Lane, now: float) -> bool:
    """Pinned, or taken not long ago and not put out since."""
    return (
        lane.offered
        and not lane.engine.draws
        and (lane.pinned or (now - lane.used_s <= COLD_S and lane.evicted_s < lane.used_s))
    )


def _room(lane: Lane, now: float, *, may_put_out: bool) -> tuple[Lane, ...] | None:
    """What is put out for a load that nobody waits for; None if it must not be.

    Where a node's memory is not known its engine makes room by itself: of what is idle for an owner who drains, of
    nothing for a machine that died.
    """
    node = lane.node
    if node.memory_bytes is None:
        busy = node.active if may_put_out else sum(other.resident for other in node.lanes)
        return None if busy else ()
    victims = plan(lane, now, quiet=True)
    return victims if may_put_out or not victims else None


def _rank(lane: Lane) -> tuple[float, EngineId]:
    """The fastest first."""
    return (-lane.rates.decode_tps * lane.engine.learned, lane.engine.id)


def _nearness(found: _Found) -> tuple[bool, int, bool]:
    """What can begin now before what must wait; what puts nothing out before what does."""
    return (found.victims is None, len(found.victims or ()), found.lane is None)
