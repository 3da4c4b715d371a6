"""Anthropic's statuses and error types (API-CONTRACTS.md 0)."""

from __future__ import annotations

import json

import pytest

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
    NoEngineReady,
    NotFound,
    NotImplementedHere,
    OperatorError,
    PayloadTooLarge,
    PotluckError,
    QueueFull,
    RateLimited,
    StorageAway,
    Unauthenticated,
    UnsupportedEncoding,
)
from potluck.wire.anthropic import write_error


@pytest.mark.parametrize(
    ("error", "status", "kind", "headers"),
    [
        (BadRequest("Bad."), 400, "invalid_request_error", {}),
        (ContextOverflow(9000, 4096), 400, "invalid_request_error", {}),
        (Unauthenticated(), 401, "authentication_error", {"www-authenticate": "Bearer"}),
        (Forbidden("No."), 403, "permission_error", {}),
        (ModelNotFound("m"), 404, "not_found_error", {}),
        (NotFound("No such path."), 404, "not_found_error", {}),
        (MethodNotAllowed("PUT", ["GET", "POST"]), 405, "invalid_request_error", {"allow": "GET, POST"}),
        (Conflict("Taken."), 409, "invalid_request_error", {"x-should-retry": "false"}),
        (PayloadTooLarge(5), 413, "request_too_large", {}),
        (UnsupportedEncoding("br"), 415, "invalid_request_error", {}),
        (RateLimited("Spent.", retry_after_s=0.2), 429, "rate_limit_error", {"retry-after": "1"}),
        (OperatorError("Disk full."), 500, "api_error", {"x-should-retry": "false"}),
        (StorageAway("Away.", retry_after_s=5.0), 529, "overloaded_error", {"retry-after": "5"}),
        (PotluckError("What?"), 500, "api_error", {}),
        (NotImplementedHere("Not here."), 501, "api_error", {"x-should-retry": "false"}),
        (NodeFailed("Broke."), 502, "api_error", {}),
        (NodeTimeout("Silent."), 504, "api_error", {}),
        (QueueFull("Full.", retry_after_s=2.4), 529, "overloaded_error", {"retry-after": "3"}),
        (NoEngineReady("None.", retry_after_s=30), 529, "overloaded_error", {"retry-after": "30"}),
        (NodeBusy("Busy."), 529, "overloaded_error", {"retry-after": "5"}),
    ],
)
def test_each_error_has_its_status_and_type(
    error: PotluckError, status: int, kind: str, headers: dict[str, str]
) -> None:
    reply = write_error(error, "req_1")
    assert (reply.status, reply.content_type) == (status, "application/json")
    assert dict(reply.headers) == {"request-id": "req_1", **headers}
    assert json.loads(reply.body) == {
        "type": "error",
        "error": {"type": kind, "message": str(error)},
        "request_id": "req_1",
    }


def test_what_only_the_owner_may_see_stays_here() -> None:
    assert b"10.0.0.7" not in write_error(NodeFailed("Broke.", detail="at 10.0.0.7"), "req_1").body
