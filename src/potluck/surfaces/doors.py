"""Every inference route, in one list.

Apart from the routes of the application, which are not needed for an answer and are imported after "ready".
"""

from __future__ import annotations

from typing import Final

from potluck.core.scheduling.classes import Kind
from potluck.gateway.door import Door
from potluck.surfaces.families import errors_for
from potluck.wire.anthropic.errors import write_error as anthropic_error
from potluck.wire.anthropic.request import read_messages
from potluck.wire.code.errors import write_llamacpp_error, write_tabby_error
from potluck.wire.code.infill import read_infill
from potluck.wire.code.mistral_fim import read_mistral_fim
from potluck.wire.code.tabby import is_tabby, read_tabby
from potluck.wire.ollama.asks import read_chat as read_ollama_chat
from potluck.wire.ollama.asks import read_embed, read_embeddings, read_generate
from potluck.wire.ollama.errors import JSON_TYPE
from potluck.wire.ollama.errors import write_error as ollama_error
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.openai.errors import write_error as openai_error
from potluck.wire.responses.request import read_responses

_TABBY = Door("/v1/completions", "tabby", read_tabby, write_tabby_error, route="coding", kind=Kind.COMPLETION)

DOORS: Final = (
    Door("/v1/chat/completions", "openai", read_chat, openai_error),
    # Tabby's clients ask at the same path in a dialect of their own (API-CONTRACTS.md 9).
    Door("/v1/completions", "openai", read_completion, openai_error, route="coding", others=((is_tabby, _TABBY),)),
    Door("/v1/embeddings", "openai", read_embedding, openai_error, route="embeddings", kind=Kind.BACKGROUND),
    Door("/v1/responses", "openai", read_responses, openai_error),
    Door("/v1/messages", "anthropic", read_messages, anthropic_error),
    Door("/api/chat", "ollama", read_ollama_chat, ollama_error, whole_type=JSON_TYPE),
    Door("/api/generate", "ollama", read_generate, ollama_error, whole_type=JSON_TYPE),
    Door(
        "/api/embed", "ollama", read_embed, ollama_error, route="embeddings", kind=Kind.BACKGROUND, whole_type=JSON_TYPE
    ),
    Door(
        "/api/embeddings",
        "ollama",
        read_embeddings,
        ollama_error,
        route="embeddings",
        kind=Kind.BACKGROUND,
        whole_type=JSON_TYPE,
    ),
    Door("/infill", "llamacpp", read_infill, write_llamacpp_error, route="coding", kind=Kind.COMPLETION),
    Door("/v1/fim/completions", "openai", read_mistral_fim, openai_error, route="coding", kind=Kind.COMPLETION),
)

FALLBACK: Final = Door("", "native", read_chat, errors_for("/"))
"""Speaks for requests that are refused before their path says which dialect they are."""
