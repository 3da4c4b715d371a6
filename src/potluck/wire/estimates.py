"""Guesses at what an answer cost, for engines that do not tell."""

from __future__ import annotations

from potluck.core.answer import Usage

# Some four bytes of UTF-8 make a token in English and in code; other scripts have more tokens in as many bytes.
_BYTES_PER_TOKEN = 4


def estimate(text_bytes: int, prompt_tokens: int) -> Usage:
    """The usage of an answer of ``text_bytes``, marked as a guess."""
    return Usage(prompt=prompt_tokens, completion=-(-text_bytes // _BYTES_PER_TOKEN), estimated=True)
