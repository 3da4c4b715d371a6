"""The file's shape: every key with its type, its default and its sentence. Defaults stand in `config.model` alone.

From here come the checks, the JSON schema for editors and docs/reference/config.md.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict

from potluck.config import model
from potluck.config.secret import Secret
from potluck.config.units import Unfit, parse_duration, parse_size
from potluck.core.errors import BadRequest
from potluck.core.files import NO_QUOTA
from potluck.core.hedging import HedgeRule
from potluck.core.limits import MOST
from potluck.core.people import OWNER_NAME, Role, checked_name, folded
from potluck.core.scheduling.classes import DEFAULT_LIMITS
from potluck.core.scheduling.classes import Kind as Classes

# Nobody guesses so many, if they are random.
_SHORTEST_SECRET = 32

# `x-type` names the type for people; config.reference prints it. Any value may be a reference instead.
_REFERENCE: JsonDict = {"type": "string", "pattern": r"\$\{|^file:"}


def _shape(name: str, *forms: JsonDict) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [*forms, _REFERENCE], "x-type": name})


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise Unfit("be a number")
    return value


def _secret(value: object) -> Secret:
    if not isinstance(value, str):
        raise Unfit("be text", "Put it in quotes.", private=True)
    return Secret(value)


def _header_secret(value: object) -> Secret:
    secret = _secret(value)
    if not re.fullmatch(r"[\x21-\x7e]+", secret.reveal()):
        raise Unfit("hold only printable ASCII without spaces: it goes into a header", private=True)
    return secret


def _url(value: object) -> str:
    if not isinstance(value, str):
        raise Unfit("be a URL", private=True)
    try:
        parts = urlsplit(value)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise Unfit("be a URL", "Such as http://192.168.1.20:8000 or https://example.org/llm.", private=True) from None
    if parts.username is not None or parts.password is not None:
        raise Unfit("hold no user and no password", "Use api_key, which may be ${NAME} or file:PATH.", private=True)
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits or parts.query or parts.fragment:
        hint = "Such as http://192.168.1.20:8000 or https://example.org/llm."
        raise Unfit("be a URL of http or https without a query", hint, private=True)
    return value


def _address(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if "://" in text:
        raise Unfit("be a host name or an IP address", "Give the engine a 'url' to say more than that.")
    if re.fullmatch(r"[^:]+:\d+", text):
        raise Unfit("be a host name or an IP address without a port", "The port is a key of the engine.")
    if not re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?", text):
        raise Unfit("be a host name or an IP address", "Such as 192.168.1.20 or desk.local.")
    return text


def _network(value: object) -> str:
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
    except ValueError:
        raise Unfit("be a network in CIDR form", "Such as 192.168.1.0/24.") from None


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


def _origin(value: object) -> str:
    text = value.strip().rstrip("/") if isinstance(value, str) else ""
    if text != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+", text):
        raise Unfit("be an origin, or '*'", "Such as https://chat.example.org or http://192.168.1.20:3000.")
    return text


def _own_url(value: object) -> str:
    text = value.strip().rstrip("/") if isinstance(value, str) else ""
    if not re.fullmatch(r"https?://[^\s/?#@]+", text):
        raise Unfit("be the beginning of a URL", "Such as https://potluck.example.org, without anything behind it.")
    return text


def _long_secret(value: object) -> Secret:
    secret = _secret(value)
    if len(secret.reveal()) < _SHORTEST_SECRET:
        raise Unfit(f"be a random text of {_SHORTEST_SECRET} characters at least", "openssl rand -hex 32", private=True)
    return secret


def _whole(low: int, high: int) -> tuple[object, ...]:
    """What makes an ``int`` a number from ``low`` to ``high``."""
    shape = _shape("whole number", {"type": "integer", "minimum": low, "maximum": high})
    return (BeforeValidator(_not_bool), Field(ge=low, le=high), shape)


def _local(value: object) -> object:
    """``true`` and ``false`` are short for a mapping; a mapping wants the engine unless it says otherwise."""
    if isinstance(value, bool):
        return {"enabled": value}
    if isinstance(value, dict):
        keys = cast("dict[str, object]", value)
        return {"enabled": True, **keys}
    raise Unfit("be true, false or a mapping of keys")


def _agent(value: object) -> object:
    """``true`` is short for an agent as it is without options, ``false`` for none."""
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise Unfit("be true, false or a mapping of keys")


def _quota(value: object) -> int:
    return NO_QUOTA if value == "none" else parse_size(value)


def _retention(value: object) -> float | None:
    if value == "none":
        return None
    if (seconds := parse_duration(value)) < 3600:
        raise Unfit("be an hour at least, or none", "Such as 90d.")
    return seconds


def _hedge(value: object) -> object:
    """``true`` is short for a hedge as it is without keys, ``false`` for none."""
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise Unfit("be true, false or a mapping of keys")


def _lateness(value: object) -> float | str:
    """A percentile stays as it is written."""
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"p[5-9]\d", text):
        return text
    try:
        seconds = parse_duration(value)
    except Unfit:
        seconds = 0.0
    if seconds < 0.1:
        raise Unfit("be p50 to p99, or a duration of 100ms at least", "Such as p95 or 2s.")
    return seconds


def _service_name(value: object) -> str:
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name or len(name) > 60 or not name.isprintable():
        raise Unfit("be a name of 1 to 60 letters, digits and signs that can be printed", "Such as 'Home AI'.")
    return name


Duration = Annotated[float, BeforeValidator(parse_duration), _shape("duration", {"type": "number"}, {"type": "string"})]
Size = Annotated[int, BeforeValidator(parse_size), _shape("size", {"type": "integer"}, {"type": "string"})]
Quota = Annotated[int, BeforeValidator(_quota), _shape("size or `none`", {"type": "integer"}, {"type": "string"})]
Retention = Annotated[
    float | None,
    PlainValidator(_retention),
    _shape("duration or `none`", {"type": "number"}, {"type": "string"}),
]
Port = Annotated[int, *_whole(1, 65535)]
ServerPort = Annotated[int, *_whole(0, 65535)]
Slots = Annotated[int, *_whole(1, 4096)]
Count = Annotated[int, *_whole(1, 1_000_000)]
Amount = Annotated[int, *_whole(1, MOST)]
Context = Annotated[int, *_whole(256, 100_000_000)]
Weight = Annotated[
    float, BeforeValidator(_not_bool), Field(ge=0, le=1e9), _shape("number", {"type": "number", "minimum": 0})
]
Share = Annotated[
    float, BeforeValidator(_not_bool), Field(gt=0, le=0.25), _shape("number", {"type": "number", "maximum": 0.25})
]
Lateness = Annotated[
    float | str,
    PlainValidator(_lateness),
    _shape("percentile or duration", {"type": "number"}, {"type": "string"}),
]
Priority = Annotated[float, BeforeValidator(_not_bool), Field(ge=-100, le=100), _shape("number", {"type": "number"})]
Class: TypeAlias = Literal["completion", "chat", "big-chat", "review", "image", "background", "batch"]
Switch = Annotated[bool, _shape("true or false", {"type": "boolean"})]
Text = Annotated[str, Field(min_length=1), WithJsonSchema({"type": "string", "minLength": 1, "x-type": "text"})]
SecretText = Annotated[Secret, PlainValidator(_secret), WithJsonSchema({"type": "string", "x-type": "secret text"})]
HeaderSecret = Annotated[
    Secret, PlainValidator(_header_secret), WithJsonSchema({"type": "string", "x-type": "secret text"})
]
Url = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "x-type": "URL"})]
Address = Annotated[str, BeforeValidator(_address), WithJsonSchema({"type": "string", "x-type": "host or IP address"})]
Network = Annotated[str, BeforeValidator(_network), WithJsonSchema({"type": "string", "x-type": "network"})]
HeaderName = Annotated[str, BeforeValidator(_header), WithJsonSchema({"type": "string", "x-type": "header"})]
OwnUrl = Annotated[str, BeforeValidator(_own_url), WithJsonSchema({"type": "string", "x-type": "URL"})]
LongSecret = Annotated[
    Secret, PlainValidator(_long_secret), WithJsonSchema({"type": "string", "x-type": "secret text"})
]
Origin = Annotated[str, BeforeValidator(_origin), WithJsonSchema({"type": "string", "x-type": "origin"})]
ServiceName = Annotated[str, BeforeValidator(_service_name), WithJsonSchema({"type": "string", "x-type": "name"})]
GuestName = Annotated[str, BeforeValidator(_guest), WithJsonSchema({"type": "string", "x-type": "name"})]
RoleName: TypeAlias = Literal["owner", "admin", "member", "guest"]
Kind: TypeAlias = Literal["ollama", "llamacpp", "openai", "comfyui", "a1111"]

# More names than anybody keeps in mind, and few enough for every listing of models.
_MOST_ALIASES = 500

# It goes into the header x-potluck-node and into engine ids, where "/" and ":" have a meaning.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]*"

# The port each kind of server listens on if nobody says otherwise (its own default; for `openai`, that of vLLM).
USUAL_PORTS = {"ollama": 11434, "llamacpp": 8080, "openai": 8000, "comfyui": 8188, "a1111": 7860}


class Section(BaseModel):
    """Unknown keys are errors, and no error repeats a value on its own account."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class EngineSection(Section):
    """A server that runs models."""

    kind: Kind = Field(description="What server it is. `comfyui` and `a1111` draw pictures.")
    port: Port | None = Field(
        None,
        description="Its port on the node's address; left out, the one usual for its kind: "
        + ", ".join(f"{kind} {port}" for kind, port in USUAL_PORTS.items())
        + ".",
    )
    url: Url | None = Field(
        None, description="Where it listens, with a path if it has one, instead of `address`, `port` and `tls`."
    )
    tls: Switch = Field(False, description="Whether it speaks HTTPS.")
    api_key: HeaderSecret | None = Field(
        None, description="The key that Potluck shows to this engine. Clients' keys never reach an engine."
    )
    models: list[Text] = Field([], description="Its models, for a server that does not list them.")
    slots: Slots | None = Field(
        None, description="How many generations it runs at once; left out, what the engine tells, else 1."
    )
    context: Context | None = Field(
        None, description="Its models' context in tokens, where the engine does not tell or less is wanted."
    )


class AgentSection(Section):
    """What tells how much the machine has left: a running `potluck agent`. `agent: true` is one without a key."""

    port: Port = Field(model.AgentConfig("").port, description="Its port on the node's address.")
    api_key: HeaderSecret | None = Field(None, description="The key that it was started with.")


class NodeSection(Section):
    """A machine."""

    address: Address | None = Field(
        None, description="Its host name or IP address. It may be left out if every engine has a `url`."
    )
    memory: Size | None = Field(None, ge=1, description="Memory that models may fill. Left out, it is learned.")
    agent: Annotated[AgentSection | None, BeforeValidator(_agent)] = Field(
        None, description="The node agent that runs there, or `true`; left out, its machine is not asked."
    )
    engines: list[EngineSection] = Field([], description="The servers on it that run models.")


_HEDGE = HedgeRule()


class HedgeSection(Section):
    """Streams whose first byte is late are asked of a second engine as well. `hedge: true` is one without keys."""

    after: Lateness = Field(
        f"p{_HEDGE.quantile * 100:.0f}",
        description="How late: `p95` is when 95 of 100 first bytes are there, as learned of each model on each engine; "
        "or a duration.",
    )
    share: Share = Field(_HEDGE.share, description="The most of the route's calls that a second engine is asked for.")


class RouteSection(Section):
    """A policy. Its name can be asked for as a model."""

    models: list[Text] = Field([], description="Models in order of preference; left out, any that fits.")
    weights: dict[str, Weight] = Field(
        {}, description="How much of the calls each node is to get, relative to the others: a start to learn from."
    )
    order: list[Text] = Field(
        [], description="Nodes in order of preference, instead of weights: the next one helps where the first cannot."
    )
    policy: Literal["learned", "weighted"] = Field(
        model.RouteConfig("").policy.value, description="`weighted` makes the weights exact instead of a start."
    )
    hedge: Annotated[HedgeSection | None, BeforeValidator(_hedge)] = Field(
        None,
        description="When a second engine is asked as well because the first one is late, or `true`; left out, never.",
    )


_PRIORITIES = f"By default {', '.join(f'{kind} {limits.priority:g}' for kind, limits in DEFAULT_LIMITS.items())}."
_SERVER = model.ServerConfig()
_LIMITS = model.LimitsConfig()
_QUEUE = model.QueueConfig()
_RESCUE = model.RescueConfig()
_GENERATIONS = model.GenerationsConfig()
_ACCESS = model.AccessConfig()
_AUDIT = model.AuditConfig()
_JOBS = model.JobsConfig()
_PORTAL = model.PortalConfig()
_FILES = model.FilesConfig()
_QUOTAS = _FILES.quotas.roles
_USAGE = model.UsageConfig()
_DISCOVERY = model.DiscoveryConfig()
_LOCAL = model.LocalConfig()


class ServerSection(Section):
    """Where Potluck listens. `--host` and `--port` of `potluck up` go before it."""

    host: Address = Field(_SERVER.host, description="The address to listen on; `0.0.0.0` is every one of this machine.")
    port: ServerPort = Field(_SERVER.port, description="The port to listen on; 0 takes any free one.")
    url: OwnUrl = Field(
        _SERVER.url,
        description="Where people reach Potluck, such as `https://potluck.example.org`: links to invite them begin so. "
        "Left out, links begin with the address that whoever makes them came by.",
    )
    drain: Duration = Field(
        _SERVER.drain_s,
        description="How long a stop waits for calls under way. What is left then ends in an error, or, if it is of "
        "the native chat, waits for the next start.",
    )
    origins: list[Origin] = Field(
        [],
        description="Web pages that may call from a browser (CORS), beside those of this machine: "
        "`https://chat.example.org`, or `*` for every page. They need a key all the same.",
    )


class UseSection(Section):
    """How much may be used. What is left out is not limited."""

    requests_per_minute: Amount | None = Field(None, description="Requests in a minute.")
    requests_per_day: Amount | None = Field(None, description="Requests in a day.")
    tokens_per_minute: Amount | None = Field(None, description="Tokens of prompts and answers in a minute.")
    tokens_per_day: Amount | None = Field(None, description="Tokens of prompts and answers in a day.")
    images_per_day: Amount | None = Field(None, description="Images in a day.")
    concurrent: Amount | None = Field(None, description="Calls at the same time.")
    models: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="The only names that may be asked for: models, routes, aliases, `auto`."
    )
    priority: Class | None = Field(
        None,
        description="The highest class of calls; a call of a higher one becomes one of this. From the highest: "
        + ", ".join(f"`{kind}`" for kind in Classes)
        + ".",
    )
    budget_tokens_per_day: Amount | None = Field(
        None, description="Tokens in a day after which answers say that the budget is passed; nothing is refused."
    )


class LimitsSection(Section):
    """What is refused for its size, and how much callers may use. Users and keys have limits of their own beside
    these (`potluck users limit`, `potluck keys limit`); of all that apply the strictest holds."""

    max_body: Size = Field(_LIMITS.max_body_bytes, ge=1024, description="The largest body of a request, decompressed.")
    max_header: Size = Field(_LIMITS.max_header_bytes, ge=1024, description="The largest head of a request.")
    default: UseSection = Field(
        UseSection.model_construct(),
        description="What each user may use whose role is not under `roles`; owners are not limited by it.",
    )
    roles: dict[str, UseSection] = Field(
        {},
        description="What each user of a role may use: `owner`, `admin`, `member` or `guest`.",
        json_schema_extra={"propertyNames": {"enum": [role.value for role in Role]}},
    )
    routes: dict[str, UseSection] = Field({}, description="What all callers together may use of a route.")


class QueueSection(Section):
    """Calls that wait for a slot."""

    depth: Count = Field(_QUEUE.depth, description="How many may wait; more are refused at once.")
    max_wait: Duration = Field(_QUEUE.max_wait_s, description="How long one may wait before it is refused.")


class ClassSection(Section):
    """A class of calls: `completion`, `chat`, `big-chat` (of models above 12 GB), `review`, `image`, `background` or
    `batch`. Each key left out stays as it is by default."""

    first: Duration | None = Field(None, ge=0.05, description="How soon its users want the first word.")
    finish: Duration | None = Field(None, ge=0.05, description="How soon they want the end.")
    priority: Priority | None = Field(
        None,
        description="Who goes first where calls wait: lower numbers, until age lifts the others. " + _PRIORITIES,
    )
    max_wait: Duration | None = Field(
        None, ge=0.05, description="How long one may wait before it is refused, instead of `queue.max_wait`."
    )
    waiting: Count | None = Field(None, description="How many may wait, of all that `queue.depth` allows.")
    running: Count | None = Field(None, description="How many may run at once, on all machines together.")


class HealthSection(Section):
    """How engines are watched."""

    interval: Duration = Field(
        model.HealthConfig().interval_s, ge=0.1, description="The pause between two looks at an engine that is well."
    )
    reload_lost: Switch = Field(
        model.HealthConfig().reload_lost,
        description="Whether models in use on a machine that goes down are loaded on others that have them, before the "
        "next call; only where memory is free, and never while calls wait.",
    )


class RescueSection(Section):
    """Answers whose engine breaks after the first byte."""

    attempts: Count = Field(
        _RESCUE.attempts, description="How often another engine may go on with one answer; 0 ends it with an error."
    )
    within: Duration = Field(
        _RESCUE.within_s, description="How long after the first break another engine may still begin to go on."
    )
    silence: Duration = Field(
        _RESCUE.silence_s,
        description="The least silence of an engine that counts as a break, where another one can take over. By its "
        "learned speed it may be longer; 0 waits for two minutes always.",
    )


class GenerationsSection(Section):
    """Answers of the native chat, which go on when their client leaves."""

    alone: Duration = Field(_GENERATIONS.alone_s, description="How long one goes on that nobody reads.")
    alone_per_key: Count = Field(
        _GENERATIONS.alone_per_key,
        description="How many that nobody reads a key may have; of more, those that were left first are stopped.",
    )
    keep: Duration = Field(
        _GENERATIONS.keep_s, description="How long after its end the events of one can be read again."
    )
    keep_size: Size = Field(
        _GENERATIONS.keep_bytes, description="How much of these is kept in all; the oldest are forgotten first."
    )
    unfinished: Literal["continue", "interrupt"] = Field(
        _GENERATIONS.unfinished.value,
        description="What becomes of one that a crash or a stop cut: `continue` goes on with it at the next start, "
        "`interrupt` keeps the text so far.",
    )
    unfinished_within: Duration = Field(
        _GENERATIONS.unfinished_within_s, description="One that was cut longer ago is not gone on with."
    )


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


class JobsSection(Section):
    """Work in the background."""

    at_once: Slots = Field(_JOBS.at_once, description="How many run at once; each may ask models several things.")
    unfinished: Count = Field(_JOBS.unfinished, description="How many that are not finished each user may have.")
    keep: Duration = Field(_JOBS.keep_s, description="How long those that have ended are kept with their results.")


class PortalSection(Section):
    """What people see of the service, what the portal does by itself, and what people may show of it."""

    name: ServiceName = Field(
        _PORTAL.name, description="What the service is called, in the portal and where one signs in."
    )
    titles: Switch = Field(
        _PORTAL.titles,
        description="Whether a small model that is in memory gives conversations a title and tags after their first "
        "answer, in the background.",
    )
    public_shares: Switch = Field(
        _PORTAL.public_shares,
        description="Whether people may share a conversation with whoever has the link; left out, who reads one must "
        "sign in.",
    )


class AuditSection(Section):
    """What happened to people, keys and machines."""

    # A day at least: a mistyped unit must not forget what somebody is about to ask for.
    keep: Duration = Field(
        _AUDIT.keep_s, ge=86_400.0, description="How long entries of the audit log are kept; a day at least."
    )


class StorageSection(Section):
    """Where things are kept; each left out stays in the data directory."""

    database: SecretText | None = Field(
        None,
        description="The database's URL: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` or `sqlite:////PATH`; left "
        "out, a file in the data directory.",
    )
    redis: SecretText | None = Field(
        None,
        description="URL of a Redis that several Potlucks share: `redis://:PASSWORD@HOST:6379/0`, `rediss://…` or "
        "`unix://…`; left out, nothing is shared but the database.",
    )
    blobs: SecretText | None = Field(
        None,
        description="The bucket for files: `s3://KEY:SECRET@BUCKET/PREFIX?endpoint=https://HOST:PORT&region=R`. Key "
        "and secret may stand in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` instead; left out, a folder in the "
        "data directory.",
    )
    replicas: list[SecretText] = Field(
        [],
        description="Servers that follow the PostgreSQL of `database`: `postgresql://…` each. Conversations are listed "
        "and searched, usage and the request log are read, there; none of them has to answer.",
    )


class QuotaSection(Section):
    """How much the files of one user may take together: a size, or `none` for no limit."""

    owner: Quota = Field(_QUOTAS[Role.OWNER], description="For each owner.")
    admin: Quota = Field(_QUOTAS[Role.ADMIN], description="For each admin.")
    member: Quota = Field(_QUOTAS[Role.MEMBER], description="For each member. Guests keep no files.")
    users: dict[str, Quota] = Field({}, description="For single users, by their names, instead of their role's.")


class FilesSection(Section):
    """Files that people keep."""

    max_size: Size = Field(_FILES.max_bytes, ge=1, description="The largest file that is taken.")
    quota: QuotaSection = Field(QuotaSection.model_construct(), description="How much each user may keep.")


class RetentionSection(Section):
    """For how long pictures are kept that are no favourites: a duration, or `none` for ever, as where it is left
    out."""

    owner: Retention = Field(None, description="For each owner.")
    admin: Retention = Field(None, description="For each admin.")
    member: Retention = Field(None, description="For each member.")
    users: dict[str, Retention] = Field({}, description="For single users, by their names, instead of their role's.")


class StyleSection(Section):
    """Texts that go around a prompt, where they hold `{prompt}`, or behind it."""

    prompt: str = Field("", description="For what is to be seen: `photo of {prompt}, 35mm`.")
    negative: str = Field("", description="For what is not.")


class ImagesSection(Section):
    """Pictures: how they are made, and that people keep them in their galleries."""

    quota: QuotaSection = Field(
        QuotaSection.model_construct(),
        description="How much the pictures of one user may take together, apart from other files; who is over it asks "
        "for no more.",
    )
    keep: RetentionSection = Field(RetentionSection.model_construct(), description="For how long they are kept.")
    order: list[Text] = Field(
        [],
        description="Nodes, the primary one first: a picture goes to the first that can draw it and is up. Left out, "
        "where it will be finished first.",
    )
    memory: Literal["shared", "text", "pictures"] = Field(
        "shared",
        description="Who gives way where pictures and text share a node's memory: `shared`, idle models of either; "
        "`text`, pictures put no text model out; `pictures`, no text model puts theirs out.",
    )
    weights: Text | None = Field(
        None,
        description="Folder of diffusion weights that this machine draws with by itself, laid out as ComfyUI's "
        "`models`, from the config file's folder; left out, `diffusion/` in the data directory.",
    )
    workflows: dict[str, Text] = Field(
        {}, description="Graphs of your own by name: files that ComfyUI exported as API format, beside this one."
    )
    styles: dict[str, StyleSection] = Field({}, description="Styles that can be asked for by name.")
    wildcards: dict[str, list[Text]] = Field({}, description="Lists for `__name__` in prompts.")
    comfyui_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="A port for ComfyUI's clients, at the host of `server`; 8188 is what they expect. Left out, there "
        "is none.",
    )


class GatewaySection(Section):
    """This gateway among others that use the same PostgreSQL database."""

    name: Text | None = Field(
        None, description="What it is called in logs and listings; left out, the machine's name and the port."
    )
    advertise: Url | None = Field(
        None,
        description="Where the other gateways reach it, such as `http://192.168.1.20:8420`; left out, where it "
        "listens.",
    )


class DiscoverySection(Section):
    """Where engines are looked for beside `nodes`."""

    mdns: Switch = Field(
        _DISCOVERY.mdns,
        description="Whether to listen for node agents and engines that announce themselves by multicast DNS.",
    )
    scan: list[Network] = Field(
        [],
        description="Networks of your own, such as `192.168.1.0/24`, whose usual ports are knocked at once an hour; "
        "each at most a /20.",
    )
    agent_key: HeaderSecret | None = Field(
        None,
        description="The key that your node agents were started with. It is never sent to find them: both sides prove "
        "that they have it, and so a machine is known again at another address.",
    )


class LocalSection(Section):
    """The embedded engine. `local: true` and `local: false` are short for `enabled`."""

    enabled: Switch | None = Field(
        None, description="Whether it runs; left out, it does if no engine is configured or `local` has other keys."
    )
    models_dir: Text | None = Field(
        None,
        description="Folder of GGUF files, from the config file's folder; left out, `models/` in the data directory.",
    )
    idle_unload: Duration = Field(
        _LOCAL.idle_unload_s,
        description="How long an unused model stays loaded; 0 keeps it for ever. The first one always stays.",
    )
    slots: Slots = Field(_LOCAL.slots, description="How many generations each model runs at once.")
    threads: Slots | None = Field(None, description="Threads for each model; left out, one for each core.")
    context: Context = Field(
        _LOCAL.context, description="Context of each slot in tokens, at most what the model was made for."
    )
    hub: Url = Field(
        _LOCAL.hub,
        description="The hub that `potluck models pull hf.co/OWNER/REPO` asks; it may stand inside the network.",
    )
    hub_token: HeaderSecret | None = Field(
        None, description="The token that Potluck shows to the hub, for repositories that are not for everybody."
    )


class UsageSection(Section):
    """For how long it is kept what everybody used, and how single calls went."""

    keep: Duration = Field(_USAGE.keep_s, ge=86_400, description="The sums by day that `potluck usage` tells.")
    keep_requests: Duration = Field(
        _USAGE.keep_requests_s, ge=86_400, description="The request log that `potluck explain` tells from."
    )


class FileSection(Section):
    """``potluck.yaml``. Every section may be left out."""

    nodes: dict[str, NodeSection] = Field({}, description="The machines, by names of your choice.")
    routes: dict[str, RouteSection] = Field({}, description="Policies, by the name that clients ask for as a model.")
    aliases: dict[str, Text] = Field(
        {},
        max_length=_MOST_ALIASES,
        description="Other names for models, routes or `auto`, for clients that ask for `gpt-4o` and the like: "
        "`{gpt-4o: llama3.2}`. A model's or route's own name goes before an alias.",
    )
    server: ServerSection = Field(ServerSection.model_construct(), description="Where Potluck listens.")
    limits: LimitsSection = Field(LimitsSection.model_construct(), description="What is refused for its size.")
    queue: QueueSection = Field(QueueSection.model_construct(), description="Calls that wait for a slot.")
    classes: dict[str, ClassSection] = Field(
        {},
        description="Limits by class of calls.",
        json_schema_extra={"propertyNames": {"enum": [kind.value for kind in Classes]}},
    )
    health: HealthSection = Field(HealthSection.model_construct(), description="How engines are watched.")
    rescue: RescueSection = Field(RescueSection.model_construct(), description="Answers whose engine breaks.")
    generations: GenerationsSection = Field(
        GenerationsSection.model_construct(), description="Answers of the native chat."
    )
    storage: StorageSection = Field(StorageSection.model_construct(), description="Where things are kept.")
    files: FilesSection = Field(FilesSection.model_construct(), description="Files that people keep.")
    images: ImagesSection = Field(ImagesSection.model_construct(), description="Pictures that people keep.")
    gateway: GatewaySection = Field(
        GatewaySection.model_construct(), description="This gateway among others on the same database."
    )
    access: AccessSection = Field(AccessSection.model_construct(), description="Who may come in, and for how long.")
    jobs: JobsSection = Field(JobsSection.model_construct(), description="Work in the background.")
    portal: PortalSection = Field(PortalSection.model_construct(), description="What the portal does by itself.")
    audit: AuditSection = Field(AuditSection.model_construct(), description="The audit log.")
    usage: UsageSection = Field(UsageSection.model_construct(), description="How long usage is kept.")
    discovery: DiscoverySection = Field(DiscoverySection.model_construct(), description="Where engines are looked for.")
    local: Annotated[LocalSection, BeforeValidator(_local)] = Field(
        LocalSection.model_construct(), description="The embedded engine."
    )
