"""That users, keys or sessions were changed in a database by somebody else than the gateway that leads.

That one has them in its memory. Who changes them behind its back, a command on a machine whose service does not run or
a gateway that starts, leaves a mark in the same database; the leader looks for it once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from potluck.core.errors import OperatorError
from potluck.core.model import Json
from potluck.storage.ports import SettingsStore

_NAME = "people.changed"


async def tell_change(settings: SettingsStore, mark: str, now: float) -> None:
    """``mark`` differs from every other one; ``now`` is Unix seconds."""
    await settings.set(_NAME, mark, now)


async def last_change(settings: SettingsStore) -> str:
    found = await settings.get(_NAME)
    return found if isinstance(found, str) else ""


class LeadersSettings:
    """A `SettingsStore` that only the gateway writes which leads: what one before it has learned is older."""

    def __init__(self, settings: SettingsStore, holds: Callable[[], bool]) -> None:
        self._settings = settings
        self._holds = holds

    async def get(self, name: str) -> Json:
        return await self._settings.get(name)

    async def set(self, name: str, value: Json, now: float) -> None:
        if not self._holds():
            raise OperatorError("Another gateway leads.", hint="What it keeps is newer.")
        await self._settings.set(name, value, now)

    async def all(self) -> Mapping[str, Json]:
        return await self._settings.all()
