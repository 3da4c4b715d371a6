"""What the native API says and hears of signing in: passwords, one-time links, second factors."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from potluck.core.passwords import LONGEST
from potluck.core.people import LONGEST_NAME, Role
from potluck.gateway.links import INVITATION_S
from potluck.storage.records import LinkKind, LinkRecord
from potluck.surfaces.v1.shapes import rfc3339

UserName: TypeAlias = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
# Before it is brought into one form, which may make it longer or shorter.
Password: TypeAlias = Annotated[str, msgspec.Meta(max_length=2 * LONGEST)]
Code: TypeAlias = Annotated[str, msgspec.Meta(max_length=64)]
Token: TypeAlias = Annotated[str, msgspec.Meta(max_length=100)]

_LONGEST_INVITATION_S = 90 * 86_400.0


class SignIn(msgspec.Struct):
    """Name and password, with a ``code`` for who has a second factor; nothing of it where an API key is shown."""

    name: UserName = ""
    password: Password = ""
    code: Code = ""


class PasswordChange(msgspec.Struct):
    """``old_password`` may be left out by who has none yet."""

    new_password: Password
    old_password: Password = ""


class NewLink(msgspec.Struct, forbid_unknown_fields=True):
    """An invitation: ``name`` is what the new user is to be called, if that is not theirs to choose."""

    name: UserName = ""
    role: Role = Role.MEMBER
    expires_in_s: Annotated[float, msgspec.Meta(gt=0, le=_LONGEST_INVITATION_S)] = INVITATION_S


class LinkInfo(msgspec.Struct):
    """``user`` is whose password it sets, empty for an invitation; ``name`` what a new user is to be called, if that is
    said; ``by`` who made it."""

    id: str
    kind: LinkKind
    role: Role
    name: str
    user: str
    by: str
    created_at: str
    expires_at: str


class LinkMade(LinkInfo, kw_only=True):
    """``link`` is shown this once: whoever opens it first may use it. ``token`` is its secret part."""

    link: str
    token: str


class LinkList(msgspec.Struct):
    invitations: list[LinkInfo]


class TokenQuery(msgspec.Struct):
    token: Token = ""


class LinkShown(msgspec.Struct):
    """What a link is for. ``name`` is the user's, or what a new one is to be called; ``code`` says that a code of the
    second factor is needed."""

    kind: LinkKind
    role: Role
    name: str
    code: bool
    expires_at: str


class Acceptance(msgspec.Struct):
    """``name`` is for a new user, and for the owner's set-up; ``code`` for who has a second factor."""

    token: Token
    password: Password
    name: UserName = ""
    code: Code = ""


class PasswordProof(msgspec.Struct):
    password: Password


class CodeProof(msgspec.Struct):
    code: Code


class FactorProof(msgspec.Struct):
    """``code`` may be a recovery code."""

    password: Password
    code: Code


class FactorBegun(msgspec.Struct):
    """``secret`` is for typing into an authenticator, ``url`` (otpauth://) for a QR code. Shown this once."""

    secret: str
    url: str


class FactorConfirmed(msgspec.Struct):
    """``recovery_codes`` stand in for the authenticator, once each. Shown this once."""

    recovery_codes: list[str]


class FactorState(msgspec.Struct):
    enabled: bool
    recovery_codes_left: int


_PAGES = {LinkKind.INVITE: "invite", LinkKind.RESET: "reset", LinkKind.SETUP: "setup"}


def link_url(origin: str, kind: LinkKind, token: str) -> str:
    """Where a link leads; ``origin`` is such as ``http://192.168.1.5:8420``."""
    return f"{origin}/{_PAGES[kind]}?token={token}"


def link_info(record: LinkRecord, user: str, by: str) -> LinkInfo:
    """``user`` and ``by`` are names."""
    return LinkInfo(
        id=record.id,
        kind=record.kind,
        role=record.role,
        name=record.name,
        user=user,
        by=by,
        created_at=rfc3339(record.created_s),
        expires_at=rfc3339(record.expires_s),
    )


def link_made(record: LinkRecord, token: str, origin: str, user: str, by: str) -> LinkMade:
    """The same with the link itself, for this once."""
    info = msgspec.structs.asdict(link_info(record, user, by))
    return LinkMade(**info, link=link_url(origin, record.kind, token), token=token)
