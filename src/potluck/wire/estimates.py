"""Guesses at what a prompt has and what an answer cost, for engines that do not tell."""

from __future__ import annotations

from potluck.core.answer import Usage
from potluck.core.context import Length

# Some four bytes of UTF-8 make a token in English and in code; other scripts have more tokens in as many bytes.
_BYTES_PER_TOKEN = 4

# For what must not be too small: source code comes to three, scripts beyond ASCII to two or more.
_BYTES_PER_TOKEN_WRITTEN_CLOSELY = 3
_BYTES_PER_TOKEN_BEYOND_ASCII = 2
# For what must not be too large: no ordinary text has so many, counting JSON's own signs.
_BYTES_PER_TOKEN_AT_MOST = 6
# From 64 (a small tile) to 4,000 tokens, by model and size.
_IMAGE = Length(64, 1024, 4096)
# A text without a quotation mark, a space or a backslash is not so long.
_LEAST_IMAGE_BYTES = 1024


def estimate(text_bytes: int, prompt_tokens: int) -> Usage:
    """The usage of an answer of ``text_bytes``, marked as a guess."""
    return Usage(prompt=prompt_tokens, completion=-(-text_bytes // _BYTES_PER_TOKEN), estimated=True)


def prompt_length(text: bytes, *, images: bool = False) -> Length:
    """The tokens of a prompt, of which ``text`` is all that is said: as a rule, the body of a request.

    No token has less than one byte. ``images`` says that some of its JSON strings may be images in base64, whose bytes
    say nothing of their tokens.
    """
    seen = Length(0, 0, 0)
    if images:
        text, seen = _without_images(text)
    # In most scripts beyond ASCII two of three bytes follow the first one of a sign: to decode is the quickest count.
    follow = 0 if text.isascii() else len(text) - len(text.decode("utf-8", "replace"))
    beyond = follow * 3 // 2
    likely = (len(text) - beyond) // _BYTES_PER_TOKEN_WRITTEN_CLOSELY + beyond // _BYTES_PER_TOKEN_BEYOND_ASCII
    return Length(
        seen.least + len(text) // _BYTES_PER_TOKEN_AT_MOST,
        seen.likely + likely,
        seen.most + len(text),
    )


def _without_images(body: bytes) -> tuple[bytes, Length]:
    strings = body.split(b'"')
    texts = [each for each in strings if len(each) < _LEAST_IMAGE_BYTES or b" " in each or b"\\" in each]
    images = len(strings) - len(texts)
    return b'"'.join(texts), Length(*(images * tokens for tokens in _IMAGE))
