"""Durations that options take: ``30d``, ``1h``."""

from __future__ import annotations

from potluck.cli.failure import USAGE, CliError
from potluck.config.units import DURATION_HINT, Unfit, parse_duration


def seconds(text: str, option: str) -> float:
    """What ``option`` says, in seconds. Raises `CliError` (wrong usage)."""
    try:
        return parse_duration(text)
    except Unfit as error:
        raise CliError(f"{option} must {error.must}.", hint=error.hint or DURATION_HINT, code=USAGE) from error
