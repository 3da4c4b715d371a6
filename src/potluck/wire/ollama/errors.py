"""Errors in Ollama's words: to its clients, and from its engines (API-CONTRACTS.md 0 and 2)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from potluck.core.errors import (
    BadRequest,
    Conflict,
    ContextOverflow,
    Forbidden,
    MethodNotAllowed,
    ModelNotFound,
    NodeBusy,
    NodeFailed,
    NodeTimeout,
    NotFound,
    NotImplementedHere,
    NotInRegistry,
    OperatorError,
    Overloaded,
    PayloadTooLarge,
    PotluckError,
    QueueFull,
    RateLimited,
    Unauthenticated,
    Unsupported,
    UnsupportedEncoding,
)
from potluck.wire.port import ErrorReply
from potluck.wire.retrying import retry_fields

# The first class that fits decides, so the special ones stand before the general.
_STATUSES: tuple[tuple[type[PotluckError], int], ...] = (
    (BadRequest, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (ModelNotFound, 404),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (Conflict, 409),
    (PayloadTooLarge, 413),
    (UnsupportedEncoding, 415),
    (NotImplementedHere, 501),
    (NotInRegistry, 500),  # as Ollama says it
    (RateLimited, 429),
    (Overloaded, 503),
    (NodeBusy, 503),
    (NodeTimeout, 504),
    (OperatorError, 500),
)
_BROKEN_ENGINE = 502

# What Ollama's server says of everything it does not stream.
JSON_TYPE = "application/json; charset=utf-8"

# Ollama's own words, with its two spaces: clients and scripts look for them.
_BUSY = "server busy, please try again.  maximum pending requests exceeded"

# Said of a prompt, or of a text to embed, that was not to be cut. Neither length is told.
_TOO_LONG = re.compile(
    r"(?:input|prompt)\b.*(?:exceed|too long|longer).*context|exceed.*context (?:length|size)", re.IGNORECASE
)

_CANNOT = re.compile(r"does not support (?P<feature>[a-z ]+)")


def write_error(error: PotluckError, request_id: str) -> ErrorReply:
    """``{"error": text}``: always a string, for clients print it as it is."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), _BROKEN_ENGINE)
    headers = retry_fields(error, "ollama")
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allowed)))
    elif isinstance(error, Unauthenticated):
        headers.append(("www-authenticate", "Bearer"))
    return ErrorReply(status, msgspec.json.encode({"error": error_text(error)}), JSON_TYPE, tuple(headers))


def error_line(error: PotluckError) -> bytes:
    """The same inside a stream that has begun."""
    return msgspec.json.encode({"error": error_text(error)}) + b"\n"


def error_text(error: PotluckError) -> str:
    """What a client is shown: Ollama's words where it has some, and the hint after them."""
    match error:
        case Unauthenticated():
            text = "unauthorized"
        case QueueFull():
            text = _BUSY
        case _:
            text = error.message
    if not error.hint:
        return text
    return f"{text} {error.hint}" if text.endswith((".", "!", "?")) else f"{text}. {error.hint}"


def read_engine_error(status: int, body: bytes, model: str) -> PotluckError:
    """What a status of 400 or more from an Ollama engine means for a call of ``model``.

    The engine's words reach the client only where they speak of the request; the rest is detail for the log.
    """
    text = _text(body)
    if cannot := _CANNOT.search(text):
        return Unsupported(model, cannot["feature"].strip())
    if status == 400 and _TOO_LONG.search(text):
        return ContextOverflow(0, 0)
    match status:
        case 400:
            return BadRequest(text[:500] or "The engine refused the request.")
        case 404:
            return ModelNotFound(model)
        case 429 | 503:
            return NodeBusy("The engine is busy.", detail=text)
        case _:
            return NodeFailed(f"The engine answered with status {status}.", status=status, detail=text)


def in_band(error: Any) -> NodeFailed | ContextOverflow:
    """An ``error`` inside an answer: the engine failed after it had begun."""
    if _TOO_LONG.search(str(error)):
        return ContextOverflow(0, 0)
    return NodeFailed("The engine failed while it was answering.", detail=str(error)[:2000])


def _text(body: bytes) -> str:
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:2000].decode("utf-8", "replace")
    return str(fields.get("error", ""))
