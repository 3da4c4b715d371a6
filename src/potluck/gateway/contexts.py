"""With what context each model is asked for, on engines that load it anew when that changes.

An engine tells its models' contexts when it is looked at, every half minute. Two clients may come in between; so what
was last asked for is kept until a look confirms it or knows better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from potluck.core.context import suitable
from potluck.core.model import EngineId, Json, Model, ModelId
from potluck.gateway.fleet import Fleet

# A look at an engine may have begun before the last call went there, and tells what was so then.
_LOOK_S = 10.0


@dataclass(slots=True)
class _Asked:
    """``num_ctx`` None: the engine's own default, whatever that is."""

    num_ctx: int | None
    at_s: float


class Contexts:
    """Owns what was asked for. Called from one task; ``clock`` is monotonic seconds."""

    def __init__(self, fleet: Fleet, clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self._clock = clock
        self._asked: dict[tuple[EngineId, ModelId], _Asked] = {}

    def loaded(self, engine: EngineId, model: Model) -> int | None:
        """The context that a model has, or will have when it is loaded; None if that is not known."""
        asked = self._asked.get((engine, model.id))
        told = model.loaded_context if model.resident else None
        return told if asked is None or asked.num_ctx is None else asked.num_ctx

    def choose(self, engine: EngineId, model: Model, needed_tokens: int, wish: Json) -> tuple[int | None, bool]:
        """The context to ask for now, and whether the engine should be looked at after: it loads the model with it."""
        place, loaded = (engine, model.id), self.loaded(engine, model)
        asked = self._asked.get(place)
        running = model.resident or asked is not None
        num_ctx = suitable(loaded, needed_tokens, wish, model.context, running=running)
        if asked is None:
            self._asked[place] = _Asked(num_ctx, self._clock())
            return num_ctx, not model.resident or num_ctx != loaded
        grows = num_ctx != asked.num_ctx and num_ctx != loaded
        asked.num_ctx, asked.at_s = num_ctx, self._clock()
        return num_ctx, grows

    def looked(self, engine: EngineId) -> None:
        """An engine was looked at: what it tells holds from now on, unless our own calls have just changed it."""
        seen = self._fleet.engines.get(engine)
        for place, asked in list(self._asked.items()):
            if place[0] != engine:
                continue
            model = seen.models.get(place[1]) if seen is not None else None
            told = model is None or not model.resident or model.loaded_context is not None
            if told and not self._fleet.busy.get(engine) and self._clock() - asked.at_s > _LOOK_S:
                del self._asked[place]

    def forget(self, engine: EngineId, model: ModelId) -> None:
        """It was put out."""
        self._asked.pop((engine, model), None)
