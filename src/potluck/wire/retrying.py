"""When a client that was refused may come back, in the header fields that dialects share."""

from __future__ import annotations

import math
from typing import Final

from potluck.core.errors import (
    Conflict,
    NodeBusy,
    NotImplementedHere,
    OperatorError,
    Overloaded,
    PotluckError,
    RateLimited,
)
from potluck.wire.rate_limits import Fields, rate_fields

# An engine that refuses for lack of room does not say for how long; a generation takes some seconds.
_BUSY_RETRY_S: Final = 5

# OpenAI's and Anthropic's SDKs try these again by themselves (API-CONTRACTS.md 0), which cannot help: the request or
# the owner must change.
_WILL_NOT_HEAL: Final = (NotImplementedHere, Conflict, OperatorError)


def retry_after(error: Overloaded) -> tuple[str, str]:
    """In whole seconds, and never 0: a client would come back at once."""
    return "retry-after", str(max(1, math.ceil(error.retry_after_s)))


def retry_fields(error: PotluckError, family: str) -> Fields:
    """``retry-after``, where time helps, and how the caller's limits stand; ``family`` is the dialect's."""
    if isinstance(error, Overloaded):
        fields = [retry_after(error)]
        return fields + rate_fields(family, error.levels, error.at_s) if isinstance(error, RateLimited) else fields
    return [("retry-after", str(_BUSY_RETRY_S))] if isinstance(error, NodeBusy) else []


def sdk_retry_fields(error: PotluckError, family: str) -> Fields:
    """The same, and a word to SDKs that try again where nothing but a person helps."""
    fields = retry_fields(error, family)
    return [("x-should-retry", "false")] if not fields and isinstance(error, _WILL_NOT_HEAL) else fields
