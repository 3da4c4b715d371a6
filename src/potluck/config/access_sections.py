"""Keys of the file for who may come in."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from potluck.config import model
from potluck.config.scalars import Duration, HeaderSecret, Network, SecretText, Section, Switch, Text, Url, read_secret
from potluck.config.secret import Secret
from potluck.config.units import Unfit
from potluck.core.errors import BadRequest
from potluck.core.people import OWNER_NAME, checked_name, folded

# Nobody guesses so many, if they are random.
_SHORTEST_SECRET = 32


def _header(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", text):
        raise Unfit("be a header's name", "Letters, digits and '-', such as X-Forwarded-User.")
    if text.lower() in _NOT_FOR_IDENTITY:
        raise Unfit("be a header of its own", "That one has a meaning already: use one such as X-Forwarded-User.")
    return text.lower()


# What every client sends, or what Potluck reads for another purpose.
_NOT_FOR_IDENTITY = frozenset(
    {
        *("authorization", "x-api-key", "api-key", "cookie", "host", "origin", "user-agent", "accept", "content-type"),
        *("content-length", "connection", "transfer-encoding", "x-forwarded-for", "x-proxy-secret"),
    }
)


def _guest(value: object) -> str:
    try:
        name = checked_name(value if isinstance(value, str) else "")
    except BadRequest:
        raise Unfit("be a name for a guest", "Such as 'living room'.") from None
    if folded(name) == OWNER_NAME:
        raise Unfit("be a guest's name", "The owner is no guest.")
    return name


def _long_secret(value: object) -> Secret:
    secret = read_secret(value)
    if len(secret.reveal()) < _SHORTEST_SECRET:
        raise Unfit(f"be a random text of {_SHORTEST_SECRET} characters at least", "openssl rand -hex 32", private=True)
    return secret


HeaderName = Annotated[str, BeforeValidator(_header), WithJsonSchema({"type": "string", "x-type": "header"})]
LongSecret = Annotated[
    Secret, PlainValidator(_long_secret), WithJsonSchema({"type": "string", "x-type": "secret text"})
]
GuestName = Annotated[str, BeforeValidator(_guest), WithJsonSchema({"type": "string", "x-type": "name"})]
RoleName: TypeAlias = Literal["owner", "admin", "member", "guest"]
_ACCESS = model.AccessConfig()


_HEADER = model.TrustedHeaderConfig(())


class GroupsSection(Section):
    """Roles by the groups that a proxy tells."""

    header: HeaderName = Field(description="The header with the user's groups, between commas.")
    roles: dict[str, RoleName] = Field(
        description="The role of each group that has one; the most powerful counts. Who is in none has that of "
        "`create`, whatever the user was before."
    )


class TrustedHeaderSection(Section):
    """Sign-in by a reverse proxy that names the user in a header."""

    proxies: list[Network] = Field(
        min_length=1,
        description="The proxy's address, or several, or ranges such as `172.18.0.0/16`. From every other address the "
        "header is thrown away.",
    )
    user: HeaderName = Field(_HEADER.user, description="The header with the user's name.")
    email: HeaderName | None = Field(
        None, description="The header with the user's e-mail address, taken for the name where there is none."
    )
    groups: GroupsSection | None = Field(
        None, description="The header with the user's groups, and which role each gives; left out, roles are set here."
    )
    create: Literal["none", "guest", "member", "admin"] = Field(
        "none", description="The role of a user that is new here; `none` refuses who was not added before."
    )
    secret: HeaderSecret | None = Field(
        None,
        description="What the proxy must show in `X-Proxy-Secret`. Wanted where other programs share the proxy's "
        "address, as on one machine.",
    )


class TrustedNetworkSection(Section):
    """Machines that cannot show a key."""

    range: Network = Field(description="Their network or address.")
    as_: GuestName = Field(alias="as", description="The guest that they are; made at the start if there is none.")


_OPENID = model.OpenIdConfig("", "")


class OpenIdAllowSection(Section):
    """Whose accounts are let in; both left out, everybody's. The provider must have verified the address."""

    domains: list[Text] = Field(
        [], description="Domains of e-mail addresses, such as `example.org`, without others below."
    )
    emails: list[Text] = Field([], description="E-mail addresses.")


class OpenIdSection(Section):
    """Sign-in by an OpenID Connect provider."""

    issuer: Url = Field(description="What the provider calls its issuer, such as `https://id.example.org/realms/home`.")
    client_id: Text = Field(description="The client that Potluck is to the provider.")
    client_secret: SecretText | None = Field(None, description="The client's secret; left out, it is a public client.")
    scopes: list[Text] = Field(list(_OPENID.scopes), description="What to ask the provider for; `openid` is always.")
    label: Text = Field(_OPENID.label, description="What stands on the button.")
    redirect_uri: Url | None = Field(
        None,
        description="Where the provider sends browsers back to, as it is registered there: "
        "`https://HOST/api/v1/sessions/oidc/callback`. Left out, it begins with `server.url` or, "
        "without that, with the address that the browser came by.",
    )
    name_claim: Text = Field(_OPENID.rules.name_claim, description="The claim that names a new user.")
    role_claim: Text | None = Field(
        None, description="The claim with roles or groups; `realm_access.roles` is one inside another."
    )
    roles: dict[str, RoleName] = Field(
        {},
        description="The role that each value of `role_claim` gives; the most powerful counts, at every sign-in.",
    )
    default_role: Literal["none", "guest", "member", "admin"] = Field(
        "none",
        description="The role of who has none by the claim; `none` lets in only who was invited or is known here.",
    )
    allow: OpenIdAllowSection = Field(
        OpenIdAllowSection.model_construct(), description="Whose accounts are let in; left out, everybody's."
    )
    link_email: Switch = Field(
        _OPENID.rules.link_email,
        description="Whether a user whose name is the account's verified e-mail address is the same person.",
    )


class AccessSection(Section):
    """Who may come in, and for how long."""

    session_idle: Duration = Field(
        _ACCESS.session_idle_s, description="A browser's session ends when it was not used for so long."
    )
    session_length: Duration = Field(
        _ACCESS.session_length_s, description="A browser's session ends after so long in any case."
    )
    secret_key: LongSecret | None = Field(
        None,
        description="What second factors are encrypted with: any long random text, the same for all Potlucks on one "
        "database; left out, `secret.key` in the data directory.",
    )
    proxies: list[Network] = Field(
        [],
        description="Reverse proxies in front, by address or range: what they say in `X-Forwarded-For` is believed. "
        "Those of `trusted_header` need not stand here again.",
    )
    trusted_header: TrustedHeaderSection | None = Field(
        None, description="Sign-in by a reverse proxy that names the user; left out, no header signs anybody in."
    )
    trusted_networks: list[TrustedNetworkSection] = Field(
        [], description="Networks whose machines may ask models without a key, each as a guest of its own."
    )
    oidc: OpenIdSection | None = Field(
        None, description="Sign-in by an OpenID Connect provider; left out, nobody signs in so."
    )
