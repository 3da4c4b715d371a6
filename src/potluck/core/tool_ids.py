"""Ids for tool calls of engines and clients that give none (API-CONTRACTS.md 8)."""

from __future__ import annotations

import hashlib


def made_up_id(turn: int, index: int, name: str, arguments: str = "") -> str:
    """``call_`` and 8 hex digits, as Ollama's look. The same inputs give the same id, so nothing is random.

    ``turn`` is the place of the message in the conversation: a later call with the same words gets another id.
    """
    text = f"{turn}\0{index}\0{name}\0{arguments}"
    return f"call_{hashlib.blake2s(text.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
