"""The options by which limits are said, and how limits are shown: for users and for keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec
import typer

from potluck.cli.failure import CliError
from potluck.core.scheduling.classes import Kind
from potluck.surfaces.v1.limit_shapes import LimitsChange, LimitsInfo

NONE = "none"
"""What takes a limit away."""

PerMinute: TypeAlias = Annotated[str, typer.Option(help="Requests in a minute, or none.", metavar="N")]
PerDay: TypeAlias = Annotated[str, typer.Option(help="Requests in a day, or none.", metavar="N")]
TokensPerMinute: TypeAlias = Annotated[
    str, typer.Option(help="Tokens of prompts and answers in a minute, or none.", metavar="N")
]
TokensPerDay: TypeAlias = Annotated[
    str, typer.Option(help="Tokens of prompts and answers in a day, or none.", metavar="N")
]
ImagesPerDay: TypeAlias = Annotated[str, typer.Option(help="Images in a day, or none.", metavar="N")]
Concurrent: TypeAlias = Annotated[str, typer.Option(help="Calls at the same time, or none.", metavar="N")]
Priority: TypeAlias = Annotated[
    str, typer.Option(help=f"The highest class of calls, or none: {', '.join(Kind)}.", metavar="CLASS")
]
Budget: TypeAlias = Annotated[str, typer.Option(help="Tokens in a day after which answers warn, or none.", metavar="N")]

# Whole numbers as people write large ones.
_MULTIPLES = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_PERIODS = {"minute": "min", "day": "day"}


def said(amounts: Mapping[str, str], *, priority: str = "", models: list[str] | None = None) -> LimitsChange | None:
    """What the options said; None if they said nothing. Raises `CliError` for what is no limit."""
    fields: dict[str, object] = {name: _amount(name, text) for name, text in amounts.items() if text}
    if priority:
        fields["priority"] = None if priority == NONE else _class(priority)
    if models:
        fields["models"] = None if models == [NONE] else models
    return msgspec.convert(fields, LimitsChange) if fields else None


def set_now(change: LimitsChange | None) -> LimitsInfo | None:
    """The same for something new, which has no limits yet."""
    if change is None:
        return None
    fields = {name: value for name, value in msgspec.to_builtins(change).items() if value is not None}
    return msgspec.convert(fields, LimitsInfo) if fields else None


def shown(limits: LimitsInfo | None) -> str:
    """The limits in a few words, for a table."""
    if limits is None:
        return ""
    words: list[str] = []
    for name, value in msgspec.to_builtins(limits).items():
        unit, _, period = name.rpartition("_per_")
        if name == "concurrent":
            words.append(f"{value} at once")
        elif name == "priority":
            words.append(f"class {value}")
        elif name == "models":
            words.append(f"only {', '.join(value)}")
        else:
            words.append(f"{value} {unit.replace('_', ' ')}/{_PERIODS[period]}")
    return "; ".join(words)


def _amount(name: str, text: str) -> int | None:
    text = text.strip().lower()
    if text == NONE:
        return None
    multiple = _MULTIPLES.get(text[-1:], 1)
    digits = text[:-1] if multiple > 1 else text
    if not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
        option = name.replace("_", "-")
        raise CliError(f"--{option} must be a whole number above 0, or {NONE}.", hint="Such as 20, 200k or 2m.", code=2)
    return int(digits) * multiple


def _class(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError as error:
        raise CliError(f"There is no class '{text}'.", hint=f"The classes are {', '.join(Kind)}.", code=2) from error
