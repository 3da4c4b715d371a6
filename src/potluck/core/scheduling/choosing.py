"""Which of the weighed places a call gets, by its target's policy, and whether now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from potluck.core.scheduling.asks import Ask, Policy
from potluck.core.scheduling.classes import Standard
from potluck.core.scheduling.fleet import Lane
from potluck.core.scheduling.goals import Goal
from potluck.core.scheduling.queue import Waiting
from potluck.core.scheduling.weighing import OUT, Price, Verdict, exclusion, obstacle, weigh


class Choice(NamedTuple):
    """``lane`` is where the call goes, or what it waits for: None if every place is out of the question."""

    prices: tuple[Price, ...]
    lane: Lane | None = None
    price: Price | None = None
    now: bool = False


def choose(waiting: Waiting, seats: list[tuple[Lane, float]], now: float) -> Choice:
    """Weigh the seats and choose by the target's policy."""
    return _BY_POLICY[waiting.goal.target.policy](waiting, seats, now)


def _learned(waiting: Waiting, seats: list[tuple[Lane, float]], now: float) -> Choice:
    """The cheapest place, counting what can start and what is to be waited for alike; now, if it can start there.

    To step back from a place that could start, until other models there are done, gained nothing (docs/decisions/0004).
    """
    prices = _weighed(waiting, seats, now)
    possible = [index for index, price in enumerate(prices) if price.verdict not in OUT]
    if not possible:
        return Choice(prices)
    best = min(possible, key=lambda index: prices[index].run)
    return Choice(prices, seats[best][0], prices[best], prices[best].startable)


def _in_order(waiting: Waiting, seats: list[tuple[Lane, float]], now: float) -> Choice:
    """The first place that can start the call; else the first that may later."""
    prices = _weighed(waiting, seats, now)
    possible = [index for index, price in enumerate(prices) if price.verdict not in OUT]
    if not possible:
        return Choice(prices)
    index = next((index for index in possible if prices[index].startable), possible[0])
    return Choice(prices, seats[index][0], prices[index], prices[index].startable)


def _by_weight(waiting: Waiting, seats: list[tuple[Lane, float]], now: float) -> Choice:
    """The place whose turn it was when the call came; another one's turn only if that can serve no more."""
    prices = _weighed(waiting, seats, now)
    present = [index for index, price in enumerate(prices) if price.verdict not in OUT]
    if not present:
        return Choice(prices)
    places = [prices[index].place for index in present]
    shares = waiting.goal.shares
    assert shares is not None
    if waiting.bound not in places:
        if waiting.bound is not None:
            shares.undo(waiting.bound)
        waiting.bound = shares.pick(places)
    index = next(index for index in present if prices[index].place == waiting.bound)
    return Choice(prices, seats[index][0], prices[index], prices[index].startable)


def _weighed(waiting: Waiting, seats: list[tuple[Lane, float]], now: float) -> tuple[Price, ...]:
    """The prices of all seats. Engines whose calls keep failing are out of the question while there are others: such a
    one answers at once, is never busy, and would get all that the others have no slot for, whatever it cost."""
    prices = tuple(weigh(waiting.ask, waiting.standard, lane, factor, now) for lane, factor in seats)
    shunned = [lane.engine.shunned for lane, _ in seats]
    if not any(shunned):
        return prices
    open_ = [price.verdict not in OUT for price in prices]
    if all(avoided for avoided, possible in zip(shunned, open_, strict=True) if possible):
        return prices
    return tuple(
        price._replace(verdict=Verdict.AVOIDED) if avoided and possible else price
        for price, avoided, possible in zip(prices, shunned, open_, strict=True)
    )


def could_start(waiting: Waiting, seats: list[tuple[Lane, float]], now: float) -> bool:
    """Whether one of the seats could take the call now, at whatever cost."""
    return any(
        exclusion(waiting.ask, lane) is None and obstacle(waiting.ask, waiting.standard, lane, now) is None
        for lane, _ in seats
    )


def choose_twin(ask: Ask, standard: Standard, goal: Goal, first: Lane, now: float) -> tuple[Lane, Price] | None:
    """The cheapest place for a second attempt beside one that runs on ``first``: with the same model in memory, and
    ready at once on an engine that is well. Of places that the owner gave no weight, none."""
    unwanted = {place.engine for place in goal.target.places if place.weight <= 0}
    best: tuple[Lane, Price] | None = None
    for lane, factor in goal.seats:
        if lane.name != first.name or not lane.ready or lane.engine.id in unwanted:
            continue
        price = weigh(ask, standard, lane, factor, now)
        if price.startable and (best is None or price.run < best[1].run):
            best = (lane, price)
    return best


def only_verdicts(waiting: Waiting, seats: list[tuple[Lane, float]]) -> set[Verdict]:
    """Why no seat will do; empty if one may."""
    verdicts: set[Verdict] = set()
    for lane, _ in seats:
        verdict = exclusion(waiting.ask, lane)
        if verdict is None:
            return set()
        verdicts.add(verdict)
    return verdicts


_BY_POLICY: Mapping[Policy, Callable[[Waiting, list[tuple[Lane, float]], float], Choice]] = {
    Policy.LEARNED: _learned,
    Policy.ORDER: _in_order,
    Policy.WEIGHTED: _by_weight,
}
