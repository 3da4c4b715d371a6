"""Limits as they are kept: JSON of what is limited. What this version does not know of it is passed over."""

from __future__ import annotations

import msgspec

from potluck.core.limits import NO_LIMITS, Limits


def write_limits(limits: Limits | None) -> str | None:
    if not limits:
        return None
    said = {name: value for name, value in msgspec.to_builtins(limits).items() if value is not None}
    return msgspec.json.encode(said).decode()


def read_limits(text: str | None) -> Limits | None:
    return None if text is None else msgspec.json.decode(text, type=Limits) or NO_LIMITS
