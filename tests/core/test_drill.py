"""Which node a drill takes, what is against it, and what is asked meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.drill import Asking, Home, How, Plan, named, pick, plan, tries
from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId

GB = 10**9


def model(name: str, *, resident: bool = True, gb: float = 2, capability: Capability = Capability.COMPLETION) -> Model:
    return Model(ModelId(name), frozenset({capability}), resident=resident, size_bytes=int(gb * GB))


def engine(
    node: str,
    *models: Model,
    slots: int = 2,
    busy: int = 0,
    health: Health = Health.UP,
    kind: EngineKind = EngineKind.OLLAMA,
    gb: int | None = 16,
) -> Engine:
    return Engine(
        EngineId(f"{node}/{kind}"),
        NodeId(node),
        kind,
        health,
        slots=slots,
        busy=busy,
        models={each.id: each for each in models},
        memory_bytes=None if gb is None else gb * GB,
    )


def planned(fleet: list[Engine], node: str = "a", how: How = How.BLOCK, waiting: int = 0, drained: str = "") -> Plan:
    return plan(NodeId(node), how, fleet, {NodeId(drained)}, waiting)


def test_a_model_in_anothers_memory_has_the_best_home_and_its_names_tag_does_not_matter() -> None:
    fleet = [
        engine("a", model("m")),
        engine("b", model("m:latest", resident=False)),
        engine("c", model("m:latest")),
        engine("d", model("m"), health=Health.SUSPECT),
    ]
    (homed,) = planned(fleet).models
    assert (homed.model, homed.resident, homed.home, homed.nodes) == ("m", True, Home.MEMORY, ("c", "b"))
    assert not planned(fleet).objections


def test_a_model_on_anothers_disk_has_a_home_if_it_could_be_loaded_there() -> None:
    def home(gb: int | None) -> Home:
        return (
            planned([engine("a", model("m", gb=8)), engine("b", model("m", resident=False, gb=8), gb=gb)])
            .models[0]
            .home
        )

    assert [home(16), home(8), home(None)] == [Home.DISK, Home.NONE, Home.DISK]


def test_a_model_without_a_second_home_is_said_and_may_be_insisted_on() -> None:
    alone = planned([engine("a", model("m"), model("big:70b")), engine("b", model("m"))])
    assert alone.refusals() == ("'big:70b' has no second home: calls for it would fail.",)
    assert alone.refusals(force=True) == ()
    both = planned([engine("a", model("x"), model("y")), engine("b", model("m"))])
    assert both.refusals() == ("'x', 'y' have no second home: calls for them would fail.",)


def test_of_many_models_the_first_are_named() -> None:
    assert named([*"abcdefg"]) == "'a', 'b', 'c', 'd', 'e' and 2 more"


@pytest.mark.parametrize(
    ("fleet", "how", "drained", "why"),
    [
        ([engine("a", model("m")), engine("b", model("m"))], How.DRAIN, "a", "a is drained already: resume it first."),
        (
            [engine("a", model("m"), health=Health.DOWN), engine("b", model("m"))],
            How.BLOCK,
            "",
            "No engine of a is up: there is nothing to take out.",
        ),
        (
            [engine("a", model("m"), kind=EngineKind.LOCAL), engine("b", model("m"))],
            How.BLOCK,
            "",
            "a runs the embedded engine, which dies with the gateway only: drain it.",
        ),
    ],
)
def test_what_cannot_be_done_cannot_be_insisted_on(fleet: list[Engine], how: How, drained: str, why: str) -> None:
    assert why in planned(fleet, how=how, drained=drained).refusals(force=True)


def test_the_embedded_engine_may_be_drained() -> None:
    fleet = [engine("a", model("m"), kind=EngineKind.LOCAL), engine("b", model("m"))]
    assert not planned(fleet, how=How.DRAIN).objections


@pytest.mark.parametrize(("waiting", "said"), [(1, "1 call waits in line now"), (2, "2 calls wait in line now")])
def test_nobody_is_drilled_while_calls_wait(waiting: int, said: str) -> None:
    made = planned([engine("a", model("m")), engine("b", model("m"))], waiting=waiting)
    assert said in made.refusals()[0]
    assert not made.refusals(force=True)


def test_more_calls_than_the_others_have_slots_for_are_not_sent_there() -> None:
    made = planned([engine("a", model("m"), slots=4, busy=3), engine("b", model("m"), busy=1)])
    assert made.refusals() == ("3 of your calls run on a, and the others have 1 free slots.",)


@pytest.mark.parametrize(("slots", "bound"), [(2, 5), (12, 13)])
def test_a_line_may_grow_by_one_round_of_calls(slots: int, bound: int) -> None:
    made = planned([engine("a", model("m")), engine("b", model("m"), slots=slots)], waiting=1)
    assert made.most_waiting == bound


def test_the_node_is_picked_that_disturbs_least() -> None:
    lonely = engine("lonely", model("m"), model("only"))
    loads = engine("loads", model("m"), model("n"))
    works = engine("works", model("m"), busy=1)
    idle = engine("idle", model("m"), model("n", resident=False))
    dead = engine("dead", model("m"), health=Health.DOWN)
    fleet = [dead, lonely, loads, works, idle]

    def picked(*gone: Engine) -> str:
        made = pick(How.BLOCK, [each for each in fleet if each not in gone], set(), 0)
        assert made is not None
        return made.node

    assert picked() == "idle"
    assert picked(idle) == "works"
    assert picked(idle, works, loads) == "lonely"
    assert picked(idle, works, loads, lonely) == "dead"
    assert pick(How.BLOCK, [], set(), 0) is None


def test_who_must_load_for_it_is_the_worse_choice() -> None:
    fleet = [
        engine("cold", model("n")),
        engine("warm", model("m"), busy=1),
        engine("other", model("m"), model("n", resident=False), model("x")),
    ]
    made = pick(How.DRAIN, fleet, set(), 0)
    assert made is not None
    assert made.node == "warm"


# --- what is asked ---


def test_every_model_in_memory_is_asked_in_as_many_slots_as_are_free() -> None:
    here = engine(
        "a",
        model("chat"),
        model("chat2"),
        model("vectors", capability=Capability.EMBEDDING),
        model("eyes", capability=Capability.VISION),
        model("cold", resident=False),
        model("only"),
        slots=1,
    )
    there = replace(here, id=EngineId("b/ollama"), node=NodeId("b"), models={**here.models})
    del there.models["only"]  # type: ignore[attr-defined]
    fleet = [here, there]
    told = {each.model: (each.asking, each.why) for each in tries(planned(fleet), fleet)}
    assert {each.asking for each in tries(planned(fleet), fleet, probe=False)} == {Asking.NOTHING}
    assert told == {
        "chat": (Asking.STREAM, ""),
        "chat2": (Asking.CHAT, "no slot of its engine was free for a stream"),
        "vectors": (Asking.EMBED, ""),
        "eyes": (Asking.NOTHING, "it cannot be asked in words"),
        "cold": (Asking.NOTHING, "it is not in memory on a, and is not loaded for a test"),
        "only": (Asking.NOTHING, "it has no second home"),
    }


_MODELS = st.lists(
    st.builds(model, st.sampled_from("xyz"), resident=st.booleans(), gb=st.integers(1, 20)),
    max_size=3,
    unique_by=lambda m: m.id,
)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), _MODELS, st.sampled_from(Health), st.integers(0, 3)), max_size=4),
    st.data(),
)
def test_no_drill_is_polite_that_leaves_a_model_homeless_and_none_is_picked_over_a_polite_one(
    drawn: list[tuple[str, list[Model], Health, int]], data: st.DataObject
) -> None:
    fleet = [
        replace(engine(node, *models, health=health, busy=busy), id=EngineId(f"{node}/{at}"))
        for at, (node, models, health, busy) in enumerate(drawn)
    ]
    how = data.draw(st.sampled_from(How))
    plans = [plan(each.node, how, fleet, set(), 0) for each in fleet]
    for made in plans:
        up = [each for each in fleet if each.node != made.node and each.health is Health.UP]
        for homed in made.models:
            has = any(each.id == homed.model for other in up for each in other.models.values())
            assert has or homed.home is Home.NONE
            assert homed.home is not Home.NONE or made.refusals()
        asked = [each for each in tries(made, fleet) if each.asking is Asking.STREAM]
        for each in fleet:
            assert sum(trying.engine == each.id for trying in asked) <= max(0, each.slots - each.busy)
    picked = pick(how, fleet, set(), 0)
    assert (picked is None) is (not fleet)
    if any(not made.refusals() for made in plans):
        assert picked is not None
        assert not picked.refusals()
