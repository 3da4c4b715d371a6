import asyncio

import pytest

from potluck.core.model import EngineId, ModelId
from potluck.gateway.kept_rates import Figures, KeptRates
from potluck.storage.ports import Storage


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "ä", [], {"a": [1, {"b": None}]}])
async def test_any_json_comes_back_as_it_was(storage: Storage, value) -> None:
    await storage.settings.set("x", value, 1.0)
    assert await storage.settings.get("x") == value
    assert await storage.settings.all() == {"x": value}


async def test_a_name_that_is_not_there_is_none(storage: Storage) -> None:
    assert await storage.settings.get("x") is None
    assert await storage.settings.all() == {}


async def test_the_last_value_stands(storage: Storage) -> None:
    await storage.settings.set("x", 1, 1.0)
    await storage.settings.set("y", 2, 1.0)
    await storage.settings.set("x", 3, 2.0)
    assert await storage.settings.all() == {"x": 3, "y": 2}


async def test_a_new_name_can_be_set_by_many_at_once(storage: Storage) -> None:
    await asyncio.gather(*(storage.settings.set("x", number, 1.0) for number in range(8)))
    assert await storage.settings.get("x") in range(8)


async def test_what_was_learned_of_engines_is_kept_by_every_storage(storage: Storage) -> None:
    key = (EngineId("agx0/ollama:11434"), ModelId("llama3.2:latest"))

    class Learner:
        recalled: Figures | None = None

        def learned(self) -> Figures:
            return {key: {"decode": 28.1, "prefill": 420.0}}

        def recall(self, figures: Figures) -> None:
            self.recalled = figures

    await KeptRates(storage.settings, Learner(), lambda: 1.0).save()
    after = Learner()
    await KeptRates(storage.settings, after, lambda: 2.0).restore()
    assert after.recalled == after.learned()
