"""What was learned of each engine's speed, kept across restarts: one JSON value among the settings.

Who learns is pure and knows no storage; here its figures are taken out, written now and then, and given back at the
start. A model that takes minutes to show its speed is not to be learned anew because the service was updated.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias, cast

import msgspec
import structlog

from potluck.core.errors import OperatorError
from potluck.core.model import EngineId, Json, ModelId
from potluck.storage.ports import SettingsStore

log = structlog.get_logger(__name__)

Figures: TypeAlias = Mapping[tuple[EngineId, ModelId], Mapping[str, float]]
"""Of each model on each engine some named figures, such as tokens or seconds, whose meaning is the learner's."""

NAME: Final = "learned rates"
IMAGES: Final = "learned image rates"
# A crash may cost this much learning: the writes of a small machine's card are worth more.
PAUSE_S: Final = 60.0
# An engine or a model that was not seen for half a year has gone; a name more costs some hundred bytes.
_FORGOTTEN_S: Final = 180 * 86_400.0
_MOST: Final = 2_000


class Learner(Protocol):
    """Who learns. Both methods are called in one synchronous stretch, from the gateway's one task."""

    def learned(self) -> Figures:
        """Everything that is worth keeping, as it is now."""
        ...

    def recall(self, figures: Figures) -> None:
        """What was learned before the restart: where to start from. Names that it does not know are passed over."""
        ...


class _Row(msgspec.Struct):
    engine: str
    model: str
    at_s: float
    figures: dict[str, float]


class KeptRates:
    """Keeps what ``learner`` learns, under ``name``. ``clock`` is Unix seconds. A database that is away costs nothing
    but learning."""

    def __init__(self, settings: SettingsStore, learner: Learner, clock: Callable[[], float], name: str = NAME) -> None:
        self._name = name
        self._settings = settings
        self._learner = learner
        self._clock = clock
        self._rows: dict[tuple[EngineId, ModelId], _Row] = {}
        self._saved = True

    async def restore(self) -> None:
        """Give back what is kept. What cannot be read is left aside, and written over in time."""
        try:
            kept = await self._settings.get(self._name)
            rows = msgspec.convert(kept if kept is not None else [], list[_Row])
        except (OperatorError, msgspec.ValidationError) as error:
            log.warning("what was learned cannot be read; it is learned anew", why=str(error))
            return
        self._rows = {(EngineId(row.engine), ModelId(row.model)): row for row in rows if _possible(row)}
        self._forget()
        self._learner.recall({key: row.figures for key, row in self._rows.items()})

    async def save(self) -> None:
        """Write what is new."""
        self._take()
        if self._saved:
            return
        rows = sorted(self._rows.values(), key=lambda row: (row.engine, row.model))
        try:
            await self._settings.set(self._name, cast("Json", msgspec.to_builtins(rows)), self._clock())
        except OperatorError as error:
            log.warning("what was learned cannot be written; it is tried again", why=error.message)
            return
        self._saved = True

    async def keeping(self, pause_s: float = PAUSE_S) -> None:
        """Save again and again, until cancelled."""
        while True:
            await asyncio.sleep(pause_s)
            await self.save()

    def _take(self) -> None:
        now = self._clock()
        for key, figures in self._learner.learned().items():
            row = _Row(*key, now, dict(figures))
            before = self._rows.get(key)
            if _possible(row) and (before is None or before.figures != row.figures):
                self._rows[key] = row
                self._saved = False
        self._forget()

    def _forget(self) -> None:
        oldest_s = self._clock() - _FORGOTTEN_S
        newest = sorted(self._rows.items(), key=lambda item: item[1].at_s, reverse=True)[:_MOST]
        self._rows = {key: row for key, row in newest if row.at_s >= oldest_s}


def _possible(row: _Row) -> bool:
    """Whether the figures are ones: neither below nothing nor beyond all measure, which JSON could not hold."""
    return all(math.isfinite(figure) and figure >= 0 for figure in row.figures.values())
