"""The drill that is under way, as the settings have it: what a gateway that was killed in the middle of one finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from potluck.core.errors import OperatorError
from potluck.storage.ports import SettingsStore

log = structlog.get_logger(__name__)

SETTING: Final = "drill"


class Begun(msgspec.Struct, frozen=True):
    """A drill that had begun at ``began_s``, Unix seconds. ``how`` is a `core.drill.How`."""

    id: str
    node: str
    how: str
    began_s: float


class KeptDrill:
    """Owns the setting. What a drill does to a node is in memory alone, so the node serves again whatever happens to
    the gateway; this is kept so that it is told. ``clock`` is Unix seconds.
    """

    def __init__(self, store: SettingsStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self.interrupted: Begun | None = None

    async def read(self) -> None:
        """Find the drill that the last end of the gateway cut short, if any, and forget it."""
        try:
            kept = await self._store.get(SETTING)
            if kept is None:
                return
            self.interrupted = msgspec.convert(kept, Begun)
        except (OperatorError, msgspec.ValidationError) as error:
            log.warning("a drill that was cut short cannot be read", why=str(error))
        else:
            log.warning(
                "a drill was cut short by the gateway's end; its node serves again",
                node=self.interrupted.node,
                how=self.interrupted.how,
            )
        await self.forget()

    async def keep(self, begun: Begun) -> None:
        """Before it begins. Raises `OperatorError`."""
        await self._store.set(SETTING, msgspec.to_builtins(begun), self._clock())

    async def forget(self) -> None:
        """After it is over. A database that is away costs no more than a wrong word at the next start."""
        try:
            await self._store.set(SETTING, None, self._clock())
        except OperatorError as error:
            log.warning("the end of a drill cannot be kept", why=error.message)
