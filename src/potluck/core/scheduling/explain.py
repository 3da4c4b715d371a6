"""Why a call went where it went: frozen, plain, to be stored, and to be decided anew from what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

from potluck.core.scheduling.asks import Policy
from potluck.core.scheduling.decisions import Kept, Start
from potluck.core.scheduling.weighing import OUT, PLACED, Price, Verdict

_PLACED_BY: Mapping[Policy, Verdict] = {
    Policy.LEARNED: Verdict.CHOSEN,
    Policy.ORDER: Verdict.FIRST,
    Policy.WEIGHTED: Verdict.TURN,
}
# For every call's log: looked up once.
_CHOSEN, _WORSE = Verdict.CHOSEN.value, Verdict.WORSE.value
# Kept figures are rounded to four places: four parts, each half a last place off, and a little for the prior's own.
_GRAIN = 4e-4


class Candidate(NamedTuple):
    """One place in one decision. Costs are in limits: 1 is all that the class allows; None: out of the question.

    ``run`` = (``own`` + ``harm`` + ``eviction`` + ``doubt``) * ``prior``. ``first_s`` and ``finish_s`` are what was
    expected of it, ``wait_s`` the part of them before it starts. Logs keep it as it stands, by the order of its fields.
    """

    engine: str
    model: str
    verdict: str
    run: float | None = None
    own: float = 0.0
    harm: float = 0.0
    eviction: float = 0.0
    doubt: float = 0.0
    prior: float = 1.0
    wait_s: float = 0.0
    first_s: float = 0.0
    finish_s: float = 0.0

    @property
    def chosen(self) -> bool:
        return self.verdict in PLACED


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision. ``engine`` and ``model`` are the chosen place; ``waited_s`` how long the call was in the queue."""

    request: str
    target: str
    kind: str
    prompt_tokens: int
    at_s: float
    loads: bool
    engine: str
    model: str
    candidates: tuple[Candidate, ...]

    def plain(self) -> dict[str, object]:
        """As data for JSON."""
        return {**asdict(self), "candidates": [one._asdict() for one in self.candidates]}

    @classmethod
    def of_plain(cls, plain: Mapping[str, object]) -> Explanation:
        """From what `plain` gave, also after a way through JSON. Raises `ValueError` for anything else."""
        try:
            places = tuple(Candidate(**candidate) for candidate in cast("list[dict[str, Any]]", plain["candidates"]))
            return cls(**cast("dict[str, Any]", {**plain, "candidates": places}))
        except (KeyError, TypeError) as exc:
            raise ValueError("not a kept explanation") from exc


def explain(start: Start) -> Explanation:
    """The account of a decision. Made when asked for: deciding itself keeps only what this needs."""
    ask = start.ask
    return Explanation(
        ask.request,
        ask.target,
        ask.kind.value,
        ask.prompt_tokens,
        start.at_s,
        start.loads,
        start.place.engine,
        start.place.model,
        candidates(start),
    )


def candidates(start: Start) -> tuple[Candidate, ...]:
    """The places alone: for a log that is written for every call."""
    kept = start.kept
    return _of_prices(start, kept) if isinstance(kept, tuple) else _of_terms(start, kept)


class Replay(NamedTuple):
    """A decision made once more. ``again`` is the place that it comes to, ``same`` whether the call went there, and
    ``rule`` the place's verdict by which it was chosen: `Verdict.CHOSEN`, `FIRST` or `TURN`.
    """

    again: Candidate
    same: bool
    rule: Verdict


def replay(places: Sequence[Candidate]) -> Replay | None:
    """Decide once more from the parts that are stored; None if they hold no decision with its figures.

    1. By cost: the cheapest of the places that could start. What differs by less than is kept counts as equal.
    2. In the owner's order: the first that could start.
    3. By the owner's weights: turns are kept over all calls, so one call's record tells only that it was able to.
    """
    chosen = next((one for one in places if one.verdict in PLACED and one.run is not None), None)
    if chosen is None:
        return None
    rule = Verdict(chosen.verdict)
    able = [one for one in places if one is chosen or one.verdict == Verdict.WORSE]
    match rule:
        case Verdict.CHOSEN:
            cheapest = min(able, key=_total)
            grain = _GRAIN * (chosen.prior + cheapest.prior)
            again = chosen if _total(chosen) - _total(cheapest) <= grain else cheapest
        case Verdict.FIRST:
            again = able[0]
        case _:
            again = chosen
    return Replay(again, again is chosen, rule)


def _total(candidate: Candidate) -> float:
    return (candidate.own + candidate.harm + candidate.eviction + candidate.doubt) * candidate.prior


def _of_terms(start: Start, kept: Kept) -> tuple[Candidate, ...]:
    place = start.place
    found: list[Candidate] = []
    for terms, cost, prior, tokens in kept:
        lane, own, first_s = terms.lane, terms.base + terms.slope * tokens, terms.first_s(tokens)
        verdict = _CHOSEN if lane is place or lane == place else _WORSE
        harm, finish_s = cost / prior - own, first_s + terms.decode_s
        found.append(
            Candidate(lane.engine, lane.model, verdict, cost, own, harm, 0.0, 0.0, prior, 0.0, first_s, finish_s)
        )
    return tuple(found)


def _of_prices(start: Start, prices: tuple[Price, ...]) -> tuple[Candidate, ...]:
    return tuple(_of_price(start, price) for price in prices)


def _of_price(start: Start, price: Price) -> Candidate:
    place, terms = price.place, price.terms
    if price.verdict in OUT or terms is None:
        return Candidate(place.engine, place.model, price.verdict.value)
    verdict = price.verdict
    if place == start.place:
        verdict = _PLACED_BY[start.policy]
    tokens = price.tokens
    return Candidate(
        place.engine,
        place.model,
        verdict.value,
        price.run,
        price.own,
        price.harm,
        price.eviction,
        price.doubt,
        price.factor,
        price.wait_s,
        price.wait_s + terms.first_s(tokens),
        price.wait_s + terms.service_s(tokens),
    )
