"""What the native API says and hears of limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.core.allowances import Level
from potluck.core.errors import BadRequest
from potluck.core.limits import MOST, NO_LIMITS, Limits, checked
from potluck.core.scheduling.classes import Kind

Amount: TypeAlias = Annotated[int, Meta(ge=1, le=MOST)]
Names: TypeAlias = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(min_length=1, max_length=200)
]


class LimitsInfo(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What may be used; what is left out is not limited. Tokens are those of prompts and answers together. ``models``
    are names as clients ask for them, ``priority`` is the highest class of calls. ``budget_tokens_per_day`` refuses
    nothing: who is past it is told."""

    requests_per_minute: Amount | None = None
    requests_per_day: Amount | None = None
    tokens_per_minute: Amount | None = None
    tokens_per_day: Amount | None = None
    images_per_day: Amount | None = None
    concurrent: Amount | None = None
    models: Names | None = None
    priority: Kind | None = None
    budget_tokens_per_day: Amount | None = None


class LimitsChange(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What is left out stays, null takes a limit away."""

    requests_per_minute: Amount | UnsetType | None = UNSET
    requests_per_day: Amount | UnsetType | None = UNSET
    tokens_per_minute: Amount | UnsetType | None = UNSET
    tokens_per_day: Amount | UnsetType | None = UNSET
    images_per_day: Amount | UnsetType | None = UNSET
    concurrent: Amount | UnsetType | None = UNSET
    models: Names | UnsetType | None = UNSET
    priority: Kind | UnsetType | None = UNSET
    budget_tokens_per_day: Amount | UnsetType | None = UNSET


class KeyChange(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """``limits`` null takes all of the key's own away."""

    limits: LimitsChange | None


class LimitLevel(msgspec.Struct):
    """One limit as it stands: ``amount`` for each ``period_s`` seconds, of which ``remaining`` are left; in
    ``full_in_s`` seconds all are there again. ``whose`` is user, key or role; ``soft`` refuses nothing."""

    whose: str
    limit: str
    amount: int
    period_s: float
    remaining: int
    full_in_s: float
    soft: bool = False


class LimitsReply(msgspec.Struct):
    """The caller's own, without those of routes. ``models`` are the names that it may ask for, null for all."""

    levels: list[LimitLevel]
    concurrent: int | None = None
    priority: Kind | None = None
    models: list[str] | None = None


def limits_info(limits: Limits | None) -> LimitsInfo | None:
    return msgspec.convert(msgspec.to_builtins(limits), LimitsInfo) if limits else None


def limits_of(said: LimitsInfo | None) -> Limits | None:
    """Raises `BadRequest` for limits that make no sense."""
    return None if said is None else checked(msgspec.convert(msgspec.to_builtins(said), Limits))


def changed(before: Limits | None, change: LimitsChange | None) -> Limits | None:
    """The limits after a change. Raises `BadRequest` for one that changes nothing."""
    if change is None:
        return None
    said = msgspec.to_builtins(change)
    if not said:
        raise BadRequest("No limit is to be changed.", param="limits", hint="Name one; null takes it away.")
    return checked(msgspec.convert({**msgspec.to_builtins(before or NO_LIMITS), **said}, Limits))


def limit_levels(levels: Iterable[Level]) -> list[LimitLevel]:
    return [
        LimitLevel(
            each.claim.bucket.partition("/")[0],
            each.claim.bucket.rpartition("/")[2],
            int(each.claim.allowance.amount),
            each.claim.allowance.period_s,
            each.remaining,
            round(each.full_s, 3),
            each.claim.soft,
        )
        for each in levels
    ]
