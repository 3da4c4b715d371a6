from __future__ import annotations

from pathlib import Path

import pytest

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.port import Address
from potluck.backends.table import BACKENDS
from potluck.core.model import Capability, EngineKind, Model, ModelId

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "engines.md"
SETTINGS = EngineSettings(Address("192.0.2.1", 80, base_path="/x"))


def test_every_kind_that_others_run_has_its_line() -> None:
    assert set(BACKENDS) == set(EngineKind) - {EngineKind.LOCAL}


@pytest.mark.parametrize("kind", BACKENDS)
async def test_an_adapter_is_of_its_kind_and_always_ready(kind: EngineKind) -> None:
    backend = BACKENDS[kind](SETTINGS).backend
    model = Model(ModelId("m"))
    assert backend.kind is kind
    assert backend.address(model) == SETTINGS.address
    await backend.prepare(model)


def test_the_page_on_engines_knows_every_kind_and_capability() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{word.value}`" in page for word in (*EngineKind, *Capability))
