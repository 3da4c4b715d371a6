"""How a caller's limits stand, in the header fields of its dialect.

OpenAI's and Anthropic's are their APIs' own (each SDK shows them to programs); ``RateLimit`` and ``RateLimit-Policy``
are draft-ietf-httpapi-ratelimit-headers-10, for everybody. A field tells of one bucket: of those of its unit, the one
that is nearest to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Final

from potluck.core.allowances import Level, Unit

Fields = list[tuple[str, str]]

_ANTHROPIC: Final = "anthropic"
_NAMED: Final = (Unit.REQUESTS, Unit.TOKENS)


def rate_fields(family: str, levels: Sequence[Level], at_s: float) -> Fields:
    """The fields of an answer. ``family`` is the dialect's, ``at_s`` is when the levels stood so, in Unix seconds."""
    levels = [each for each in levels if not each.claim.soft]
    if not levels:
        return []
    nearest = [found for unit in _NAMED if (found := _nearest(levels, unit)) is not None]
    named = (_anthropic(each, at_s) for each in nearest) if family == _ANTHROPIC else map(_openai, nearest)
    return [*(field for fields in named for field in fields), *_ietf(levels)]


def _nearest(levels: Iterable[Level], unit: Unit) -> Level | None:
    of_unit = [each for each in levels if each.claim.allowance.unit is unit]
    return min(of_unit, key=lambda each: (each.remaining, -each.full_s), default=None)


def _openai(level: Level) -> Fields:
    unit = level.claim.allowance.unit
    return [
        (f"x-ratelimit-limit-{unit}", f"{level.claim.allowance.amount:.0f}"),
        (f"x-ratelimit-remaining-{unit}", str(level.remaining)),
        (f"x-ratelimit-reset-{unit}", _duration(level.full_s)),
    ]


def _anthropic(level: Level, at_s: float) -> Fields:
    unit = level.claim.allowance.unit
    full_at = datetime.fromtimestamp(ceil(at_s + level.full_s), UTC)
    return [
        (f"anthropic-ratelimit-{unit}-limit", f"{level.claim.allowance.amount:.0f}"),
        (f"anthropic-ratelimit-{unit}-remaining", str(level.remaining)),
        (f"anthropic-ratelimit-{unit}-reset", full_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ]


def _ietf(levels: Sequence[Level]) -> Fields:
    policies: list[str] = []
    standings: list[str] = []
    for each in levels:
        allowance, name = each.claim.allowance, _policy(each)
        unit = "" if allowance.unit is Unit.REQUESTS else f';qu="{allowance.unit}"'
        policies.append(f'"{name}";q={allowance.amount:.0f}{unit};w={allowance.period_s:.0f}')
        standings.append(f'"{name}";r={each.remaining};t={ceil(each.full_s)}')
    return [("ratelimit-policy", ", ".join(policies)), ("ratelimit", ", ".join(standings))]


def _policy(level: Level) -> str:
    """A bucket's name without whose it is: ``user-requests-per-minute``."""
    whose, _, rest = level.claim.bucket.partition("/")
    return f"{whose}-{rest.rpartition('/')[2].replace('_', '-')}"


def _duration(seconds: float) -> str:
    """As OpenAI writes it.

    >>> _duration(0.25), _duration(7), _duration(360), _duration(86_399.5)
    ('250ms', '7s', '6m0s', '24h0m0s')
    """
    if 0 < seconds < 1:
        return f"{ceil(seconds * 1000)}ms"
    minutes, left = divmod(ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{left}s" if hours else f"{minutes}m{left}s" if minutes else f"{left}s"
