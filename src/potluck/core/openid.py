"""Sign-in by an OpenID Connect provider: what the owner lets in, whose claims say what, and where to go on.

Nothing here speaks to a provider, and no signature is checked here: claims that come here are those of a checked token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from potluck.core.errors import Forbidden
from potluck.core.model import Json
from potluck.core.people import LONGEST_NAME, OWNER_NAME, Role, folded

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures of id tokens that are taken: those of a key pair. With HS256 whoever knows the client's secret, or makes
us take a public key for a secret, could sign; with none everybody can."""

FLOW_S: Final = 600.0
"""How long somebody may take at the provider."""

FLOW_COOKIES: Final = (b"__Host-potluck-oidc", b"potluck-oidc")
"""The names of the cookie that binds a sign-in to its browser: over https and otherwise."""

_LONGEST_PATH: Final = 2000


@dataclass(frozen=True, slots=True)
class OpenIdRules:
    """Whom the owner lets in. ``domains`` and ``emails`` (lower case) are of addresses that the provider has verified;
    both empty let in everybody whom the provider does.

    ``role_claim`` is a dotted path; its values have ``roles``, and decide at every sign-in. ``default_role`` is that of
    who has none by it; None: who is no user yet must be invited. ``link_email``: a user whose name is the verified
    address is the same person.
    """

    domains: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    name_claim: str = "preferred_username"
    role_claim: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    default_role: Role | None = None
    link_email: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in, as the provider tells. ``subject`` is who it is, for ever; all else may change.

    ``email`` is empty unless the provider has verified it. ``names`` are what to call a new user, best first. ``role``
    is what the claim gives, None for nothing.
    """

    subject: str
    names: tuple[str, ...]
    email: str = ""
    role: Role | None = None


def missing(claims: Mapping[str, Json], rules: OpenIdRules) -> bool:
    """Whether a token leaves something out that is wanted, and that the provider may tell when asked."""
    wanted = [rules.name_claim, "email", rules.role_claim.partition(".")[0]]
    return any(name and name not in claims for name in wanted)


def together(claims: Mapping[str, Json], told: Mapping[str, Json]) -> dict[str, Json]:
    """A token's claims with those that the provider told when asked; what is signed goes before what is not.

    An address and whether it is verified belong together: they are taken from one of the two.
    """
    rest = {name: value for name, value in told.items() if name not in claims}
    if "email" in claims:
        rest.pop("email_verified", None)
    return {**rest, **claims}


def person(subject: str, claims: Mapping[str, Json], rules: OpenIdRules) -> Person:
    """Who it is. Raises `Forbidden` for whom the owner does not let in."""
    email = _text(claims.get("email")).lower()
    # Some providers write it as text.
    verified = claims.get("email_verified") in (True, "true")
    proven = email if verified and email.count("@") == 1 else ""
    if (rules.domains or rules.emails) and not _let_in(proven, rules):
        raise Forbidden(
            "This account is not let in here."
            if proven
            else "This account is not let in here: its provider tells no e-mail address that it has verified.",
            hint="Ask the owner of this Potluck.",
        )
    names = (_text(claims.get(rules.name_claim)), _text(claims.get("name")), proven, subject)
    return Person(
        subject,
        tuple(dict.fromkeys(name for name in map(_name, names) if name)),
        proven,
        _role(_values(claims, rules.role_claim), rules.roles) if rules.role_claim else None,
    )


def role_of(who: Person, known: Role | None, rules: OpenIdRules) -> Role | None:
    """The role that somebody has from now on, ``known`` being the one so far; None: nobody to let in.

    1. Where a claim decides it does, at every sign-in: who has lost a group must not keep its role. 2. Else a user
    stays what it is. 3. Who has no role yet gets the one of new ones.
    """
    if rules.role_claim:
        return who.role or rules.default_role
    return known or rules.default_role


def flow_cookie(value: str, *, secure: bool) -> str:
    """The ``Set-Cookie`` of a sign-in under way, with an empty value the one that ends it.

    ``Lax``, as the provider sends the browser back from another site.
    """
    name, age = FLOW_COOKIES[0 if secure else 1].decode(), round(FLOW_S) if value else 0
    return f"{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def local_path(asked: str) -> str:
    """Where to go on after signing in: a path of ours, ``/`` for everything else.

    Browsers read ``//host``, ``/\\host`` and what holds control characters as addresses elsewhere.
    """
    if not asked.startswith("/") or asked[1:2] in ("/", "\\") or len(asked) > _LONGEST_PATH or not asked.isascii():
        return "/"
    if "\\" in asked or any(char <= " " or char == "\x7f" for char in asked):
        return "/"
    return asked


def safe_endpoint(url: str, issuer: str) -> bool:
    """Whether an address in a provider's document may be asked: http only where the issuer itself is so."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and issuer.startswith("http:")))


def _let_in(email: str, rules: OpenIdRules) -> bool:
    return email in rules.emails or email.rpartition("@")[2] in rules.domains if email else False


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _name(text: str) -> str:
    """A name as users can have it; empty for none. The owner's is not for the provider to give away."""
    name = " ".join(text.split())
    return name if name.isprintable() and len(name) <= LONGEST_NAME and folded(name) != OWNER_NAME else ""


def _values(claims: Mapping[str, Json], path: str) -> Sequence[str]:
    """The values at a dotted path: one word, words between spaces, a list, or the keys of a mapping."""
    found: Json = claims.get(path)  # a claim may have dots in its own name, as a URL has
    if found is None:
        found = dict(claims)
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, str):
        return (found, *found.split())
    return [each for each in found if isinstance(each, str)] if isinstance(found, list | dict) else ()


def _role(values: Sequence[str], roles: Mapping[str, Role]) -> Role | None:
    given = {roles[value] for value in values if value in roles}
    return next((role for role in Role if role in given), None)
