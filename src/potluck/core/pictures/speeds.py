"""How long pictures take: seconds for a megapixel and a step, of each model on each engine, learned by drawing.

Until something was drawn there, it is guessed: by the engine's other models, else by the family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from potluck.core.model import EngineId, ModelId
from potluck.core.pictures.catalogue import Family

# How much a new reading counts, as for text (`core.scheduling.rates`).
_SMOOTHING: Final = 0.3
# A 30-series card takes some 0.1 s for SDXL, an AGX Orin 0.5 (published): between both, until one is seen at work.
_GUESSED_S: Final[Mapping[Family, float]] = {
    Family.SD15: 0.3,
    Family.SD2: 0.3,
    Family.SDXL: 0.35,
    Family.SD3: 0.6,
    Family.FLUX: 1.2,
    Family.UNKNOWN: 0.35,
}
# What models take in memory with all they need to draw, and how long it takes to bring that from an ordinary SSD.
_GUESSED_BYTES: Final[Mapping[Family, int]] = {
    Family.SD15: 3_500_000_000,
    Family.SD2: 4_000_000_000,
    Family.SDXL: 8_500_000_000,
    Family.SD3: 12_000_000_000,
    Family.FLUX: 17_000_000_000,
    Family.UNKNOWN: 6_000_000_000,
}
_LOAD_BYTES_PER_S: Final = 6e8
# Eight cores of a desktop take some ten seconds for what a card does in 0.3.
_SLOWER: Final = 30.0


@dataclass(slots=True)
class Speed:
    """``step_s`` is for a megapixel and a step, ``readings`` how many pictures it is from; the others are 0 where
    nobody has seen a load, or the engine does not tell of its memory."""

    step_s: float = 0.0
    load_s: float = 0.0
    bytes: int = 0
    readings: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A picture that was drawn: of ``work`` megapixel-steps, in ``draw_s`` seconds from the first step on, after a load
    of ``load_s`` (0: it was there). ``bytes`` is what the engine's models took afterwards, 0 where it does not tell."""

    work: float
    draw_s: float
    load_s: float = 0.0
    bytes: int = 0


@dataclass(slots=True)
class Speeds:
    """Owned by one `Studio`. Called from one task."""

    _known: dict[tuple[EngineId, ModelId], Speed] = field(default_factory=dict[tuple[EngineId, ModelId], Speed])

    def observe(self, engine: EngineId, model: ModelId, reading: Reading) -> None:
        speed = self._known.setdefault((engine, model), Speed())
        if reading.work > 0 and reading.draw_s > 0:
            seen = reading.draw_s / reading.work
            speed.step_s = _mixed(speed.step_s, seen)
            speed.readings += 1
        if reading.load_s > 0:
            speed.load_s = _mixed(speed.load_s, reading.load_s)
        # The most that was seen: what is left out of memory at one time is in it at another.
        speed.bytes = max(speed.bytes, reading.bytes)

    def draw_s(
        self, engine: EngineId, model: ModelId, family: Family, work: float, *, on_processor: bool = False
    ) -> float:
        """How long so much work takes; ``on_processor``: the engine has no accelerator."""
        speed = self._known.get((engine, model))
        if speed is not None and speed.step_s:
            return work * speed.step_s
        return work * self._guess(engine, family, _SLOWER if on_processor else 1.0)

    def load_s(self, engine: EngineId, model: ModelId, family: Family) -> float:
        """How long until the model is there."""
        speed = self._known.get((engine, model))
        return speed.load_s if speed is not None and speed.load_s else _GUESSED_BYTES[family] / _LOAD_BYTES_PER_S

    def bytes(self, engine: EngineId, model: ModelId, family: Family) -> int:
        """What the model takes in memory."""
        speed = self._known.get((engine, model))
        return speed.bytes if speed is not None and speed.bytes else _GUESSED_BYTES[family]

    def knows(self, engine: EngineId, model: ModelId) -> bool:
        speed = self._known.get((engine, model))
        return speed is not None and speed.readings > 0

    def _guess(self, engine: EngineId, family: Family, slower: float) -> float:
        seen = [speed.step_s for (on, _), speed in self._known.items() if on == engine and speed.step_s]
        return sum(seen) / len(seen) if seen else slower * _GUESSED_S[family]

    # --- kept over restarts (`gateway.kept_rates.Learner`) ---

    def learned(self) -> dict[tuple[EngineId, ModelId], dict[str, float]]:
        return {
            key: {"step_s": each.step_s, "load_s": each.load_s, "bytes": each.bytes, "readings": each.readings}
            for key, each in self._known.items()
        }

    def recall(self, figures: Mapping[tuple[EngineId, ModelId], Mapping[str, float]]) -> None:
        for key, each in figures.items():
            step_s, load_s = each.get("step_s", 0.0), each.get("load_s", 0.0)
            self._known[key] = Speed(step_s, load_s, int(each.get("bytes", 0)), int(each.get("readings", 0)))


def _mixed(old: float, new: float) -> float:
    """The first reading replaces the guess."""
    return old + _SMOOTHING * (new - old) if old else new
