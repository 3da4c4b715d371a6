"""OpenAI's error bodies: from the tree of `core.errors`, and back from what engines of the family say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from potluck.core.errors import (
    BadRequest,
    Conflict,
    ContextOverflow,
    Forbidden,
    MethodNotAllowed,
    ModelNotFound,
    NodeBusy,
    NodeError,
    NodeFailed,
    NodeTimeout,
    NoRoom,
    NotFound,
    NotImplementedHere,
    Overloaded,
    PayloadTooLarge,
    PotluckError,
    QuotaExceeded,
    RangeNotSatisfiable,
    RateLimited,
    Unauthenticated,
    Unsupported,
    UnsupportedEncoding,
)
from potluck.wire.port import ErrorReply
from potluck.wire.retrying import sdk_retry_fields
from potluck.wire.sse import data_event


class _Row(NamedTuple):
    status: int
    type: str
    code: str | None = None


_INVALID = "invalid_request_error"

# The nearest class in an error's line of ancestors counts, so the root answers for what is not listed.
_TABLE: Mapping[type[PotluckError], _Row] = MappingProxyType(
    {
        PotluckError: _Row(500, "server_error"),
        BadRequest: _Row(400, _INVALID),
        ContextOverflow: _Row(400, _INVALID, "context_length_exceeded"),
        Unsupported: _Row(400, _INVALID, "unsupported"),
        NotImplementedHere: _Row(501, _INVALID, "not_implemented"),
        Unauthenticated: _Row(401, "authentication_error", "invalid_api_key"),
        Forbidden: _Row(403, "permission_error"),
        ModelNotFound: _Row(404, "not_found_error", "model_not_found"),
        NotFound: _Row(404, "not_found_error"),
        MethodNotAllowed: _Row(405, _INVALID, "method_not_allowed"),
        Conflict: _Row(409, _INVALID, "conflict"),
        PayloadTooLarge: _Row(413, _INVALID, "request_too_large"),
        QuotaExceeded: _Row(413, _INVALID, "quota_exceeded"),
        RangeNotSatisfiable: _Row(416, _INVALID, "range_not_satisfiable"),
        NoRoom: _Row(507, "server_error", "no_room"),
        UnsupportedEncoding: _Row(415, _INVALID, "unsupported_media_type"),
        Overloaded: _Row(503, "server_error", "overloaded"),
        RateLimited: _Row(429, "rate_limit_error", "rate_limit_exceeded"),
        NodeError: _Row(502, "server_error"),
        NodeBusy: _Row(503, "server_error", "overloaded"),
        NodeTimeout: _Row(504, "server_error"),
    }
)


class _Error(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class _ErrorBody(msgspec.Struct):
    error: _Error


def _row(error: PotluckError) -> _Row:
    return next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)


def _body(error: PotluckError) -> bytes:
    row = _row(error)
    param = "model" if isinstance(error, ModelNotFound) else None
    if isinstance(error, BadRequest):
        param = error.param or None
    return msgspec.json.encode(_ErrorBody(_Error(str(error), row.type, param, row.code)))


def write_error(error: PotluckError, request_id: str) -> ErrorReply:
    """The status, headers and body for an error before the first byte. ``error.detail`` is never in them."""
    status = _row(error).status
    headers = [("x-request-id", request_id)]
    headers += sdk_retry_fields(error, "openai")
    if isinstance(error, Unauthenticated):
        headers.append(("www-authenticate", "Bearer"))
    if isinstance(error, RangeNotSatisfiable):
        headers.append(("content-range", f"bytes */{error.size_bytes}"))
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allowed)))
    return ErrorReply(status=status, body=_body(error), headers=tuple(headers))


def error_event(error: PotluckError) -> bytes:
    """The in-band error of a stream that has begun; nothing may follow it, least of all ``[DONE]``."""
    return data_event(_body(error))


# --- What engines say ----------------------------------------------------------------------------------------------


class _EngineError(msgspec.Struct):
    """An engine's error object. llama.cpp's ``code`` is the status as a number and its ``type`` what went wrong."""

    message: str | None = None
    type: str | None = None
    code: str | int | float | None = None
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class _EngineBody(msgspec.Struct):
    error: _EngineError | str | None = None
    # vLLM before 0.10 and FastAPI applications put it at the top.
    message: str | None = None
    detail: str | None = None
    type: str | None = None
    code: str | int | float | None = None


_OVERFLOW_CODES = frozenset({"exceed_context_size_error", "context_length_exceeded"})
# vLLM says that a model's maximum context length is N tokens and the request has M; llama.cpp that a request of
# M tokens exceeds the available context size of N tokens.
_MAXIMUM = re.compile(r"(?:maximum context length is|context size \(|n_ctx[ =]+)\D{0,3}(\d+)")
_ASKED = re.compile(r"(?:request \(|requested |request has |resulted in |prompt contains at least )(\d+)")

# Words of an engine that must stay with the owner: addresses, paths of its machine, stack traces, keys.
_PRIVATE = re.compile(
    r"://|(?:^|[\s'\"(=])[/~][\w.-]+/|\b[A-Za-z]:\\|Traceback|File \"|\bsk-\w|\d+\.\d+\.\d+\.\d+|[\r\n]"
)
_LONGEST_MESSAGE = 500

# Statuses of 400 and more that tell of the engine or the way to it, not of the request.
_ENGINES_OWN = frozenset({405, 408, 409, 425})

_LOADING = ("loading", "starting")

# llama.cpp without a projector says that image input is not supported, as a 500; Ollama that a model does not
# support tools, as a 400.
_NOT_SUPPORTED = re.compile(r"does not support (\w+)|(image|audio) input is not supported", re.IGNORECASE)


def _said(body: bytes) -> _EngineError:
    """The error object in a body of the family, whatever its form; an empty one if there is none to be read."""
    try:
        read = msgspec.json.decode(body, type=_EngineBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _EngineError()
    if isinstance(read.error, _EngineError):
        return read.error
    return _EngineError(message=read.error or read.message or read.detail, type=read.type, code=read.code)


def read_engine_error(status: int, body: bytes, model: str) -> PotluckError:
    """What an engine's status of 400 or more means for the call. ``model`` is the name the client asked for.

    1. The prompt is too long. 2. The model lacks a feature, known by the words whatever the status. 3. The engine is
    busy or loading. 4. It refuses our key, which is the owner's affair. 5. It does not have the model. 6. The request
    is bad. 7. Everything else is its own fault.
    """
    said = _said(body)
    message = said.message or ""
    detail = _excerpt(body)
    if overflow := _overflow(said, status):
        return overflow
    if missing := _NOT_SUPPORTED.search(message):
        return Unsupported(model, missing[1] or ("vision" if missing[2].lower() == "image" else missing[2]))
    match status:
        case 429 | 503:
            loading = any(word in message.lower() for word in _LOADING)
            why = "is still loading the model" if loading else "has no room"
            return NodeBusy(f"The engine {why}.", loading=loading, detail=detail)
        case 401 | 403 | 407:
            return NodeFailed("The engine refuses Potluck's key.", status=status, detail=detail)
        case 404:
            return ModelNotFound(model)
        case 501:
            return Unsupported(model, "this request")
        case _ if 400 <= status < 500 and status not in _ENGINES_OWN:
            return BadRequest(_harmless(message) or "The engine refuses this request.", detail=detail)
        case _:
            return NodeFailed("The engine failed.", status=status, detail=detail)


def read_in_band_error(data: bytes) -> PotluckError:
    """What an error event in a stream, or an error body with status 200, means. ``data`` is its JSON."""
    said = _said(data)
    status = said.code if isinstance(said.code, int) else 0
    return _overflow(said, status) or NodeFailed("The engine failed.", status=status, detail=_excerpt(data))


def _overflow(said: _EngineError, status: int) -> ContextOverflow | None:
    message = said.message or ""
    asked, most = _ASKED.search(message), _MAXIMUM.search(message)
    if not _OVERFLOW_CODES.intersection({said.type, said.code}) and not (status == 400 and most and asked):
        return None
    prompt = said.n_prompt_tokens if said.n_prompt_tokens is not None else int(asked[1]) if asked else 0
    context = said.n_ctx if said.n_ctx is not None else int(most[1]) if most else 0
    return ContextOverflow(prompt, context)


def _harmless(message: str) -> str:
    """The engine's own words if a client may read them, else nothing."""
    message = message.strip()
    return "" if len(message) > _LONGEST_MESSAGE or _PRIVATE.search(message) else message


def _excerpt(body: bytes) -> str:
    return body[:_LONGEST_MESSAGE].decode("utf-8", "replace")
