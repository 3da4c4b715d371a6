"""The table of engines that others run. A new kind is a new module and a line here.

The embedded engine is not in it: it has a life of its own, and is made in the composition root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from potluck.backends.engine_settings import EngineSettings
from potluck.backends.llamacpp import LlamaCpp
from potluck.backends.ollama import Ollama
from potluck.backends.ollama_keeper import OllamaKeeper
from potluck.backends.openai_compat import OpenAiCompat
from potluck.backends.port import Backend, ModelKeeper
from potluck.core.model import EngineKind


class Fitted(msgspec.Struct, frozen=True):
    """An engine's adapter with what it offers beside."""

    backend: Backend
    keeper: ModelKeeper | None = None


BACKENDS: Mapping[EngineKind, Callable[[EngineSettings], Fitted]] = MappingProxyType(
    {
        EngineKind.LLAMACPP: lambda settings: Fitted(LlamaCpp(settings)),
        EngineKind.OLLAMA: lambda settings: Fitted(Ollama(settings), OllamaKeeper()),
        EngineKind.OPENAI: lambda settings: Fitted(OpenAiCompat(settings)),
    }
)
