"""Errors as Anthropic's clients know them (API-CONTRACTS.md 0)."""

from __future__ import annotations

import math

import msgspec

from potluck.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    ModelNotFound,
    NodeError,
    NodeTimeout,
    NotFound,
    NotImplementedHere,
    OperatorError,
    Overloaded,
    PayloadTooLarge,
    PotluckError,
    RateLimited,
    Unauthenticated,
    UnsupportedEncoding,
)
from potluck.wire.port import ErrorReply

# The first class that an error is an instance of decides. 529 is the public API's word for "no room now".
_TABLE: tuple[tuple[type[PotluckError], int, str], ...] = (
    (BadRequest, 400, "invalid_request_error"),
    (Unauthenticated, 401, "authentication_error"),
    (Forbidden, 403, "permission_error"),
    (ModelNotFound, 404, "not_found_error"),
    (NotFound, 404, "not_found_error"),
    (MethodNotAllowed, 405, "invalid_request_error"),
    (Conflict, 409, "invalid_request_error"),
    (PayloadTooLarge, 413, "request_too_large"),
    (UnsupportedEncoding, 415, "invalid_request_error"),
    (NotImplementedHere, 501, "api_error"),
    (RateLimited, 429, "rate_limit_error"),
    (Overloaded, 529, "overloaded_error"),
    (NodeTimeout, 504, "api_error"),
    (NodeError, 502, "api_error"),
    (OperatorError, 500, "api_error"),
)


def write_error(error: PotluckError, request_id: str) -> ErrorReply:
    """The status, body and headers for an error. SDKs retry 409, 429 and 5xx unless they are told not to."""
    status, _ = _classify(error)
    headers = [("request-id", request_id)]
    if isinstance(error, Overloaded):
        headers.append(("retry-after", str(max(1, math.ceil(error.retry_after_s)))))
    if isinstance(error, Unauthenticated):
        headers.append(("www-authenticate", "Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allowed)))
    if isinstance(error, (Conflict, NotImplementedHere, OperatorError)):
        headers.append(("x-should-retry", "false"))
    return ErrorReply(status, error_body(error, request_id), headers=tuple(headers))


def error_body(error: PotluckError, request_id: str) -> bytes:
    """The JSON of an error, as a body or in-band."""
    _, kind = _classify(error)
    body = {"type": "error", "error": {"type": kind, "message": str(error)}, "request_id": request_id}
    return msgspec.json.encode(body)


def _classify(error: PotluckError) -> tuple[int, str]:
    for kind, status, name in _TABLE:
        if isinstance(error, kind):
            return status, name
    return 500, "api_error"
