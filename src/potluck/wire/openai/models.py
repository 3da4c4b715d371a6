"""``/v1/models``: one listing that the OpenAI SDKs and the Anthropic SDKs both parse (API-CONTRACTS.md 1.4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from potluck.core.model import Model


class _ListedModel(msgspec.Struct):
    id: str
    object: str
    created: int
    owned_by: str
    type: str
    display_name: str
    created_at: str


class _Listing(msgspec.Struct):
    object: str
    data: list[_ListedModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


def write_models(models: Iterable[Model], *, created_s: float) -> bytes:
    """The whole listing, each name once. ``created_s`` (Unix time) dates the models whose engine does not."""
    listed = list({model.id: _listed(model, created_s) for model in models}.values())
    return msgspec.json.encode(
        _Listing(
            object="list",
            data=listed,
            has_more=False,
            first_id=listed[0].id if listed else None,
            last_id=listed[-1].id if listed else None,
        )
    )


def write_model(model: Model, *, created_s: float) -> bytes:
    """One item of the listing, alone."""
    return msgspec.json.encode(_listed(model, created_s))


def _listed(model: Model, created_s: float) -> _ListedModel:
    created = _unix_s(model.modified_at, created_s)
    return _ListedModel(
        id=model.id,
        object="model",
        created=created,
        owned_by="potluck",
        type="model",
        display_name=model.id,
        created_at=f"{datetime.fromtimestamp(created, UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


def _unix_s(modified_at: str | None, otherwise_s: float) -> int:
    try:
        return int(datetime.fromisoformat(modified_at or "").timestamp())
    except ValueError:
        return int(otherwise_s)
