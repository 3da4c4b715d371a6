"""Which dialect's errors a path speaks."""

from __future__ import annotations

from potluck.surfaces.v1.errors import native_error
from potluck.wire.anthropic.errors import write_error as anthropic_error
from potluck.wire.ollama.errors import write_error as ollama_error
from potluck.wire.openai.errors import write_error as openai_error
from potluck.wire.port import ErrorWriter
from potluck.wire.sdapi.errors import write_error as a1111_error

# The first prefix that fits decides; native stands before Ollama, whose prefix it shares.
_FAMILIES: tuple[tuple[str, str, ErrorWriter], ...] = (
    ("/v1/messages", "anthropic", anthropic_error),
    ("/v1/", "openai", openai_error),
    ("/v1beta/", "openai", openai_error),
    ("/api/v1/", "native", native_error),
    ("/api/", "ollama", ollama_error),
    ("/sdapi/", "a1111", a1111_error),
    ("/controlnet/", "a1111", a1111_error),
)


def errors_for(path: str) -> ErrorWriter:
    """The error writer of a path; native where no dialect owns it."""
    return next((writer for prefix, _, writer in _FAMILIES if f"{path}/".startswith(prefix)), native_error)


def surface_of(path: str) -> str:
    """The surface of a path (`core.scopes.SURFACES`); native where no dialect owns it."""
    return next((surface for prefix, surface, _ in _FAMILIES if f"{path}/".startswith(prefix)), "native")
