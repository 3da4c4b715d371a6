from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.routing import Decision, Offer, Verdict, missing_capability, place

COMPLETION = frozenset({Capability.COMPLETION})


def offer(
    name: str, *, busy: int = 0, slots: int = 2, weight: float = 1.0, resident: bool = True, **model: object
) -> Offer:
    engine = Engine(EngineId(name), NodeId(name), EngineKind.OLLAMA, Health.UP, slots=slots, busy=busy)
    return Offer(engine, replace(Model(ModelId("m"), resident=resident), **model), weight)


def placed(
    *offers: Offer, needs: frozenset[Capability] = COMPLETION, tried: frozenset[EngineId] = frozenset()
) -> Decision:
    return place(offers, needs, tried, {each.engine.id: each.engine.busy for each in offers})


def with_health(given: Offer, health: Health) -> Offer:
    return replace(given, engine=replace(given.engine, health=health))


def chosen(*offers: Offer, tried: frozenset[EngineId] = frozenset()) -> str | None:
    decision = placed(*offers, tried=tried)
    return decision.chosen.engine.id if decision.chosen else None


def test_the_engine_with_the_smallest_share_of_busy_slots_is_chosen() -> None:
    assert chosen(offer("a", busy=1), offer("b", busy=1, slots=8)) == "b"


def test_an_owners_weight_outweighs_an_equal_load() -> None:
    assert chosen(offer("a", weight=20), offer("b", weight=80)) == "b"


def test_the_configs_order_breaks_a_tie() -> None:
    assert chosen(offer("a"), offer("b")) == "a"


def test_a_resident_model_comes_before_one_that_must_load() -> None:
    assert chosen(offer("a", resident=False), offer("b", busy=1)) == "b"


def test_a_suspect_engine_serves_only_when_it_is_all_there_is() -> None:
    suspect = with_health(offer("a"), Health.SUSPECT)
    assert chosen(suspect, offer("b", busy=1, resident=False)) == "b"
    assert chosen(suspect, with_health(offer("b"), Health.DOWN)) == "a"


def test_what_was_tried_is_out_and_the_decision_says_so() -> None:
    decision = placed(offer("a"), offer("b"), tried=frozenset({EngineId("a")}))
    assert decision.verdict(EngineId("a")) is Verdict.TRIED
    assert decision.verdict(EngineId("b")) is Verdict.CHOSEN
    assert decision.verdict(EngineId("c")) is None


def test_full_engines_are_worth_waiting_for_and_down_ones_are_not() -> None:
    full = placed(offer("a", busy=2))
    assert full.chosen is None
    assert full.wait
    down = placed(with_health(offer("a", busy=2), Health.DOWN))
    assert not down.wait


def test_a_model_that_cannot_do_it_is_not_waited_for() -> None:
    decision = placed(offer("a", busy=2), needs=frozenset({Capability.VISION}))
    assert not decision.wait
    assert decision.verdict(EngineId("a")) is Verdict.CANNOT


def test_the_missing_capability_is_named() -> None:
    offers = [offer("a"), offer("b", capabilities=frozenset({Capability.EMBEDDING}))]
    assert missing_capability(offers, COMPLETION) is None
    assert missing_capability(offers, frozenset({Capability.VISION})) is Capability.VISION
    both = frozenset({Capability.COMPLETION, Capability.EMBEDDING})
    assert missing_capability(offers, both) is Capability.COMPLETION


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Health)), st.integers(0, 3), st.integers(1, 3), st.booleans(), st.floats(0, 100)
        ),
        max_size=6,
    )
)
def test_no_engine_is_ever_overfilled_and_every_offer_gets_one_verdict(
    rows: list[tuple[Health, int, int, bool, float]],
) -> None:
    offers = [
        with_health(offer(str(i), busy=busy, slots=slots, resident=resident, weight=weight), health)
        for i, (health, busy, slots, resident, weight) in enumerate(rows)
    ]
    decision = placed(*offers)
    assert sorted(engine for engine, _ in decision.verdicts) == sorted(each.engine.id for each in offers)
    if decision.chosen is not None:
        assert decision.chosen.engine.busy < decision.chosen.engine.slots
        assert decision.chosen.engine.health in (Health.UP, Health.SUSPECT)
    else:
        usable = [each for each in offers if each.engine.health in (Health.UP, Health.SUSPECT)]
        assert decision.wait == bool(usable)
        assert all(each.engine.busy >= each.engine.slots for each in usable)
