"""Go's times: RFC 3339 with nanoseconds, durations in whole nanoseconds, and texts such as ``1h30m``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from potluck.core.errors import BadRequest
from potluck.core.model import Json

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PIECE = re.compile(r"(\d+\.?\d*|\.\d+)([a-zµμ]*)")

FOREVER_S = -1.0
"""``keep_alive_s`` of a model that is never unloaded."""


# The longest time that Go's durations hold is 292 years: whatever is longer means the same.
_LONGEST_S = 9.2e9


def rfc3339(unix_s: float) -> str:
    """``2026-01-31T12:00:00.250000000Z``. A float holds some 200 ns of today's time; the digits below are its noise."""
    seconds = int(unix_s // 1)
    nanos = int((unix_s - seconds) * 1e9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def nanoseconds(seconds: float) -> int:
    """A duration as Ollama states it; never negative, for clocks may step back."""
    return max(0, round(seconds * 1e9))


def parse_duration(text: str) -> float:
    """Go's ``time.ParseDuration`` in seconds. Raises `BadRequest` in Go's words."""
    body = text[1:] if text.startswith(("+", "-")) else text
    if body == "0":
        return 0.0
    pieces: list[tuple[str, str]] = _PIECE.findall(body)
    if not pieces or "".join(number + unit for number, unit in pieces) != body:
        raise BadRequest(f'time: invalid duration "{text}"', param="keep_alive")
    total = 0.0
    for number, unit in pieces:
        if not unit:
            raise BadRequest(f'time: missing unit in duration "{text}"', param="keep_alive")
        if unit not in _UNITS_S:
            raise BadRequest(f'time: unknown unit "{unit}" in duration "{text}"', param="keep_alive")
        total += float(number) * _UNITS_S[unit]
    return -total if text.startswith("-") else total


def read_keep_alive(value: Json) -> float | None:
    """``keep_alive`` in seconds: a number of seconds or a duration. Any negative one means `FOREVER_S`, None unset.

    Raises `BadRequest` for what is neither.
    """
    match value:
        case None | "":
            return None
        case bool() | list() | dict():
            raise BadRequest(f"Unsupported type: '{type(value).__name__}'", param="keep_alive")
        case str():
            seconds = parse_duration(value)
        case _:
            seconds = min(value, _LONGEST_S)
    return FOREVER_S if seconds < 0 or seconds >= _LONGEST_S else float(seconds)


def write_keep_alive(seconds: float) -> int | str:
    """The same for an engine: whole seconds as a number, parts as a duration."""
    if seconds < 0:
        return -1
    return int(seconds) if seconds.is_integer() else f"{round(seconds * 1000)}ms"
