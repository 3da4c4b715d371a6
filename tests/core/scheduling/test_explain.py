from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core.model import Health, RequestId
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.explain import Explanation, explain, replay
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


@settings(max_examples=30, deadline=None)
@given(calls=st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(list(Kind))), min_size=1, max_size=8))
def test_a_stored_decision_replayed_comes_out_the_same(calls: list[tuple[int, Kind]]) -> None:
    fleet = scheduler(
        engine("a", [model("m")], slots=3),
        engine("b", [model("m", resident=False)], slots=2),
        engine("c", [model("m")]),
    )
    for number, (tokens, kind) in enumerate(calls):
        for decision in fleet.arrive(ask(f"r{number}", tokens=tokens, kind=kind), float(number)):
            if isinstance(decision, Start):
                chosen = replay(explain(decision))
                assert chosen is not None
                assert chosen.engine == decision.engine


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
