"""What shapes of the native API share. The shapes stand beside this file, by subject: what it takes and gives, as JSON.

Requests are strict about types and ignore fields they do not know. Times are RFC 3339 in UTC, durations seconds, sizes
bytes, lengths tokens. The OpenAPI document is made from these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from potluck.core.answer import Timings, Usage

Temperature: TypeAlias = Annotated[float, Meta(ge=0, le=2)]
Tokens: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Named: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Tag: TypeAlias = Annotated[str, Meta(min_length=1, max_length=50)]


def rfc3339(seconds: float) -> str:
    """Unix seconds as API text: ``2026-08-01T12:00:00.250Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class UsageInfo(msgspec.Struct):
    """Tokens. ``prompt_tokens`` includes ``cached_tokens``; ``estimated`` says that the engine told none."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @classmethod
    def of(cls, usage: Usage) -> UsageInfo:
        return cls(usage.prompt, usage.completion, usage.cached, usage.reasoning, usage.estimated)


class TimingsInfo(msgspec.Struct):
    """The engine's own seconds: loading the model, reading the prompt, writing the answer."""

    load_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0

    @classmethod
    def of(cls, timings: Timings) -> TimingsInfo:
        return cls(timings.load_s, timings.prefill_s, timings.decode_s)
