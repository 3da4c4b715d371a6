"""Embeddings without a model: texts that share words lie near each other, the same text always lies in one place."""

from __future__ import annotations

import math
import re
import struct
from hashlib import blake2b

_WORD = re.compile(r"\w+")
_HASHES_PER_WORD = 8


def embed(model: str, text: str, dims: int) -> list[float]:
    """A unit vector of `dims` numbers, each exact as float32.

    Every word adds +1 or -1 at eight places that a hash picks (feature hashing); the whole text adds a quarter as much,
    so that no two texts are quite the same.
    """
    vector = [0.0] * dims
    for word in _WORD.findall(text.lower()):
        _add(vector, f"{model}\x00{word}", 1.0)
    _add(vector, f"{model}\x01{text}", 0.25)
    norm = math.sqrt(sum(x * x for x in vector)) or 1.0
    return list(struct.unpack(f"<{dims}f", struct.pack(f"<{dims}f", *(x / norm for x in vector))))


def _add(vector: list[float], key: str, weight: float) -> None:
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4 * _HASHES_PER_WORD).digest()
    for number in struct.unpack(f"<{_HASHES_PER_WORD}I", digest):
        vector[(number >> 1) % len(vector)] += weight if number & 1 else -weight
