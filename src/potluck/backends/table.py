"""The table of engines that others run. A new kind is a new module and a line here.

The embedded engine is not in it: it has a life of its own, and is made in the composition root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.llamacpp import LlamaCpp
from potluck.backends.ollama import Ollama
from potluck.backends.ollama_keeper import OllamaKeeper
from potluck.backends.openai_compat import OpenAiCompat
from potluck.backends.port import Backend, ModelKeeper
from potluck.core.model import EngineKind

if TYPE_CHECKING:
    from potluck.backends.images.engine import ImageEngine


class Fitted(msgspec.Struct, frozen=True):
    """An engine's adapter with what it offers beside. ``images`` is the adapter again, where it draws."""

    backend: Backend
    keeper: ModelKeeper | None = None
    images: Any = None


def _draws(engine: ImageEngine) -> Fitted:
    return Fitted(engine, images=engine)


def _comfyui(settings: EngineSettings) -> Fitted:
    from potluck.backends.images.comfyui import ComfyUi  # noqa: PLC0415 - most houses draw nothing
    from potluck.backends.images.engine import ImageEngine  # noqa: PLC0415
    from potluck.wire.comfyui.workflows import read_workflow  # noqa: PLC0415

    workflows = {name: read_workflow(data) for name, data in settings.workflows}
    return _draws(ImageEngine(settings, ComfyUi(settings, workflows)))


def _a1111(settings: EngineSettings) -> Fitted:
    from potluck.backends.images.a1111 import A1111  # noqa: PLC0415
    from potluck.backends.images.engine import ImageEngine  # noqa: PLC0415

    return _draws(ImageEngine(settings, A1111(settings)))


BACKENDS: Mapping[EngineKind, Callable[[EngineSettings], Fitted]] = MappingProxyType(
    {
        EngineKind.LLAMACPP: lambda settings: Fitted(LlamaCpp(settings)),
        EngineKind.OLLAMA: lambda settings: Fitted(Ollama(settings), OllamaKeeper()),
        EngineKind.OPENAI: lambda settings: Fitted(OpenAiCompat(settings)),
        EngineKind.COMFYUI: _comfyui,
        EngineKind.A1111: _a1111,
    }
)
