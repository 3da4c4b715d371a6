"""A1111's error bodies: ``{"error", "detail", "body", "errors"}``, and FastAPI's list for what a field holds.

Sources: API-CONTRACTS.md 0 and 6; ``api_middleware`` in AUTOMATIC1111's ``modules/api/api.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from potluck.core import errors as e
from potluck.core.model import Json
from potluck.wire.basic_auth import error_fields
from potluck.wire.port import ErrorReply

_STATUS: Final[Mapping[type[e.PotluckError], int]] = {
    e.PotluckError: 500,
    e.BadRequest: 422,
    e.NotImplementedHere: 501,
    e.Unauthenticated: 401,
    e.Forbidden: 403,
    e.NotFound: 404,
    e.ModelNotFound: 404,
    e.MethodNotAllowed: 405,
    e.Conflict: 409,
    e.PayloadTooLarge: 413,
    e.UnsupportedEncoding: 415,
    e.Overloaded: 503,
    e.RateLimited: 429,
    e.NoRoom: 507,
}
# What failed while it was drawn is a Python exception there, and 500.
_EXCEPTIONS: Final[Mapping[type[e.PotluckError], str]] = {
    e.NodeError: "RuntimeError",
    e.OutOfMemory: "OutOfMemoryError",
    e.NodeTimeout: "TimeoutError",
}


def write_error(error: e.PotluckError, request_id: str) -> ErrorReply:
    """``error.detail`` is never in it."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return ErrorReply(
        status=status, body=msgspec.json.encode(_body(error, status)), headers=error_fields(error, request_id)
    )


def _body(error: e.PotluckError, status: int) -> dict[str, Json]:
    said = str(error)
    if isinstance(error, e.BadRequest):
        where: list[Json] = ["body", *([error.param] if error.param else [])]
        return {"detail": [{"type": "value_error", "loc": where, "msg": said}]}
    exception = next((_EXCEPTIONS[kind] for kind in type(error).__mro__ if kind in _EXCEPTIONS), "")
    if exception:
        return {"error": exception, "detail": "", "body": "", "errors": said}
    return {"error": "HTTPException", "detail": said, "body": "", "errors": f"{status}: {said}"}
