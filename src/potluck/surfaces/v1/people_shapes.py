"""What the native API says and hears of users.

A field that is not known is refused where a right is given (here, for keys, for links): it may be a limit, misspelt."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from potluck.core.people import Role
from potluck.storage.records import SignInWays, UserRecord
from potluck.surfaces.v1.limit_shapes import LimitsChange, LimitsInfo, limits_info
from potluck.surfaces.v1.shapes import Named, rfc3339


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """``name`` must not be anybody's, whatever its case."""

    name: Named
    role: Role = Role.MEMBER


class UserChange(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What is left out stays. ``disabled`` keeps a user out with all its keys; nothing of it is lost. ``limits`` null
    takes all of the user's own away; those of its role hold all the same."""

    role: Role | None = None
    disabled: bool | None = None
    limits: LimitsChange | UnsetType | None = UNSET


class UserInfo(msgspec.Struct):
    """``keys`` counts the valid ones; ``disabled_at`` is since when the user is kept out. ``limits`` are the
    user's own, beside those of its role; null for none. ``password`` and ``second_factor`` say how it can sign in."""

    id: str
    name: str
    role: Role
    created_at: str
    disabled_at: str | None
    keys: int
    limits: LimitsInfo | None = None
    password: bool = False
    second_factor: bool = False


class UserList(msgspec.Struct):
    users: list[UserInfo]


def user_info(user: UserRecord, keys: int = 0, ways: SignInWays | None = None) -> UserInfo:
    return UserInfo(
        id=user.id,
        name=user.name,
        role=user.role,
        created_at=rfc3339(user.created_s),
        disabled_at=None if user.disabled_s is None else rfc3339(user.disabled_s),
        keys=keys,
        limits=limits_info(user.limits),
        password=ways is not None and ways.password,
        second_factor=ways is not None and ways.factor,
    )
