from __future__ import annotations

import json

import pytest

from potluck.core.errors import (
    BadRequest,
    ContextOverflow,
    MethodNotAllowed,
    ModelNotFound,
    NodeFailed,
    PayloadTooLarge,
    PotluckError,
    QueueFull,
    RateLimited,
    Unauthenticated,
    Unsupported,
    UnsupportedEncoding,
)
from potluck.wire.code.errors import write_llamacpp_error, write_tabby_error


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadRequest("bad"), 400, "invalid_request_error"),
        (Unauthenticated(), 401, "authentication_error"),
        (ModelNotFound("m"), 404, "not_found_error"),
        (MethodNotAllowed("GET", ["POST"]), 405, "invalid_request_error"),
        (PayloadTooLarge(5), 413, "invalid_request_error"),
        (UnsupportedEncoding("br"), 415, "invalid_request_error"),
        (RateLimited("slow down", retry_after_s=2), 429, "rate_limit_error"),
        (Unsupported("m", "insert"), 501, "not_supported_error"),
        (QueueFull("full", retry_after_s=2), 503, "unavailable_error"),
        (NodeFailed("broke"), 502, "server_error"),
    ],
)
def test_llamacpps_errors_have_the_status_as_their_code(error: PotluckError, status: int, kind: str) -> None:
    reply = write_llamacpp_error(error, "req")
    assert reply.status == status
    assert json.loads(reply.body) == {"error": {"code": status, "message": str(error), "type": kind}}


def test_an_overflow_tells_both_numbers() -> None:
    said = json.loads(write_llamacpp_error(ContextOverflow(9, 8), "req").body)["error"]
    assert (said["type"], said["n_prompt_tokens"], said["n_ctx"]) == ("exceed_context_size_error", 9, 8)


def test_tabbys_errors_are_bare() -> None:
    reply = write_tabby_error(QueueFull("full", retry_after_s=2), "req")
    assert (reply.status, reply.body) == (503, b"")
    assert ("retry-after", "2") in reply.headers
