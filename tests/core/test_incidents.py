"""From how engines are to what a person reads."""

from __future__ import annotations

import itertools

import pytest

from potluck.core.incidents import Cause, Incident, Incidents, Present, present, sentence
from potluck.core.model import Engine, EngineId, EngineKind, Health, NodeId

A, B = NodeId("a"), NodeId("b")
ONE, TWO = EngineId("a/ollama:1"), EngineId("a/comfyui:2")
NONE = EngineId("")


def engine(id_: EngineId, health: Health, why: str = "", **more: object) -> Engine:
    return Engine(id_, NodeId(id_.partition("/")[0]), EngineKind.OLLAMA, health, why=why, **more)  # type: ignore[arg-type]


def causes(*engines: Engine, **more: object) -> list[tuple[Cause, str]]:
    return [(key.cause, key.engine or key.node) for key in present(engines, **more).troubles]  # type: ignore[arg-type]


def log() -> Incidents:
    numbers = itertools.count(1)
    return Incidents(lambda: f"i{next(numbers)}")


def test_a_node_of_which_nothing_answers_is_down_and_else_its_engines_are() -> None:
    down = engine(ONE, Health.DOWN, "refused")
    assert causes(down, engine(TWO, Health.DOWN, "silent")) == [(Cause.NODE_DOWN, A)]
    assert causes(down, engine(TWO, Health.UP)) == [(Cause.ENGINE_DOWN, ONE)]
    assert causes(engine(ONE, Health.SUSPECT), engine(TWO, Health.UNKNOWN)) == []
    assert present([down]).troubles[next(iter(present([down]).troubles))] == "refused"


def test_calls_that_fail_drains_and_drills_are_troubles_too() -> None:
    failing = engine(ONE, Health.UP, "It breaks.", failures=5)
    assert causes(failing) == [(Cause.CALLS_FAIL, ONE)]
    assert causes(failing, drained={A}) == [(Cause.CALLS_FAIL, ONE), (Cause.DRAINED, A)]
    assert causes(engine(ONE, Health.UP), drilled={A: "block"}) == [(Cause.DRILL, A)]
    assert causes(engine(ONE, Health.DOWN, failures=5)) == [(Cause.NODE_DOWN, A)]


def test_one_that_was_not_looked_at_yet_ends_nothing() -> None:
    incidents = log()
    incidents.look(present([engine(ONE, Health.DOWN, "refused")]), 10.0)
    again = log()
    again.recall(incidents.opened.values())
    assert again.look(present([engine(ONE, Health.UNKNOWN)]), 20.0) == []
    assert again.look(present([engine(ONE, Health.DOWN, "refused")]), 30.0) == []
    (over,) = again.look(present([engine(ONE, Health.UP)]), 40.0)
    assert (over.id, over.since_s, over.until_s) == ("i1", 10.0, 40.0)


def test_an_incident_begins_changes_its_reason_and_ends() -> None:
    incidents = log()
    (began,) = incidents.look(present([engine(ONE, Health.DOWN, "refused")]), 10.0)
    assert (began.cause, began.node, began.why, began.until_s) == (Cause.NODE_DOWN, A, "refused", None)
    (changed,) = incidents.look(present([engine(ONE, Health.DOWN, "x" * 600)]), 20.0)
    assert (changed.id, len(changed.why)) == (began.id, 500)
    assert incidents.look(present([engine(ONE, Health.DOWN, "x" * 600)]), 25.0) == []
    (over,) = incidents.look(present([engine(ONE, Health.UP)]), 30.0)
    assert (over.id, over.until_s, list(incidents.recent())) == (began.id, 30.0, [over])


def test_when_a_failing_engine_is_tried_again_is_no_news() -> None:
    incidents = log()
    incidents.look(present([engine(ONE, Health.UP, "Tried again in 9 s.", failures=5)]), 10.0)
    assert incidents.look(present([engine(ONE, Health.UP, "Tried again in 8 s.", failures=5)]), 11.0) == []


def test_what_comes_and_goes_is_one_incident() -> None:
    incidents = log()
    up, down = present([engine(ONE, Health.UP)]), present([engine(ONE, Health.DOWN)])
    for at_s in (0.0, 20.0, 40.0):
        incidents.look(down, at_s)
        incidents.look(up, at_s + 10)
    (only,) = incidents.recent()
    assert (only.since_s, only.until_s, only.count) == (0.0, 50.0, 3)
    (other,) = incidents.look(down, 200.0)
    assert (other.id, other.count, len(incidents.recent())) == ("i2", 1, 2)
    assert incidents.recent()[0] is other


def test_calls_that_break_together_are_one_incident() -> None:
    incidents = log()
    for number in range(30):
        told = incidents.happened(Cause.RESCUED, A, NONE, 100.0 + number, why="gone", request=f"r{number}")
    assert (told.count, told.since_s, told.until_s, len(told.requests)) == (30, 100.0, 129.0, 20)
    assert incidents.happened(Cause.LOST, A, NONE, 130.0).count == 1
    assert incidents.happened(Cause.RESCUED, A, NONE, 500.0).id == "i3"
    incidents.look(Present({}, ()), 1000.0)
    assert incidents.last == {}
    assert [each.id for each in incidents.recent()] == ["i3", "i2", "i1"]


@pytest.mark.parametrize("cause", Cause)
def test_each_has_a_sentence_while_it_lasts_and_after(cause: Cause) -> None:
    incident = Incident("i", cause, A, ONE, 1.0, why="secret")
    for each in (incident, Incident("i", cause, A, ONE, 1.0, 2.0), Incident("i", cause, A, ONE, 1.0, 2.0, count=3)):
        said = sentence(each)
        assert said.endswith(".")
        assert "{" not in said
        assert "secret" not in said


def test_sentences_are_for_people() -> None:
    assert sentence(Incident("i", Cause.ENGINE_DOWN, A, ONE, 1.0)) == "ollama:1 on a does not answer; the node does."
    assert sentence(Incident("i", Cause.NODE_DOWN, A, NONE, 1.0, 2.0, count=2)) == (
        "a did not answer. That happened 2 times in a row."
    )
    assert sentence(Incident("i", Cause.RESCUED, A, NONE, 1.0, 2.0, count=7)) == (
        "7 answers broke off on a, and were gone on with elsewhere."
    )
