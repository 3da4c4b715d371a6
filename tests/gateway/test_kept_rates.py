"""What was learned outlives a restart, and neither a broken value nor a lost database stops anything."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from potluck.core.errors import OperatorError
from potluck.core.model import EngineId, Json, ModelId
from potluck.gateway.kept_rates import NAME, Figures, KeptRates

A = (EngineId("agx0/ollama:11434"), ModelId("llama3.2:latest"))
B = (EngineId("orin0/ollama:11435"), ModelId("llama3.2:latest"))
DAY_S = 86_400.0


@dataclass
class Settings:
    """A store in memory; ``away`` is a database that is not there."""

    values: dict[str, Json] = field(default_factory=dict)
    writes: int = 0
    away: bool = False

    async def get(self, name: str) -> Json:
        self._here()
        return self.values.get(name)

    async def set(self, name: str, value: Json, now: float) -> None:
        self._here()
        self.writes += 1
        self.values[name] = value

    async def all(self) -> Mapping[str, Json]:
        return self.values

    def _here(self) -> None:
        if self.away:
            raise OperatorError("The database does not answer.")


@dataclass
class Learner:
    figures: dict[tuple[EngineId, ModelId], dict[str, float]] = field(default_factory=dict)
    recalled: Figures | None = None

    def learned(self) -> Figures:
        return self.figures

    def recall(self, figures: Figures) -> None:
        self.recalled = figures


@dataclass
class World:
    settings: Settings = field(default_factory=Settings)
    now: float = 1_750_000_000.0

    def kept(self, learner: Learner) -> KeptRates:
        return KeptRates(self.settings, learner, lambda: self.now)

    async def recalled(self) -> Figures | None:
        """What a service that starts now is given."""
        learner = Learner()
        await self.kept(learner).restore()
        return learner.recalled


async def test_what_was_learned_outlives_a_restart() -> None:
    world = World()
    learner = Learner({A: {"decode": 28.1, "prefill": 420.0}, B: {"decode": 6.2}})
    await world.kept(learner).save()
    assert await world.recalled() == learner.figures


async def test_a_first_start_recalls_nothing() -> None:
    assert await World().recalled() == {}


async def test_what_has_not_changed_is_not_written_again() -> None:
    world, learner = World(), Learner({A: {"decode": 28.1}})
    kept = world.kept(learner)
    await kept.save()
    await kept.save()
    assert world.settings.writes == 1
    learner.figures[A]["decode"] = 28.2
    await kept.save()
    assert world.settings.writes == 2
    after = world.kept(Learner({A: {"decode": 28.2}}))
    await after.restore()
    await after.save()
    assert world.settings.writes == 2


async def test_an_engine_that_is_away_for_a_while_is_not_forgotten() -> None:
    world = World()
    await world.kept(Learner({A: {"decode": 1.0}, B: {"decode": 2.0}})).save()
    world.now += 100 * DAY_S
    learner = Learner({A: {"decode": 3.0}})
    kept = world.kept(learner)
    await kept.restore()
    await kept.save()
    assert await world.recalled() == {A: {"decode": 3.0}, B: {"decode": 2.0}}
    world.now += 100 * DAY_S
    assert await world.recalled() == {A: {"decode": 3.0}}


async def test_there_is_an_end_to_what_is_kept() -> None:
    world = World()
    many = {(EngineId(f"e{number}"), ModelId("m")): {"decode": 1.0} for number in range(2_500)}
    await world.kept(Learner(many)).save()
    recalled = await world.recalled()
    assert recalled is not None
    assert len(recalled) == 2_000


@pytest.mark.parametrize("broken", [5, {"a": 1}, [5], [{"engine": "a"}], [{"engine": 1, "model": 2, "at_s": 3}]])
async def test_a_value_that_is_none_of_ours_is_learned_anew(broken: Json) -> None:
    world = World(Settings({NAME: broken}))
    assert await world.recalled() is None
    await world.kept(Learner({A: {"decode": 1.0}})).save()
    assert await world.recalled() == {A: {"decode": 1.0}}


@pytest.mark.parametrize("figure", [math.nan, math.inf, -1.0])
async def test_a_figure_that_is_none_is_not_kept(figure: float) -> None:
    world = World()
    await world.kept(Learner({A: {"decode": figure}, B: {"decode": 2.0}})).save()
    assert await world.recalled() == {B: {"decode": 2.0}}


async def test_a_database_that_is_away_costs_nothing_but_learning() -> None:
    world = World()
    kept = world.kept(Learner({A: {"decode": 1.0}}))
    world.settings.away = True
    await kept.restore()
    await kept.save()
    world.settings.away = False
    await kept.save()
    assert await world.recalled() == {A: {"decode": 1.0}}


async def test_it_is_saved_again_and_again() -> None:
    world, learner = World(), Learner({A: {"decode": 1.0}})
    keeping = asyncio.ensure_future(world.kept(learner).keeping(0.001))
    while not world.settings.writes:
        await asyncio.sleep(0.001)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
