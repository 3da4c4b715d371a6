"""Durations and sizes as people write them."""

from __future__ import annotations

import math
import re


class Unfit(ValueError):
    """A value that cannot be used. ``must`` ends the sentence "KEY must …", ``hint`` is a sentence of its own.

    ``private`` keeps the value out of the message, because it may be a secret.
    """

    def __init__(self, must: str, hint: str = "", *, private: bool = False) -> None:
        super().__init__(must)
        self.must = must
        self.hint = hint
        self.private = private


_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_DURATION_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)

DURATION_HINT = "Write a number and a unit, such as 30s, 5m or 1h30m; a bare number is seconds."
SIZE_HINT = "Write a number and a unit, such as 64GB (10^9 bytes each) or 512MiB (2^20 bytes each)."


def _plain_number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return float(value)
    return None


def parse_duration(value: object) -> float:
    """Seconds of ``30s``, ``1h30m``, ``250ms`` or a bare number of seconds. Raises `Unfit`."""
    seconds = _plain_number(value)
    if seconds is not None:
        return seconds
    text = value.strip() if isinstance(value, str) else ""
    pieces = list(_DURATION_PIECE.finditer(text))
    if not pieces or "".join(piece.group() for piece in pieces) != text:
        raise Unfit("be a duration", DURATION_HINT)
    return sum(float(piece[1]) * _SECONDS[piece[2]] for piece in pieces)


def parse_size(value: object) -> int:
    """Bytes of ``64GB`` (decimal), ``512MiB`` (binary) or a bare number of bytes; case is no matter. Raises `Unfit`."""
    count = _plain_number(value)
    if count is not None:
        return int(count)
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (factor := _BYTES.get(match[2].lower())) is None:
        raise Unfit("be a size", SIZE_HINT)
    return round(float(match[1]) * factor)


def show_duration(seconds: float) -> str:
    """The shortest usual form, to the millisecond: ``5m`` for 300."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds:.3f}s"


def show_size(count: int) -> str:
    """The largest unit that divides: ``64MB`` for 64,000,000, ``64KiB`` for 65,536."""
    for unit in ("TB", "TiB", "GB", "GiB", "MB", "MiB", "KB", "KiB"):
        if count and count % _BYTES[unit.lower()] == 0:
            return f"{count // _BYTES[unit.lower()]}{unit}"
    return f"{count}B"
