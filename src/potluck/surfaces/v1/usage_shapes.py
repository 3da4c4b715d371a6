"""What the native API says and hears of usage."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from potluck.core.usage import Dimension


class UsageQueryShape(msgspec.Struct):
    """``from`` and ``to`` are days of UTC, both included, such as 2026-11-26: a month ago and today if left out. ``by``
    is one or several of day, hour, user, key, model and node, with commas; left out, one sum of everything. Hours are
    told of for as long as the request log is kept. ``user`` is whose usage is told, by id or name, for who may see
    everybody's."""

    since: str = msgspec.field(name="from", default="")
    until: str = msgspec.field(name="to", default="")
    by: str = ""
    user: Annotated[str, Meta(max_length=200)] = ""
    format: Literal["json", "csv"] = "json"


class UsageSums(msgspec.Struct, omit_defaults=True):
    """What was asked ``by`` names a row; a user or key that is gone has only its id. ``failed`` are among ``calls``.
    ``engine_s`` are seconds in which engines worked, ``energy_wh`` watt-hours, where node agents measure them."""

    calls: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    images: int
    engine_s: float
    energy_wh: float | None
    day: str | None = None
    hour: str | None = None
    user: str | None = None
    user_name: str | None = None
    key: str | None = None
    key_name: str | None = None
    model: str | None = None
    node: str | None = None


class UsageReply(msgspec.Struct):
    """Usage from day to day, both included; ``total`` is the sum of all rows."""

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    by: list[Dimension]
    rows: list[UsageSums]
    total: UsageSums
