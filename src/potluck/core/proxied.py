"""Who asks by the word of a reverse proxy: what its headers say, which role that gives, and what a page may not do.

The proxy is named by the owner; whether a request comes from there is decided before (`core.whence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from potluck.core.errors import Forbidden, Unauthenticated
from potluck.core.people import OWNER_NAME, Role, folded
from potluck.core.sessions import forged

SECRET: Final = b"x-proxy-secret"
"""The header by which a proxy shows its secret, where it has one."""

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """What the owner said. Names of headers are lower-case, empty for none.

    ``email`` is looked at where ``user`` is missing. With ``groups`` the role is that of the most powerful group in
    ``roles``. ``create`` is the role of a user that is new here (None: nobody is), and of one in none of the groups.
    ``secret`` is what the proxy shows in `SECRET`, empty for none.
    """

    user: bytes = b"x-forwarded-user"
    email: bytes = b""
    groups: bytes = b""
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    create: Role | None = None
    secret: str = ""

    @property
    def names(self) -> frozenset[bytes]:
        """The headers that nobody but the proxy may set."""
        return frozenset({self.user, self.email, self.groups, SECRET} - {b""})


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a proxy named, with the groups that it says the user is in."""

    name: str
    groups: frozenset[str] = frozenset()


def stripped(headers: Headers, names: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """Headers without those of ``names``, however they are spelled: with ``_`` many programs read them as the same."""
    return [header for header in headers if header[0].replace(b"_", b"-") not in names]


def secret_in(headers: Headers) -> str:
    """What is shown as the proxy's secret, empty for nothing."""
    return b"".join(value for name, value in headers if name == SECRET).strip().decode("latin-1")


def named(headers: Headers, rules: HeaderRules) -> Named | None:
    """Whom the proxy's headers name; None for nobody. Raises `Unauthenticated` where they could mean several."""
    name = _single(headers, rules.user) or (_single(headers, rules.email) if rules.email else "")
    if not name:
        return None
    groups = [text(value).split(",") for header, value in headers if rules.groups and header == rules.groups]
    return Named(name, frozenset(group.strip() for line in groups for group in line if group.strip()))


def _single(headers: Headers, header: bytes) -> str:
    values = [value.strip() for name, value in headers if name == header]
    # A proxy that adds its header to the client's instead of setting it lets everybody be anybody.
    if len(values) > 1 or any(b"," in value for value in values):
        raise Unauthenticated(
            "The proxy names more than one user.", hint="It must set the header, in place of what clients send."
        )
    return " ".join(text(values[0]).split()) if values else ""


def text(value: bytes) -> str:
    """A header's value: UTF-8, as proxies send names, or Latin-1, as HTTP once said."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def highest(groups: Iterable[str], roles: Mapping[str, Role]) -> Role | None:
    """The most powerful role that some groups give."""
    found = {roles[group] for group in groups if group in roles}
    return next((role for role in Role if role in found), None)


def role_by(who: Named, known: Role | None, rules: HeaderRules, *, owner: bool = False) -> Role:
    """The role of whom the proxy named, ``known`` being the one that a user of that name has here; ``owner``: that is
    the one whose key lies in the data directory.

    1. That one is not to be had by a name. 2. Groups decide, if the owner maps any. 3. Else a user stays as it is,
    and a new one is what new ones are. Raises `Forbidden` for who is nobody here.
    """
    if owner or folded(who.name) == OWNER_NAME:
        raise Forbidden(
            f"A proxy signs nobody in as {who.name!r}, who is the owner.",
            hint="Give a user of another name the role owner.",
        )
    role = (highest(who.groups, rules.roles) if rules.groups else known) or rules.create
    if role is None:
        raise Forbidden(
            f"The proxy names {who.name!r}, "
            + ("whose groups have no role here." if rules.groups else "who is no user here."),
            hint="Ask the owner of this Potluck to let you in.",
        )
    return role


def from_elsewhere(method: bytes, site: bytes, origin: bytes, host: bytes) -> bool:
    """Whether a page that is not ours may have made a request that a proxy vouches for.

    Such a page is refused reading, too: the proxy's word holds for whatever the browser sends. A program names neither
    ``site`` nor ``origin`` (`core.sessions.forged`), and is let through.
    """
    if origin:
        return forged(b"POST", b"", origin, host)
    return bool(site) and forged(method, site, b"", host)
