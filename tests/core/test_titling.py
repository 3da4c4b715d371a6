from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.model import Capability, Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.titling import Chosen, Made, ask, choose, read

BIG = Model(ModelId("big"), resident=True, size_bytes=9)
SMALL = Model(ModelId("small"), resident=True, size_bytes=2)


def engine(name: str, *models: Model, busy: int = 0, health: Health = Health.UP, failures: int = 0) -> Engine:
    held = {model.id: model for model in models}
    return Engine(EngineId(name), NodeId(name), EngineKind.OLLAMA, health, 4, busy, held, failures=failures)


def test_the_smallest_model_in_memory_is_chosen_where_the_least_runs() -> None:
    cold = replace(SMALL, id=ModelId("cold"), resident=False, size_bytes=1)
    vectors = replace(SMALL, id=ModelId("embed"), size_bytes=1, capabilities=frozenset({Capability.EMBEDDING}))
    down = engine("down", replace(SMALL, size_bytes=1), health=Health.DOWN)
    failing = engine("failing", replace(SMALL, size_bytes=1), failures=3)
    engines = [engine("a", BIG, cold, vectors), engine("b", SMALL, busy=2), engine("c", SMALL), down, failing]
    assert choose(engines) == Chosen(NodeId("c"), SMALL)
    assert choose([engine("a", cold)]) is None


def test_it_is_asked_for_little() -> None:
    call = ask("small", "Where? " * 1000, "South.")
    assert call.sampling.max_tokens == 60
    assert len(call.messages[1].text) < 2_000


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Title: Where geese fly\nTags: birds, North, birds, x, y", Made("Where geese fly", ("birds", "north", "x"))),
        ('**Title:** "Wild geese."\n', Made("Wild geese")),
        ("\n“Wild geese”\n", Made("Wild geese")),
        ("Tags: a", None),
        ("", None),
        ("word " * 40, None),
    ],
)
def test_what_models_answer_is_read(text: str, made: Made | None) -> None:
    assert read(text) == made


@given(st.text(max_size=200))
def test_any_answer_is_read(text: str) -> None:
    made = read(text)
    assert made is None or (made.title and len(made.tags) <= 3)
