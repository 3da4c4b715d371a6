"""Roles and rights: who may do what. Every route names the right it asks for; here is which role has it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from potluck.core.errors import BadRequest, Forbidden
from potluck.core.model import KeyId, UserId

OWNER_ID: Final = UserId("owner")
"""The user whose key lies in the data directory. It cannot be removed, disabled or made less than owner."""

OWNER_NAME: Final = "owner"

LONGEST_NAME: Final = 200


class Role(StrEnum):
    """What somebody is here, the most powerful first."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"


class Right(StrEnum):
    """What a route may ask for, in words that fit behind "may"."""

    LOOK = "see which models there are"
    INFER = "ask models"
    CONVERSE = "keep conversations"
    KEEP_FILES = "keep files"
    MAKE_PICTURES = "make pictures"
    RUN_JOBS = "have work done in the background"
    OWN_KEYS = "have API keys of their own"
    OWN_ACCOUNT = "change their password and second factor"
    SEE_FLEET = "see the machines and the line"
    SEE_ALL = "see everybody's calls, and where machines are"
    CHANGE_FLEET = "change machines and models"
    MANAGE_PEOPLE = "manage users and their keys"
    AUDIT = "read the audit log"


_GUEST: Final = frozenset({Right.LOOK, Right.INFER, Right.OWN_ACCOUNT})
_MEMBER: Final = _GUEST | {
    Right.CONVERSE,
    Right.KEEP_FILES,
    Right.MAKE_PICTURES,
    Right.RUN_JOBS,
    Right.OWN_KEYS,
    Right.SEE_FLEET,
}

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.OWNER: frozenset(Right),
    Role.ADMIN: frozenset(Right),
    Role.MEMBER: _MEMBER,
    # Nothing is kept of a guest: several people may be one.
    Role.GUEST: _GUEST,
}
"""The table. An admin differs from an owner in whom it may manage: `manages`."""


def own_key(user: UserId) -> KeyId:
    """What stands in a key's place for somebody who came in without one, by a password or from elsewhere.

    No key has such an id: those are letters and digits.
    """
    return KeyId(f"user:{user}")


def roles_with(right: Right) -> tuple[Role, ...]:
    """Who has a right, the most powerful first."""
    return tuple(role for role in Role if right in RIGHTS[role])


def manages(actor: Role, other: Role) -> bool:
    """Whether ``actor`` may make, change or remove users of role ``other``, and their keys.

    An admin cannot make another admin, nor stop one: else the first one to be stolen takes the rest along.
    """
    return actor is Role.OWNER or (actor is Role.ADMIN and other in (Role.MEMBER, Role.GUEST))


def refusal(role: Role, right: Right) -> Forbidden:
    """What to say to who has not got a right."""
    able = " or ".join(f"an {each}" if each[0] in "ao" else f"a {each}" for each in roles_with(right))
    return Forbidden(f"Your role, {role}, may not {right}.", hint=f"It takes {able}.")


def folded(name: str) -> str:
    """What two names have in common if they are one: case does not tell users apart."""
    return name.casefold()


def checked_name(name: str) -> str:
    """A user's name as it is kept. Raises `BadRequest`."""
    name = " ".join(name.split())
    if not name:
        raise BadRequest("A user needs a name.", param="name", hint="Name the person, or the program.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(
            f"A user's name has up to {LONGEST_NAME} letters, digits and signs that can be printed.", param="name"
        )
    return name
