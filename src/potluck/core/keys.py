"""API keys: how they are made, shown and compared. Only the SHA-256 of a key is ever kept.

A plain hash is enough, and quick enough for the hot path: unlike a password, a key has 256 bits of chance in it.
"""

from __future__ import annotations

import hashlib

KEY_MARK = "pk-"
RANDOM_BYTES = 32
"""How many random bytes `make_key` wants."""

# Letters and digits only, so that a double click marks the whole key in a terminal.
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 43  # ceil(256 / log2(62)): every value of 32 bytes fits
_SHOWN = len(KEY_MARK) + 6  # enough to tell keys apart by eye, 220 bits short of the key


def make_key(random: bytes) -> str:
    """A new key, ``pk-`` and 43 characters, from `RANDOM_BYTES` bytes of a cryptographic source."""
    return KEY_MARK + make_token(random)


def make_token(random: bytes) -> str:
    """43 letters and digits, for what is no key but must be guessed no more than one."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a key is made of {RANDOM_BYTES} random bytes, not {len(random)}")
    number = int.from_bytes(random, "big")
    letters: list[str] = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def digest(key: str) -> bytes:
    """What is kept of a key and compared with: 32 bytes."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def prefix(key: str) -> str:
    """The beginning of a key that may be shown, to tell it from others."""
    return key[:_SHOWN]
