"""Id tokens (OpenID Connect Core 1.0, 3.1.3.7): checked with the provider's keys and Authlib's rules for claims."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from potluck.core.errors import Unauthenticated
from potluck.core.model import Json
from potluck.core.openid import ALGORITHMS

# Clocks of two machines at home differ.
_LEEWAY_S = 60
_LONGEST = 65_536
# A provider has a handful; each is tried where a token does not name one.
_MOST_KEYS = 64
_LONGEST_SUBJECT = 255

Key = RSAKey | ECKey | OKPKey

_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class UnknownKey(Exception):
    """No key that is here can have signed the token: the provider may have new ones."""


class _Claims(msgspec.Struct):
    """Of which types the claims must be; which values, Authlib looks at."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nonce: str
    azp: str | None = None
    nbf: int | float | None = None
    at_hash: str | None = None


def public_keys(documents: Sequence[Json]) -> tuple[Key, ...]:
    """The keys of a provider's set that can check a signature. What is none is passed over, as RFC 7517 5 wants: a
    secret (``oct``) above all, with which whoever reads the set could sign."""
    found: list[Key] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", SecurityWarning)  # a key that is too short is none
        for document in documents[:_MOST_KEYS]:
            if not isinstance(document, dict) or document.get("use", "sig") != "sig":
                continue
            if document.get("kty") not in _KINDS.values():
                continue
            try:
                key = import_key(cast("dict[str, Any]", document))
            except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
                continue
            if isinstance(key, RSAKey | ECKey | OKPKey):
                found.append(key)
    return tuple(found)


def checked(
    token: str,
    keys: Sequence[Key],
    *,
    issuer: str,
    client: str,
    nonce: str,
    now: float,
    access_token: str,
    algorithms: Sequence[str] = ALGORITHMS,
) -> dict[str, Json]:
    """The claims of an id token that is for us, of this sign-in, and valid ``now`` (Unix seconds).

    Raises `UnknownKey`, and `Unauthenticated` that says what is wrong.
    """
    header = _header(token)
    algorithm = str(header.get("alg"))
    # Ours, whatever the provider's document says: that lists what it can do, not what is sound.
    if algorithm not in ALGORITHMS or algorithm not in algorithms:
        raise _refused(f"its signature ({algorithm[:20]!r}) is of no kind that is taken here")
    claims = _signed(token, algorithm, header.get("kid"), keys)
    try:
        typed = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as error:
        raise _refused(f"its claims are not what they should be: {error}") from error
    if not typed.sub or len(typed.sub) > _LONGEST_SUBJECT or not typed.sub.isascii() or not typed.sub.isprintable():
        raise _refused("its subject is none")
    known = CodeIDToken(
        claims,
        header,
        {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}},
        {"client_id": client, "nonce": nonce, "access_token": access_token},
    )
    try:
        known.validate(now=int(now), leeway=_LEEWAY_S)
    except (JoseError, ValueError, TypeError) as error:
        raise _refused(_words(error)) from error
    return cast("dict[str, Json]", claims)


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > _LONGEST or not token.isascii():
        raise _refused("it is too long, or no token")
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise _refused("it is no signed token") from error


def _signed(token: str, algorithm: str, kid: object, keys: Sequence[Key]) -> dict[str, Any]:
    """The claims, if a key of the right kind has signed them. A token may leave out which."""
    kind = _KINDS[algorithm[:2]]
    fitting = [key for key in keys if key.key_type == kind and (kid is None or key.kid == kid)]
    if not fitting:
        raise UnknownKey
    with warnings.catch_warnings():
        # "EdDSA" is an old name by now, and what providers write.
        warnings.simplefilter("ignore", SecurityWarning)
        for key in fitting:
            try:
                return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
            except (JoseError, ValueError, TypeError):
                continue
    raise _refused("its signature does not hold")


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(
        f"The sign-in provider's word does not hold: {why}.", hint="Sign in again; the owner finds more in the log."
    )


def _words(error: Exception) -> str:
    """Authlib's reasons, without their codes."""
    return str(getattr(error, "description", "") or error).rstrip(".")[:200]
