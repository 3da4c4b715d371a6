from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.model import Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId
from potluck.core.pinning import Pin, lapsed

ID = EngineId("agx0/ollama:11434")
FOREVER = "2318-01-01T00:00:00Z"
SOON = "2026-11-26T12:00:00Z"


def engine(*models: Model, **fields: object) -> Engine:
    plain = Engine(ID, NodeId("agx0"), EngineKind.OLLAMA, Health.UP, models={model.id: model for model in models})
    return replace(plain, **fields)  # type: ignore[arg-type]


def model(*, resident: bool, expires_at: str | None = None) -> Model:
    return Model(ModelId("llama3.2:latest"), resident=resident, expires_at=expires_at)


PIN = Pin(ID, ModelId("llama3.2"))


@pytest.mark.parametrize(
    ("there", "again"),
    [
        (model(resident=True, expires_at=FOREVER), False),
        (model(resident=True), False),
        (model(resident=True, expires_at="-"), False),
        (model(resident=True, expires_at=SOON), True),
        (model(resident=False), True),
    ],
)
def test_a_pinned_model_is_loaded_again_unless_it_stays_for_good(there: Model, again: bool) -> None:
    assert lapsed([PIN], engine(there)) == ((there.id,) if again else ())


def test_an_engine_at_work_or_away_is_left_alone() -> None:
    there = model(resident=False)
    assert not lapsed([PIN], engine(there, busy=1))
    assert not lapsed([PIN], engine(there, health=Health.DOWN))


def test_other_models_and_other_engines_do_not_matter() -> None:
    assert not lapsed(
        [Pin(EngineId("else"), ModelId("llama3.2")), Pin(ID, ModelId("m"))], engine(model(resident=False))
    )
