"""Types of single values in the file: how each is checked, and what people and editors are told of it."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict

from potluck.config.secret import Secret
from potluck.config.units import Unfit, parse_duration, parse_size

# `x-type` names the type for people; config.reference prints it. Any value may be a reference instead.
_REFERENCE: JsonDict = {"type": "string", "pattern": r"\$\{|^file:"}


def shown_as(name: str, *forms: JsonDict) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [*forms, _REFERENCE], "x-type": name})


def no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise Unfit("be a number")
    return value


def read_secret(value: object) -> Secret:
    if not isinstance(value, str):
        raise Unfit("be text", "Put it in quotes.", private=True)
    return Secret(value)


def _header_secret(value: object) -> Secret:
    secret = read_secret(value)
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


def whole_number(low: int, high: int) -> tuple[object, ...]:
    """What makes an ``int`` a number from ``low`` to ``high``."""
    shape = shown_as("whole number", {"type": "integer", "minimum": low, "maximum": high})
    return (BeforeValidator(no_bool), Field(ge=low, le=high), shape)


Duration = Annotated[
    float, BeforeValidator(parse_duration), shown_as("duration", {"type": "number"}, {"type": "string"})
]
Size = Annotated[int, BeforeValidator(parse_size), shown_as("size", {"type": "integer"}, {"type": "string"})]
Port = Annotated[int, *whole_number(1, 65535)]
ServerPort = Annotated[int, *whole_number(0, 65535)]
Slots = Annotated[int, *whole_number(1, 4096)]
Count = Annotated[int, *whole_number(1, 1_000_000)]
Context = Annotated[int, *whole_number(256, 100_000_000)]
Switch = Annotated[bool, shown_as("true or false", {"type": "boolean"})]
Text = Annotated[str, Field(min_length=1), WithJsonSchema({"type": "string", "minLength": 1, "x-type": "text"})]
SecretText = Annotated[Secret, PlainValidator(read_secret), WithJsonSchema({"type": "string", "x-type": "secret text"})]
HeaderSecret = Annotated[
    Secret, PlainValidator(_header_secret), WithJsonSchema({"type": "string", "x-type": "secret text"})
]
Url = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "x-type": "URL"})]
Address = Annotated[str, BeforeValidator(_address), WithJsonSchema({"type": "string", "x-type": "host or IP address"})]
Network = Annotated[str, BeforeValidator(_network), WithJsonSchema({"type": "string", "x-type": "network"})]
OwnUrl = Annotated[str, BeforeValidator(_own_url), WithJsonSchema({"type": "string", "x-type": "URL"})]
Origin = Annotated[str, BeforeValidator(_origin), WithJsonSchema({"type": "string", "x-type": "origin"})]


class Section(BaseModel):
    """Unknown keys are errors, and no error repeats a value on its own account."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
