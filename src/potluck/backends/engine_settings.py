"""What the adapters of remote engines are told about the one they speak to."""

from __future__ import annotations

import msgspec

from potluck.backends.port import Address
from potluck.core.model import Model, ModelId


class EngineSettings(msgspec.Struct, frozen=True):
    """One engine as configured. ``models``: for servers that list none. ``context`` (tokens) overrides the engine's.

    ``workflows`` are the owner's graphs for ComfyUI: a name and the file's bytes.
    """

    address: Address
    models: tuple[ModelId, ...] = ()
    context: int | None = None
    workflows: tuple[tuple[str, bytes], ...] = ()


class Remote:
    """What is alike for every engine that somebody else runs: it has one address and is always prepared."""

    hears_only_streams = False
    context_by_call = False

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def address(self, model: Model, needs: object = frozenset()) -> Address | None:
        return self._settings.address

    async def prepare(self, model: Model, needs: object = frozenset()) -> None:
        """Nothing to do: the engine loads what it is asked for by itself."""
