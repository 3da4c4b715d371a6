"""The dialects that the fake speaks. A new one is a new file and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from potluck_fake_engine.dialects import a1111, comfyui, llamacpp, ollama, openai
from potluck_fake_engine.dialects.base import Dialect

# Where several are served on one port, the first that has a path answers it.
DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (openai.DIALECT, llamacpp.DIALECT, ollama.DIALECT, comfyui.DIALECT, a1111.DIALECT)
}

WRITING = ("openai", "llamacpp", "ollama")
"""Those of engines that write; what ``all`` means."""
