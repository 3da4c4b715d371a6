"""An engine that fails at once is quick and never busy: it must not draw calls by that. In virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush

import pytest
from msgspec.structs import replace

from potluck.backends.port import Report
from potluck.core.catalogue import RouteRule
from potluck.core.errors import NodeFailed
from potluck.core.health import Seen
from potluck.core.model import EngineId, Health, Model, ModelId, NodeId
from tests.gateway.test_dispatch import Caller, Hall

GOOD, BAD = EngineId("e0"), EngineId("e1")
REPORT = Report((Model(ModelId("m"), resident=True),))

# By every policy the engine that fails is the one that would be asked first.
ROUTES = {
    "learned": RouteRule("r", (ModelId("m"),)),
    "order": RouteRule("r", (ModelId("m"),), order=(NodeId("n1"), NodeId("n0"))),
    "weighted": RouteRule("r", (ModelId("m"),), weights={NodeId("n0"): 10.0, NodeId("n1"): 90.0}, weighted=True),
}


class Street:
    """A call each second for a hall with two engines. An answer takes two seconds, a failure no time. ``fails`` says of
    the second engine at a time whether it does."""

    def __init__(self, policy: str, fails: Callable[[float], bool]) -> None:
        self.hall = Hall(4, 4, routes={"r": ROUTES[policy]})
        self.fails = fails
        self.asked: list[tuple[float, EngineId, bool]] = []
        self.answered = 0
        self._ends: list[tuple[float, int, Caller]] = []
        self._calls = 0

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self._calls += 1
            self._ask(Caller(f"r{self._calls}", "r"))
            self._pass(self.hall.now + 1.0)

    def _ask(self, caller: Caller) -> None:
        hall = self.hall
        hall.dispatcher.seek(caller)
        seat = caller.seat
        assert seat is not None, caller.error
        fails = seat.engine == BAD and self.fails(hall.now)
        self.asked.append((hall.now, seat.engine, fails))
        if not fails:
            heappush(self._ends, (hall.now + 2.0, self._calls, caller))
            return
        hall.fleet.saw(seat.engine, Seen.CALL_FAILED, "It is out of memory.", seat.start.at_s)
        hall.dispatcher.release(seat)
        again = Caller(f"{caller.wish.request}'", "r", tried=frozenset({seat.engine}))
        again.wish = replace(again.wish, failure=NodeFailed("It is out of memory."))
        self._look()
        self._ask(again)

    def _pass(self, until_s: float) -> None:
        hall = self.hall
        while self._ends and self._ends[0][0] <= until_s:
            hall.now, _, caller = heappop(self._ends)
            seat = caller.seat
            assert seat is not None
            hall.fleet.saw(seat.engine, Seen.CALL_OK, "answered a call", seat.start.at_s)
            hall.dispatcher.first(seat, hall.now)
            hall.dispatcher.release(seat, lambda seat, now: None)
            self.answered += 1
            self._look()
        hall.now = until_s
        self._look()

    def _look(self) -> None:
        """The probes that are due: all go well."""
        for engine in (GOOD, BAD):
            if self.hall.fleet.health[engine].next_probe_s <= self.hall.now:
                self.hall.fleet.reported(engine, REPORT)

    def share(self, since_s: float) -> float:
        """Of the second engine, in all attempts since then."""
        counts = Counter(engine for at_s, engine, _ in self.asked if at_s >= since_s)
        return counts[BAD] / sum(counts.values())

    @property
    def failures(self) -> list[float]:
        return [at_s for at_s, _, failed in self.asked if failed]

    @property
    def lost(self) -> int:
        return self._calls - self.answered - len(self._ends)


@pytest.mark.parametrize("policy", ROUTES)
def test_after_a_few_calls_nearly_all_go_to_the_engine_that_answers(policy: str) -> None:
    street = Street(policy, lambda now: True)
    street.run(1_000)
    assert street.lost == 0
    assert len([at_s for at_s in street.failures if at_s < 20]) <= 4
    assert len(street.failures) <= 12
    assert street.share(since_s=100) < 0.01
    assert street.hall.fleet.engines[BAD].health is Health.SUSPECT


@pytest.mark.parametrize("policy", ROUTES)
def test_once_it_is_well_its_share_comes_back(policy: str) -> None:
    whole = Street(policy, lambda now: False)
    whole.run(400)
    street = Street(policy, lambda now: now < 120)
    street.run(900)
    assert street.lost == 0
    assert street.hall.fleet.engines[BAD].health is Health.UP
    assert street.share(since_s=500) >= 0.8 * whole.share(since_s=0)


@pytest.mark.parametrize("policy", ROUTES)
def test_an_engine_that_comes_and_goes_costs_few_second_attempts(policy: str) -> None:
    street = Street(policy, lambda now: now % 60 < 30)
    street.run(1_800)
    assert street.lost == 0
    assert len(street.failures) <= 0.07 * 1_800  # of 900 that fail, were it not avoided


def test_on_trial_it_gets_one_call_at_a_time() -> None:
    """A herd would lose an attempt each, were it still not well."""
    street = Street("order", lambda now: True)
    street.run(3)
    hall = street.hall
    hall.now = hall.fleet.health[BAD].again_s
    hall.fleet.reported(BAD, REPORT)
    crowd = [Caller(f"c{n}", "r") for n in range(4)]
    for caller in crowd:
        hall.dispatcher.seek(caller)
    assert [caller.seat.engine for caller in crowd if caller.seat is not None] == [BAD, GOOD, GOOD, GOOD]


def test_where_no_other_engine_is_left_it_is_asked() -> None:
    street = Street("learned", lambda now: True)
    street.run(20)
    street.hall.down(GOOD)
    caller = Caller("last", "r")
    street.hall.dispatcher.seek(caller)
    assert caller.seat is not None
    assert caller.seat.engine == BAD
