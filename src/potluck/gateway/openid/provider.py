"""A provider: its document (OpenID Connect Discovery 1.0), its keys, and what it gives for a code."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from authlib.oidc.discovery import get_well_known_url

from potluck.config.model import OpenIdConfig
from potluck.core.errors import ProviderFailed, Unauthenticated
from potluck.core.model import Json
from potluck.core.openid import ALGORITHMS, safe_endpoint
from potluck.gateway.openid import tokens
from potluck.gateway.openid.web import Web

# Documents change once in years, keys once in weeks.
_DOCUMENT_S = 3600.0
# A token whose key is not known has the keys fetched anew. Not more often: whoever can have us check a token of theirs
# could have us fetch for ever.
_KEYS_AGAIN_S = 30.0


class Document(msgspec.Struct):
    """What is needed of a provider's document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: list[str] = []
    id_token_signing_alg_values_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False


class _KeySet(msgspec.Struct):
    keys: list[Any]  # JSON; msgspec does not read our recursive type of it


class Tokens(msgspec.Struct):
    """What a code was given for."""

    id_token: str
    access_token: str = ""


class Provider:
    """One owner for what is known of it. ``clock`` is Unix seconds, ``monotonic`` for ages of what is known."""

    def __init__(
        self, config: OpenIdConfig, web: Web, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._config = config
        self._web = web
        self._clock = clock
        self._monotonic = monotonic
        self._document: Document | None = None
        self._document_s = 0.0
        self._keys: Sequence[tokens.Key] | None = None
        self._keys_s = 0.0
        self._asking = asyncio.Lock()

    async def document(self) -> Document:
        """Raises `ProviderAway` and `ProviderFailed`."""
        async with self._asking:
            now = self._monotonic()
            if self._document is None or now - self._document_s >= _DOCUMENT_S:
                url: str = get_well_known_url(self._config.issuer, external=True)
                self._document, self._document_s = self._checked(await self._web.ask(Document, url)), now
            return self._document

    def _checked(self, document: Document) -> Document:
        issuer = self._config.issuer
        # A slash at the end is the one thing that people get wrong, and that tells no two providers apart.
        if document.issuer.rstrip("/") != issuer.rstrip("/"):
            raise ProviderFailed(
                "The sign-in provider says that it is another one.",
                hint="access.oidc.issuer must be what the provider itself calls its issuer.",
                detail=f"{document.issuer!r} in place of {issuer!r}",
            )
        endpoints = [document.authorization_endpoint, document.token_endpoint, document.jwks_uri]
        endpoints += [document.userinfo_endpoint] if document.userinfo_endpoint else []
        if wrong := [each for each in endpoints if not safe_endpoint(each, issuer)]:
            raise ProviderFailed("The sign-in provider names an address that is not safe to ask.", detail=wrong[0])
        return document

    async def address(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send somebody to sign in, with PKCE (RFC 7636)."""
        document = await self.document()
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._config.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        where = document.authorization_endpoint
        return f"{where}{'&' if '?' in where else '?'}{query}"

    def is_its(self, document: Document, issuer: str) -> bool:
        """Whether an answer can be this provider's (RFC 9207); ``issuer`` is empty where it does not say."""
        if not issuer:
            return not document.authorization_response_iss_parameter_supported
        return issuer == document.issuer

    async def claims(self, code: str, verifier: str, redirect_uri: str, nonce: str) -> tuple[Mapping[str, Json], str]:
        """The claims of the token that a code is given for, and a token to ask for more with.

        Raises `Unauthenticated` for a code or token that is not good, `ProviderAway` and `ProviderFailed`.
        """
        document = await self.document()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = self._proof(document, form)
        given = await self._web.ask(
            Tokens,
            document.token_endpoint,
            form=form,
            headers=headers,
            refused="The sign-in provider does not take its own code back: it was used before, or is too old.",
        )
        try:
            return self._read(document, given, await self._known_keys(document), nonce), given.access_token
        except tokens.UnknownKey:
            keys = await self._known_keys(document, again=True)
        try:
            return self._read(document, given, keys, nonce), given.access_token
        except tokens.UnknownKey:
            raise Unauthenticated(
                "The sign-in provider's word does not hold: it has no such key.", hint="Sign in again."
            ) from None

    async def more(self, token: str, subject: str) -> Mapping[str, Json]:
        """What the provider tells of somebody beside its token (Core 5.3); nothing where it tells nothing."""
        document = await self.document()
        if not document.userinfo_endpoint or not token:
            return {}
        headers = {"authorization": f"Bearer {token}"}
        told: Mapping[str, Json] = await self._web.ask(dict[str, Any], document.userinfo_endpoint, headers=headers)
        # Else one token's answer could be put in another's place (Core 5.3.2).
        if told.get("sub") != subject:
            raise ProviderFailed("The sign-in provider tells of somebody else.", hint="Sign in again.")
        return told

    def _read(self, document: Document, given: Tokens, keys: Sequence[tokens.Key], nonce: str) -> Mapping[str, Json]:
        return tokens.checked(
            given.id_token,
            keys,
            issuer=document.issuer,
            client=self._config.client_id,
            nonce=nonce,
            now=self._clock(),
            access_token=given.access_token,
            algorithms=document.id_token_signing_alg_values_supported or ALGORITHMS,
        )

    async def _known_keys(self, document: Document, *, again: bool = False) -> Sequence[tokens.Key]:
        async with self._asking:
            now = self._monotonic()
            age_s = now - self._keys_s
            if self._keys is None or age_s >= _DOCUMENT_S or (again and age_s >= _KEYS_AGAIN_S):
                found = await self._web.ask(_KeySet, document.jwks_uri)
                self._keys, self._keys_s = tokens.public_keys(found.keys), now
            return self._keys

    def _proof(self, document: Document, form: dict[str, str]) -> dict[str, str]:
        """How we prove who we are (RFC 6749 2.3.1): in a header or, where the provider takes no such, in the form."""
        client, secret = self._config.client_id, self._config.client_secret
        methods = document.token_endpoint_auth_methods_supported or ["client_secret_basic"]
        if secret is None:
            form["client_id"] = client
            return {}
        if "client_secret_basic" in methods or "client_secret_post" not in methods:
            pair = f"{quote(client, safe='')}:{quote(secret.reveal(), safe='')}"
            return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        form["client_id"], form["client_secret"] = client, secret.reveal()
        return {}


def _challenge(verifier: str) -> str:
    """S256 (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
