"""What was changed of the settings while the service ran: kept in the database, and let hold at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, cast

import structlog

from potluck.config.changeable import CHANGEABLE, changed
from potluck.config.model import Config
from potluck.core.errors import BadRequest
from potluck.core.model import Json
from potluck.storage.ports import SettingsStore

log = structlog.get_logger(__name__)

NAME: Final = "changed settings"


class ChangedSettings:
    """Owns the changes. ``say`` lets them hold, `Reloader.say`; ``clock`` is Unix seconds."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._turn = asyncio.Lock()
        self.said: Mapping[str, Json] = {}
        self.say: Callable[[Mapping[str, Json]], None] = lambda said: None

    async def read(self, config: Config) -> None:
        """Take what is kept. What is no setting any more, or not a fit value, is passed over."""
        kept = await self._store.get(NAME)
        fit: dict[str, Json] = {}
        for key, value in cast("dict[str, Json]", kept if isinstance(kept, dict) else {}).items():
            try:
                changed(config, {key: value})
            except BadRequest as error:
                log.warning("a setting that was changed in the portal does not count any more", why=error.message)
            else:
                fit[key] = value
        self.said = fit

    async def change(self, changes: Mapping[str, Json]) -> Mapping[str, Json]:
        """Let these hold from now on, None for what the file says; written before it holds. What was before, so that it
        can be undone. Raises `BadRequest`, and then nothing has changed."""
        async with self._turn:
            before = self.said
            # One that is to be as in the file again must be a setting, too; its value is of no account.
            checked = {key: value for key, value in changes.items() if value is not None or key not in CHANGEABLE}
            changed(Config(), checked)
            said = {key: value for key, value in {**before, **changes}.items() if value is not None}
            await self._store.set(NAME, cast("Json", said), self._clock())
            self.said = said
            self.say(said)
            return {key: before.get(key) for key in changes}
