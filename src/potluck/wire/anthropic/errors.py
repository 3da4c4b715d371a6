"""Errors as Anthropic's clients know them (API-CONTRACTS.md 0)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from potluck.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    ModelNotFound,
    NodeBusy,
    NodeError,
    NodeTimeout,
    NotFound,
    NotImplementedHere,
    Overloaded,
    PayloadTooLarge,
    PotluckError,
    RateLimited,
    Unauthenticated,
    UnsupportedEncoding,
)
from potluck.wire.port import ErrorReply
from potluck.wire.retrying import sdk_retry_fields

# The nearest class in an error's line of ancestors counts, so the root answers for what is not listed.
# 529 is the public API's status for "no room now"; the SDKs try it again as they do every 5xx.
_TABLE: Mapping[type[PotluckError], tuple[int, str]] = MappingProxyType(
    {
        PotluckError: (500, "api_error"),
        BadRequest: (400, "invalid_request_error"),
        NotImplementedHere: (501, "api_error"),
        Unauthenticated: (401, "authentication_error"),
        Forbidden: (403, "permission_error"),
        ModelNotFound: (404, "not_found_error"),
        NotFound: (404, "not_found_error"),
        MethodNotAllowed: (405, "invalid_request_error"),
        Conflict: (409, "invalid_request_error"),
        PayloadTooLarge: (413, "request_too_large"),
        UnsupportedEncoding: (415, "invalid_request_error"),
        Overloaded: (529, "overloaded_error"),
        RateLimited: (429, "rate_limit_error"),
        NodeError: (502, "api_error"),
        NodeBusy: (529, "overloaded_error"),
        NodeTimeout: (504, "api_error"),
    }
)


def write_error(error: PotluckError, request_id: str) -> ErrorReply:
    """The status, body and headers for an error before the first byte. ``error.detail`` is never in them."""
    status, _ = _row(error)
    headers = [("request-id", request_id)]
    headers += sdk_retry_fields(error, "anthropic")
    if isinstance(error, Unauthenticated):
        headers.append(("www-authenticate", "Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allowed)))
    return ErrorReply(status, error_body(error, request_id), headers=tuple(headers))


def error_body(error: PotluckError, request_id: str) -> bytes:
    """The JSON of an error, as a body or in-band."""
    _, kind = _row(error)
    body = {"type": "error", "error": {"type": kind, "message": str(error)}, "request_id": request_id}
    return msgspec.json.encode(body)


def _row(error: PotluckError) -> tuple[int, str]:
    return next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
