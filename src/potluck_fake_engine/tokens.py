"""The fake's tokenizer: reversible anywhere without a vocabulary, and cheap.

A token is an optional ASCII whitespace followed by up to five printable ASCII characters, or by one character of any
other script; a lone whitespace is a token too. So a token has at most six bytes, and short words are one token each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"[\t-\r ]?[!-~]{1,5}|[\t-\r ]?[^\x00-\x7f]|[\x00-\x7f]")


def pieces(text: str) -> list[str]:
    """The tokens of `text`, whose concatenation is `text` itself."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    return len(_TOKEN.findall(text))


def ids(text: str) -> list[int]:
    """One number per token: its UTF-8 bytes after a leading 1, so it fits into 53 bits and tells its own text."""
    return [int.from_bytes(b"\x01" + piece.encode("utf-8", "surrogatepass"), "big") for piece in pieces(text)]


def text_of(token_ids: Iterable[int]) -> str:
    """The inverse of `ids`. Numbers that are no token of ours read as ``?``."""
    return "".join(_piece_of(token) for token in token_ids)


def _piece_of(token: int) -> str:
    if token <= 1:
        return "?"
    raw = token.to_bytes((token.bit_length() + 7) // 8, "big")
    return raw[1:].decode("utf-8", "replace") if raw[0] == 1 else "?"


def common_prefix(a: str, b: str) -> str:
    """The longest string that both begin with; found by halving, so that the comparing is done in C."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return a[:high]
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return a[:low]
