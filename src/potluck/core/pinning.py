"""Models that the owner wants to stay in memory, and which of them do not stay there now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from potluck.core.model import Engine, EngineId, Health, Model, ModelId
from potluck.core.names import same_model

# Ollama writes the year 2318 for a model that is never unloaded; a keep-alive that a client chose ends within days.
_NEVER_FROM_YEAR = 2200


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One model on one engine."""

    engine: EngineId
    model: ModelId


def lapsed(pins: Iterable[Pin], engine: Engine) -> tuple[ModelId, ...]:
    """The pinned models of an engine that must be loaded for good again: after its restart, or another's keep-alive.

    None while it is not up or has work: a load must not get in the way of calls.
    """
    if engine.health is not Health.UP or engine.busy:
        return ()
    mine = [pin.model for pin in pins if pin.engine == engine.id]
    return tuple(
        model.id
        for model in engine.models.values()
        if any(same_model(name, model.id) for name in mine) and not _stays(model)
    )


def _stays(model: Model) -> bool:
    if not model.resident:
        return False
    year = (model.expires_at or "")[:4]
    return not year.isdigit() or int(year) >= _NEVER_FROM_YEAR
