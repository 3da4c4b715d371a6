"""Tokens and times as the family states them."""

from __future__ import annotations

import msgspec

from potluck.core.answer import Timings, Usage


class _Details(msgspec.Struct):
    cached_tokens: int | float | None = None
    reasoning_tokens: int | float | None = None


class UsageRead(msgspec.Struct):
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None

    def usage(self) -> Usage:
        return Usage(
            prompt=int(self.prompt_tokens or 0),
            completion=int(self.completion_tokens or 0),
            cached=int((self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0),
            reasoning=int((self.completion_tokens_details and self.completion_tokens_details.reasoning_tokens) or 0),
        )


class TimingsRead(msgspec.Struct):
    """llama.cpp's ``timings``: tokens, and milliseconds. ``prompt_n`` leaves out the ``cache_n`` that were cached."""

    prompt_ms: float | None = None
    predicted_ms: float | None = None
    prompt_n: int | float | None = None
    predicted_n: int | float | None = None
    cache_n: int | float | None = None

    def timings(self) -> Timings:
        read = None if self.prompt_n is None else int(self.prompt_n)
        return Timings(0.0, (self.prompt_ms or 0.0) / 1000, (self.predicted_ms or 0.0) / 1000, read)

    def usage(self) -> Usage | None:
        """The tokens, for a server that leaves ``usage`` out."""
        if self.predicted_n is None:
            return None
        cached = int(self.cache_n or 0)
        return Usage(prompt=cached + int(self.prompt_n or 0), completion=int(self.predicted_n), cached=cached)


class _Cached(msgspec.Struct):
    cached_tokens: int


class _Reasoned(msgspec.Struct):
    reasoning_tokens: int


class UsageWritten(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _Cached
    completion_tokens_details: _Reasoned


def written(usage: Usage) -> UsageWritten:
    return UsageWritten(
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        total_tokens=usage.prompt + usage.completion,
        prompt_tokens_details=_Cached(usage.cached),
        completion_tokens_details=_Reasoned(usage.reasoning),
    )
