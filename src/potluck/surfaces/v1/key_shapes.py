"""What is told of API keys, and how they are made."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from potluck.surfaces.v1.limit_shapes import LimitsInfo
from potluck.surfaces.v1.shapes import Named

# A key of a hundred years is one that does not end.
_LONGEST_KEY_S = 100 * 366 * 86_400


class NewKey(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """``name`` must not be in use by a key that is valid. ``user`` is whose it is to be, by name or id: without it, who
    manages users makes it for the user of its name, a new member if there is none, and others for themselves.
    ``surfaces`` and ``models`` (names of models and routes) limit what it is for, and such a key cannot change
    anything but the user's conversations. ``limits`` are how much may be used by it, beside its user's."""

    name: Named
    user: Annotated[str, Meta(max_length=200)] = ""
    expires_in_s: Annotated[float, Meta(gt=0, le=_LONGEST_KEY_S)] | None = None
    surfaces: list[str] | None = None
    models: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=200)] | None = None
    limits: LimitsInfo | None = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """``overlap_s`` is how long the old key stays valid beside the new one, in seconds."""

    overlap_s: Annotated[float, Meta(ge=0, le=30 * 86_400)] = 3600.0


class KeyInfo(msgspec.Struct):
    """``prefix`` is how the key begins; the rest is not kept. ``user`` is the name of whose it is, ``owner`` marks the
    key that lies in the data directory. ``revoked_at`` may be to come, for a key that another one follows. What it is
    limited to and by, ``surfaces``, ``models`` and ``limits``, is null for a key without."""

    id: str
    name: str
    prefix: str
    owner: bool
    created_at: str
    last_used_at: str | None
    revoked_at: str | None
    user: str = ""
    expires_at: str | None = None
    surfaces: list[str] | None = None
    models: list[str] | None = None
    limits: LimitsInfo | None = None


class KeyCreated(KeyInfo, kw_only=True):
    """``key`` is shown this once."""

    key: str


class KeyList(msgspec.Struct):
    keys: list[KeyInfo]
