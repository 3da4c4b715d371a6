from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core.model import Health, RequestId
from potluck.core.scheduling.asks import Policy
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.explain import Candidate, Explanation, explain, replay
from potluck.core.scheduling.scheduler import Scheduler
from potluck.core.scheduling.weighing import Verdict

from .fleets import ask, engine, model, scheduler


def started(fleet: Scheduler, request: str, **wishes: object) -> Start:
    (start,) = (one for one in fleet.arrive(ask(request, **wishes), 1.0) if isinstance(one, Start))  # type: ignore[arg-type]
    return start


def test_a_decision_tells_all_places_with_their_costs_and_why() -> None:
    fleet = scheduler(
        engine("a", [model("m")]), engine("b", [model("m")], health=Health.DOWN), engine("c", [model("m")])
    )
    told = explain(started(fleet, "r1", tokens=500))
    verdicts = {one.engine: one.verdict for one in told.candidates}
    assert verdicts == {
        told.engine: Verdict.CHOSEN,
        "b": Verdict.NOT_UP,
        ({"a", "c"} - {told.engine}).pop(): Verdict.WORSE,
    }
    assert (told.request, told.target, told.kind, told.prompt_tokens) == ("r1", "m", "chat", 500)
    assert [one.engine for one in told.candidates if one.chosen] == [told.engine]
    costs = [one.run for one in told.candidates if one.run is not None]
    assert len(costs) == 2
    assert all(cost > 0 for cost in costs)


def test_an_explanation_survives_being_stored() -> None:
    fleet = scheduler(engine("a", [model("m", resident=False)]), engine("b", [model("m")]), engine("c", []))
    told = explain(started(fleet, "r1"))
    assert Explanation.of_plain(json.loads(json.dumps(told.plain()))) == told


@pytest.mark.parametrize("broken", [{}, {"candidates": 1}, {"candidates": [{"no": 1}]}, {"candidates": []}])
def test_what_is_no_explanation_is_said_so(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="kept explanation"):
        Explanation.of_plain(broken)


@settings(max_examples=60, deadline=None)
@given(
    running=st.lists(st.sampled_from(["a", "b", "c"]), max_size=6),
    tokens=st.integers(0, 5000),
    kind=st.sampled_from(list(Kind)),
    weight=st.sampled_from([1, 1, 5]),
)
def test_the_fast_way_chooses_as_the_whole_rule_does(running: list[str], tokens: int, kind: Kind, weight: int) -> None:
    def fleet() -> Scheduler:
        engines = [
            engine(name, [model("m", gb)], slots=8, memory_gb=gb * 4) for name, gb in (("a", 4), ("b", 5), ("c", 7))
        ]
        made = scheduler(*engines, a=weight)
        for number, name in enumerate(running):
            others = {"a", "b", "c"} - {name}
            made.arrive(ask(f"x{number}", tried=others), 0.5)
        return made

    fast = started(fleet(), "r1", tokens=tokens, kind=kind)
    # A call that was tried somewhere, be it nowhere that counts, goes the whole way.
    whole = started(fleet(), "r1", tokens=tokens, kind=kind, tried=["elsewhere"])
    assert isinstance(fast.kept, list)
    assert isinstance(whole.kept, tuple)
    assert fast.place == whole.place
    for one, other in zip(explain(fast).candidates, explain(whole).candidates, strict=True):
        assert (one.engine, one.verdict) == (other.engine, other.verdict)
        assert one.run == pytest.approx(other.run)
        assert one.harm == pytest.approx(other.harm, abs=1e-9)


_RULES = {Policy.LEARNED: Verdict.CHOSEN, Policy.ORDER: Verdict.FIRST, Policy.WEIGHTED: Verdict.TURN}


def rounded(places: Sequence[Candidate]) -> list[Candidate]:
    """As they are kept."""
    return [Candidate(*one[:3], *(figure and round(figure, 4) for figure in one[3:])) for one in places]


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(list(Kind)), st.booleans()), min_size=1, max_size=8),
    policy=st.sampled_from(list(Policy)),
    weight=st.sampled_from([1.0, 7.0]),
)
def test_a_stored_decision_replayed_comes_out_the_same(
    calls: list[tuple[int, Kind, bool]], policy: Policy, weight: float
) -> None:
    fleet = scheduler(
        engine("a", [model("m")], slots=3),
        engine("b", [model("m", resident=False)], slots=2),
        engine("c", [model("m")], health=Health.SUSPECT),
        policy=policy,
        c=weight,
    )
    starts: list[Start] = []
    for number, (tokens, kind, ends) in enumerate(calls):
        decided = fleet.arrive(ask(f"r{number}", tokens=tokens, kind=kind), float(number))
        more = fleet.finish(RequestId(f"r{number}"), number + 0.5) if ends else ()
        starts += [one for one in chain(decided, more) if isinstance(one, Start)]
    assert starts
    for start in starts:
        for places in (explain(start).candidates, rounded(explain(start).candidates)):
            done = replay(places)
            assert done is not None
            assert done.same
            assert (done.again.engine, done.rule) == (start.engine, _RULES[policy])


def test_a_record_that_was_changed_is_found_out() -> None:
    cheap, dear = Candidate("a", "m", "another place is better", 0.2, 0.2), Candidate("b", "m", "chosen", 0.4, 0.4)
    done = replay([cheap, dear])
    assert done is not None
    assert (done.again.engine, done.same) == ("a", False)
    first, second = cheap, dear._replace(verdict=Verdict.FIRST)
    done = replay([first, second])
    assert done is not None
    assert (done.again.engine, done.same) == ("a", False)


def test_what_could_not_start_is_no_rival_however_cheap() -> None:
    done = replay([Candidate("a", "m", "not up"), Candidate("b", "m", "chosen", 0.4, 0.4)])
    assert done is not None
    assert done.same


def test_without_figures_nothing_is_replayed() -> None:
    assert replay([]) is None
    assert replay([Candidate("a", "m", "chosen")]) is None
    assert replay([Candidate("a", "m", "not up", 1.0)]) is None


def test_a_warm_prefix_makes_an_engine_cheaper() -> None:
    from potluck.core.scheduling.rates import Timing

    fleet = scheduler(engine("a", [model("m")]), engine("b", [model("m")]))
    first = started(fleet, "r1", conversation="x", tokens=2000, tried=["a"])
    assert first.engine == "b"
    fleet.finish(RequestId("r1"), 2.0, Timing(2000, 10.0, 100, 4.0))
    again = started(fleet, "r2", conversation="x", tokens=2200)
    assert again.engine == "b"
    other = {one.engine: one.own for one in explain(again).candidates}
    assert other["b"] < other["a"]
