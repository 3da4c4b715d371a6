"""What callers have spent of their days, kept across restarts: one JSON value among the settings.

A limit for each day that is whole again after every restart would be none. What was spent of a minute is not kept: it
is nearly back when the service is.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final, cast

import msgspec
import structlog

from potluck.core.errors import OperatorError
from potluck.core.limits import MINUTE_S
from potluck.core.model import Json
from potluck.storage.ports import SettingsStore
from potluck.storage.shared.memory import MemoryMeter

log = structlog.get_logger(__name__)

NAME: Final = "spent allowances"
# A crash may give this much of a day back.
PAUSE_S: Final = 15.0
# A row has some hundred bytes.
_MOST: Final = 20_000


class _Kept(msgspec.Struct):
    """``missing`` is seconds until each bucket is full, at ``at_s``."""

    at_s: float
    missing: dict[str, float]


class KeptMeter:
    """Keeps what is missing from ``meter``. ``clock`` is Unix seconds. A database that is away costs nothing else."""

    def __init__(self, settings: SettingsStore, meter: MemoryMeter, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._meter = meter
        self._clock = clock
        self._saved: dict[str, float] = {}

    async def restore(self) -> None:
        """Give back what is kept, as far as it has not come back meanwhile. What cannot be read is left aside."""
        try:
            kept = await self._settings.get(NAME)
            told = msgspec.convert(kept, _Kept) if kept is not None else None
        except (OperatorError, msgspec.ValidationError) as error:
            log.warning("what was spent of limits cannot be read; they begin anew", why=str(error))
            return
        if told is None:
            return
        # A clock that was set back meanwhile has given nothing back, and taken nothing either.
        passed_s = max(0.0, self._clock() - told.at_s)
        self._meter.restore(
            {name: missing - passed_s for name, missing in told.missing.items() if math.isfinite(missing)}
        )

    async def save(self) -> None:
        """Write what is missing, if that is another than before."""
        now = self._clock()
        longest = sorted(self._meter.missing().items(), key=lambda item: -item[1])[:_MOST]
        missing = {name: seconds for name, seconds in longest if seconds > MINUTE_S}
        # When they are full: that stays, for who spends nothing.
        full_at = {name: round(now + seconds) for name, seconds in missing.items()}
        if full_at == self._saved:
            return
        try:
            await self._settings.set(NAME, cast("Json", msgspec.to_builtins(_Kept(now, missing))), now)
        except OperatorError as error:
            log.warning("what was spent of limits cannot be written; it is tried again", why=error.message)
            return
        self._saved = {name: float(at_s) for name, at_s in full_at.items()}

    async def keeping(self, pause_s: float = PAUSE_S) -> None:
        """Save again and again, until cancelled."""
        while True:
            await asyncio.sleep(pause_s)
            await self.save()
