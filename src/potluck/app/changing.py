"""The settings as surfaces ask for them: the file's, the command line's, and what was changed since."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from potluck.app.reloading import Reloader
from potluck.core.model import Json
from potluck.gateway.changed_settings import ChangedSettings

if TYPE_CHECKING:
    from potluck.config.effective import Setting


class Settings:
    """See `surfaces.services.SettingsCare`."""

    def __init__(self, changes: ChangedSettings, reloader: Reloader) -> None:
        self._changes = changes
        self._reloader = reloader
        changes.say = reloader.say

    @property
    def file(self) -> str:
        source = self._reloader.config.source
        return source.name if source is not None else ""

    @property
    def name(self) -> str:
        return self._reloader.config.portal.name

    async def all(self) -> Sequence[Setting]:
        """In a thread: the file is read again, and the first time pydantic is brought in."""
        return await asyncio.to_thread(self._all)

    def _all(self) -> Sequence[Setting]:
        from potluck.config.effective import settings  # noqa: PLC0415 - nobody needs it before

        config = self._reloader.config
        return settings(config.source, self._changes.said, config)

    async def change(self, changes: Mapping[str, Json]) -> Mapping[str, Json]:
        return await self._changes.change(changes)
