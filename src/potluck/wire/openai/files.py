"""OpenAI's Files API (https://platform.openai.com/docs/api-reference/files)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.core.errors import BadRequest

# What OpenAI takes for `expires_after`.
_LEAST_S, _MOST_S = 3600, 2_592_000
_ANCHOR = "created_at"


class FileObject(msgspec.Struct, kw_only=True):
    """A file as clients know it. ``bytes`` is its size, ``created_at`` and ``expires_at`` are Unix seconds."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | UnsetType = UNSET
    filename: str
    purpose: str
    # Deprecated, and still a field that clients require.
    status: Literal["processed"] = "processed"
    status_details: None = None


class FileListing(msgspec.Struct, kw_only=True):
    """A page; clients ask for the next one with the last id as ``after``."""

    object: Literal["list"] = "list"
    data: Sequence[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(msgspec.Struct, kw_only=True):
    """What became of a file."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


class ListQuery(msgspec.Struct):
    """What a listing takes."""

    purpose: str = ""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    order: Literal["asc", "desc"] = "desc"
    after: str = ""


def read_expiry(fields: Mapping[str, str]) -> float | None:
    """Seconds after which a file is to be gone, from the fields of its form. Raises `BadRequest`."""
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != _ANCHOR:
        raise BadRequest(f"Files expire after '{_ANCHOR}'.", param="expires_after[anchor]")
    if not seconds or not seconds.isdecimal() or len(seconds) > 9 or not _LEAST_S <= int(seconds) <= _MOST_S:
        raise BadRequest(f"Files expire after {_LEAST_S} to {_MOST_S} seconds.", param="expires_after[seconds]")
    return float(int(seconds))
