"""Errors as the native API shows them: one table from the tree to statuses, for answers and for ``error`` events."""

from __future__ import annotations

import msgspec

from potluck.core import errors as e
from potluck.gateway.answer_headers import REQUEST_ID
from potluck.storage.generations import Failure
from potluck.wire.port import ErrorReply
from potluck.wire.retrying import retry_fields


class ErrorInfo(msgspec.Struct, omit_defaults=True):
    """``type`` is stable and for programs; ``hint`` says what to do; ``param`` names the field, dotted."""

    type: str
    message: str
    hint: str
    request_id: str
    param: str = ""
    conversation: str = ""


class ErrorBody(msgspec.Struct):
    """Every refusal, and the data of an ``error`` event."""

    error: ErrorInfo


MODEL_ERRORS = (
    e.ModelNotFound,
    e.ContextOverflow,
    e.Unsupported,
    e.RateLimited,
    e.Overloaded,
    e.NodeError,
    e.NodeTimeout,
)
"""What a call may meet on its way to a model."""

STATUS: dict[type[e.PotluckError], tuple[int, str, str]] = {
    e.BadRequest: (400, "bad_request", "GET /docs shows what this request takes."),
    e.ContextOverflow: (400, "context_overflow", ""),
    e.Unsupported: (400, "unsupported", "GET /api/v1/models shows what each model can do."),
    e.Unauthenticated: (401, "unauthenticated", ""),
    e.CodeNeeded: (401, "code_needed", ""),
    e.Forbidden: (403, "forbidden", "An owner or admin may help."),
    e.NotFound: (404, "not_found", "GET /docs lists the paths."),
    e.ModelNotFound: (404, "model_not_found", "GET /api/v1/models lists the models there are."),
    e.MethodNotAllowed: (405, "method_not_allowed", ""),
    e.Conflict: (409, "conflict", ""),
    e.PayloadTooLarge: (413, "payload_too_large", ""),
    e.QuotaExceeded: (413, "quota_exceeded", ""),
    e.RangeNotSatisfiable: (416, "range_not_satisfiable", ""),
    e.UnsupportedEncoding: (415, "unsupported_encoding", "Send the body as plain JSON."),
    # As the request log has it: nobody waits for this answer any more.
    e.Superseded: (499, "cancelled", ""),
    e.ClientError: (400, "bad_request", ""),
    e.RateLimited: (429, "rate_limited", "Try again later."),
    e.NoRoom: (507, "no_room", "Make room, or take a smaller model."),
    e.OperatorError: (500, "internal", "The owner finds the reason in Potluck's log."),
    e.PotluckError: (500, "internal", "The owner finds the reason in Potluck's log."),
    e.NotImplementedHere: (501, "not_implemented", ""),
    e.ProviderFailed: (502, "provider_failed", "The owner finds the reason in Potluck's log."),
    e.ProviderAway: (503, "provider_away", "Try again later."),
    e.NodeError: (502, "node_failed", "Try again; GET /api/v1/nodes shows how the engines are."),
    e.Overloaded: (503, "overloaded", "Try again later."),
    e.NodeBusy: (503, "overloaded", "Try again later."),
    e.NodeTimeout: (504, "node_timeout", "Try again; GET /api/v1/nodes shows how the engines are."),
}
"""Status, ``type``, and the hint where the error brings none. An error's nearest class in here counts."""


def status_of(error: type[e.PotluckError]) -> tuple[int, str, str]:
    """The row of `STATUS` for a class of error."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


def error_body(error: e.PotluckError, request_id: str, conversation: str = "") -> ErrorBody:
    """What a client is told. ``detail`` stays out: it is for the owner's log."""
    _, kind, hint = status_of(type(error))
    param = error.param if isinstance(error, e.BadRequest) else ""
    return ErrorBody(ErrorInfo(kind, error.message, error.hint or hint, request_id, param, conversation))


def failure_of(error: e.PotluckError) -> Failure:
    """The same for the log of an answer, which is told again to who comes back."""
    _, kind, hint = status_of(type(error))
    return Failure(kind, error.message, error.hint or hint)


def native_error(error: e.PotluckError, request_id: str, conversation: str = "") -> ErrorReply:
    """The answer for an error before anything was sent (a `wire.port.ErrorWriter`)."""
    status, _, _ = status_of(type(error))
    headers = [(REQUEST_ID, request_id), *retry_fields(error, "native")]
    if isinstance(error, e.RangeNotSatisfiable):
        headers.append(("content-range", f"bytes */{error.size_bytes}"))
    elif isinstance(error, e.MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allowed)))
    elif isinstance(error, e.Unauthenticated):
        headers.append(("www-authenticate", 'Bearer realm="potluck"'))
    body = msgspec.json.encode(error_body(error, request_id, conversation))
    return ErrorReply(status, body, headers=tuple(headers))
