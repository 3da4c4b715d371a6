"""Ollama's requests, names, durations and times as the fake reads and writes them."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, TypeVar

import msgspec

from potluck_fake_engine import tokens
from potluck_fake_engine.asking import Ask, JsonObject, Message, Tool
from potluck_fake_engine.dialects.base import Refusal, decode
from potluck_fake_engine.dialects.openai_wire import prompt_of
from potluck_fake_engine.engine import Engine, Model
from potluck_fake_engine.http import Request

T = TypeVar("T")

# Changing one of these makes a runner load again.
RUNNER_OPTIONS = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")

# What Go's longest duration, added to now, comes to: "never".
FOREVER_S = 9_223_372_036.0

_NAME_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# Go's encoder writes these so that JSON may stand in HTML.
_GO_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


class CallFunction(msgspec.Struct):
    name: str = ""
    arguments: JsonObject = {}


class ToolCall(msgspec.Struct):
    function: CallFunction = msgspec.field(default_factory=CallFunction)


class OllamaMessage(msgspec.Struct):
    role: str
    content: str = ""
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None

    def neutral(self) -> Message:
        calls = msgspec.json.encode(self.tool_calls).decode() if self.tool_calls else ""
        return Message(self.role, self.content, len(self.images or ()), calls)


class ToolFunction(msgspec.Struct):
    name: str = ""
    parameters: JsonObject | None = None


class ToolSpec(msgspec.Struct):
    function: ToolFunction = msgspec.field(default_factory=ToolFunction)

    def neutral(self) -> Tool:
        return Tool(self.function.name, self.function.parameters or {"type": "object"})


class Generating(msgspec.Struct):
    """What chat and generate have in common."""

    model: str = ""
    stream: bool | None = None
    format: str | JsonObject | None = None
    options: JsonObject | None = None
    keep_alive: float | str | None = None
    think: bool | str | None = None
    truncate: bool | None = None

    def schema(self) -> JsonObject | None:
        if isinstance(self.format, dict):
            return self.format
        if self.format in (None, ""):
            return None
        if self.format == "json":
            return {}
        raise Refusal(400, f'invalid format: "{self.format}"; expected "json" or a valid JSON Schema object')


class ChatRequest(Generating):
    messages: list[OllamaMessage] | None = None
    tools: list[ToolSpec] | None = None


class GenerateRequest(Generating):
    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: list[int] | None = None
    raw: bool = False
    images: list[str] | None = None


class EmbedRequest(msgspec.Struct):
    model: str = ""
    input: Any = None
    prompt: str = ""
    truncate: bool | None = None
    dimensions: int | None = None
    options: JsonObject | None = None
    keep_alive: float | str | None = None


class NameRequest(msgspec.Struct):
    """show, pull, push, delete, copy and create."""

    model: str = ""
    name: str = ""
    stream: bool | None = None
    source: str = ""
    destination: str = ""
    from_: str = msgspec.field(default="", name="from")
    files: dict[str, str] | None = None
    template: str = ""
    system: str = ""
    license: str | list[str] | None = None
    parameters: JsonObject | None = None

    def wanted(self) -> str:
        return self.model or self.name


def check_host(request: Request) -> None:
    """Ollama on loopback answers to local names only (against DNS rebinding), with a bare 403 to all others."""
    host = request.header("host").lower()
    host = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        local = host in ("", "localhost") or host.endswith((".localhost", ".local", ".internal"))
    else:
        local = address.is_loopback or address.is_private or address.is_unspecified
    if not local:
        raise Refusal(403, "", "plain")


def read(kind: type[T], body: bytes) -> T:
    if not body:
        raise Refusal(400, "missing request body")
    try:
        return _decoded(kind, body)
    except msgspec.ValidationError as exc:
        raise Refusal(400, f"json: cannot unmarshal into Go struct field {kind.__name__}: {exc}") from exc
    except msgspec.DecodeError as exc:
        raise Refusal(400, f"invalid character looking for beginning of value: {exc}") from exc


def _decoded(kind: type[T], body: bytes) -> T:
    """To Go a null is a field that was left out; few requests have any, so the second look costs few."""
    try:
        return decode(kind, body)
    except msgspec.ValidationError:
        if b"null" not in body:
            raise
        return msgspec.convert(_without_nulls(msgspec.json.decode(body)), kind)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}  # pyright: ignore[reportUnknownVariableType] - JSON
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType] - JSON


def encode(value: object) -> bytes:
    """JSON as Go writes it."""
    data = msgspec.json.encode(value)
    for plain, escaped in _GO_ESCAPES:
        if plain in data:
            data = data.replace(plain, escaped)
    return data


def full_name(name: str) -> str:
    """``name:tag``; what clients send is matched without regard to case."""
    name = name.removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def is_valid(name: str) -> bool:
    model, _, tag = full_name(name).rpartition("/")[2].partition(":")
    return bool(_NAME_PART.fullmatch(model) and _NAME_PART.fullmatch(tag.partition("@")[0]))


def lookup(engine: Engine, name: str) -> Model | None:
    if (model := engine.models.get(name)) is not None:
        return model
    wanted = full_name(name).lower()
    return next((model for known, model in engine.models.items() if full_name(known).lower() == wanted), None)


def find(engine: Engine, name: str, text: str = "model '{}' not found") -> Model:
    model = lookup(engine, name)
    if model is None:
        raise Refusal(404, text.format(name), "not_found_error")
    return model


def keep_alive_s(value: float | str | None, default_s: float) -> float:
    """A number of seconds or a Go duration; negative is for ever."""
    if value is None:
        return default_s
    seconds = _duration_s(value) if isinstance(value, str) else float(value)
    return math.inf if seconds < 0 else seconds


def _duration_s(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.lstrip("+-")
    if rest == "0":
        return 0.0
    parts = _DURATION.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise Refusal(400, f'time: invalid duration "{text}"')
    return sign * sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def runner_options(engine: Engine, model: Model, options: JsonObject | None) -> tuple[str, int]:
    """What tells runners of a model apart, and the context that this one has."""
    given = options or {}
    num_ctx = integer(given, "num_ctx", engine.settings.num_ctx)
    num_ctx = max(4, min(num_ctx, model.spec.context))
    others = [f"{key}={given[key]}" for key in RUNNER_OPTIONS[1:] if given.get(key) is not None]
    return " ".join([f"num_ctx={num_ctx}", *others]), num_ctx


def integer(options: JsonObject, key: str, default: int) -> int:
    value = options.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(400, f'option "{key}" must be of type integer')
    return int(value)


def stops(options: JsonObject) -> tuple[str, ...]:
    value = options.get("stop")
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise Refusal(400, 'option "stop" must be of type array')
    return tuple(str(word) for word in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON


def truncated(ask: Ask, num_ctx: int, truncate: bool | None) -> Ask:
    """`ask` without its oldest messages, as far as the context demands; system messages and the last one stay."""
    messages = list(ask.messages)
    while tokens.count(prompt_of(replace(ask, messages=tuple(messages)))) > num_ctx:
        if truncate is False:
            raise Refusal(400, "the input length exceeds the context length")
        droppable = [i for i, message in enumerate(messages[:-1]) if message.role != "system"]
        if not droppable:
            break
        del messages[droppable[0]]
    return replace(ask, messages=tuple(messages))


def rfc3339(epoch_s: float) -> str:
    """With nanoseconds and Z, as Go writes UTC."""
    whole = int(epoch_s)
    # Years that time.gmtime cannot show do not come up: "for ever" is year 2318.
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((epoch_s - whole) * 1e9):09d}Z"


def now_text() -> str:
    return rfc3339(time.time())


def nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
