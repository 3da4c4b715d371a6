"""OpenAI's error bodies, to clients and from engines."""

from __future__ import annotations

import json

import pytest

from potluck.core.errors import (
    BadRequest,
    Conflict,
    ContextOverflow,
    Forbidden,
    MalformedAnswer,
    MethodNotAllowed,
    ModelNotFound,
    NodeBusy,
    NodeFailed,
    NodeTimeout,
    NodeUnreachable,
    NoEngineReady,
    NoRoom,
    NotFound,
    NotImplementedHere,
    OperatorError,
    PayloadTooLarge,
    PotluckError,
    QueueFull,
    QuotaExceeded,
    RangeNotSatisfiable,
    RateLimited,
    StorageAway,
    Unauthenticated,
    Unsupported,
    UnsupportedEncoding,
)
from potluck.wire.openai.errors import error_event, read_engine_error, read_in_band_error, write_error


@pytest.mark.parametrize(
    ("error", "status", "kind", "code", "param"),
    [
        (BadRequest("b", param="n"), 400, "invalid_request_error", None, "n"),
        (BadRequest("b"), 400, "invalid_request_error", None, None),
        (ContextOverflow(9, 8), 400, "invalid_request_error", "context_length_exceeded", "messages"),
        (Unsupported("m", "tools"), 400, "invalid_request_error", "unsupported", None),
        (NotImplementedHere("n"), 501, "invalid_request_error", "not_implemented", None),
        (Unauthenticated(), 401, "authentication_error", "invalid_api_key", None),
        (Forbidden("f"), 403, "permission_error", None, None),
        (ModelNotFound("m", ["n"]), 404, "not_found_error", "model_not_found", "model"),
        (NotFound("n"), 404, "not_found_error", None, None),
        (MethodNotAllowed("GET", ["POST"]), 405, "invalid_request_error", "method_not_allowed", None),
        (Conflict("c"), 409, "invalid_request_error", "conflict", None),
        (PayloadTooLarge(5), 413, "invalid_request_error", "request_too_large", None),
        (QuotaExceeded(1, 2), 413, "invalid_request_error", "quota_exceeded", None),
        (RangeNotSatisfiable(2), 416, "invalid_request_error", "range_not_satisfiable", None),
        (NoRoom("n"), 507, "server_error", "no_room", None),
        (UnsupportedEncoding("u"), 415, "invalid_request_error", "unsupported_media_type", None),
        (QueueFull("q", retry_after_s=2), 503, "server_error", "overloaded", None),
        (NoEngineReady("q", retry_after_s=2), 503, "server_error", "overloaded", None),
        (RateLimited("r", retry_after_s=2), 429, "rate_limit_error", "rate_limit_exceeded", None),
        (NodeUnreachable("n"), 502, "server_error", None, None),
        (NodeFailed("n", status=500), 502, "server_error", None, None),
        (MalformedAnswer("n"), 502, "server_error", None, None),
        (NodeBusy("n"), 503, "server_error", "overloaded", None),
        (NodeTimeout("n"), 504, "server_error", None, None),
        (OperatorError("o"), 500, "server_error", None, None),
        (StorageAway("s", retry_after_s=5.0), 503, "server_error", "overloaded", None),
        (PotluckError("p"), 500, "server_error", None, None),
    ],
)
def test_each_error_has_its_status_and_words(
    error: PotluckError, status: int, kind: str, code: str | None, param: str | None
) -> None:
    reply = write_error(error, "req1")
    assert reply.status == status
    assert json.loads(reply.body) == {"error": {"message": str(error), "type": kind, "param": param, "code": code}}
    assert reply.content_type == "application/json"
    assert ("x-request-id", "req1") in reply.headers


def headers(error: PotluckError) -> dict[str, str]:
    return dict(write_error(error, "r").headers)


def test_what_time_heals_says_when_and_what_it_does_not_says_so() -> None:
    assert headers(QueueFull("q", retry_after_s=1.2))["retry-after"] == "2"
    assert headers(RateLimited("q", retry_after_s=0.0))["retry-after"] == "1"
    assert headers(NodeBusy("q"))["retry-after"] == "5"
    for error in (NotImplementedHere("n"), Conflict("c"), OperatorError("o")):
        assert headers(error)["x-should-retry"] == "false"
    assert headers(NodeFailed("n")).keys() == {"x-request-id"}
    assert headers(Unauthenticated())["www-authenticate"] == "Bearer"
    assert headers(MethodNotAllowed("GET", ["POST", "HEAD"]))["allow"] == "POST, HEAD"
    assert headers(RangeNotSatisfiable(7))["content-range"] == "bytes */7"


def test_the_detail_stays_with_the_owner() -> None:
    error = NodeFailed("The engine failed.", detail="http://10.0.0.7 sk-secret")
    assert b"10.0.0.7" not in write_error(error, "r").body
    assert error_event(error) == (
        b'data: {"error":{"message":"The engine failed.","type":"server_error","param":null,"code":null}}\n\n'
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try'
        b' increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}',
        b'{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens)"}}',
        b'{"error":{"message":"This model\'s maximum context length is 4096 tokens. However, your messages resulted in'
        b' 5000 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}',
        b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens. However, you requested 5000'
        b' tokens","type":"BadRequestError","code":400}',
    ],
)
def test_a_prompt_over_the_context_is_known_in_every_form(body: bytes) -> None:
    error = read_engine_error(400, body, "m")
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.context) == (5000, 4096)


def test_an_overflow_without_numbers_is_still_one() -> None:
    error = read_engine_error(400, b'{"error":{"message":"too long","code":"context_length_exceeded"}}', "m")
    assert isinstance(error, ContextOverflow)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", NodeBusy),
        (503, b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', NodeBusy),
        (401, b'{"error":"no key"}', NodeFailed),
        (403, b"<html>", NodeFailed),
        (404, b'{"error":{"message":"x"}}', ModelNotFound),
        (501, b'{"error":{"code":501,"message":"not here","type":"not_supported_error"}}', Unsupported),
        (400, b'{"detail":"temperature is odd"}', BadRequest),
        (422, b'{"message":"bad","type":"x","code":422}', BadRequest),
        (408, b"", NodeFailed),
        (500, b'{"error":{"code":500,"message":"boom"}}', NodeFailed),
        (502, b"\xff", NodeFailed),
        (500, b"[" * 100_000, NodeFailed),
    ],
)
def test_an_engines_status_says_who_must_act(status: int, body: bytes, kind: type[PotluckError]) -> None:
    error = read_engine_error(status, body, "m")
    assert type(error) is kind
    if isinstance(error, NodeFailed):
        assert error.status == status


def test_loading_is_told_apart_from_full() -> None:
    assert "loading" in str(read_engine_error(503, b'{"error":{"message":"Loading model"}}', "m"))
    assert "no room" in str(read_engine_error(503, b"{}", "m"))


@pytest.mark.parametrize(
    ("status", "message", "feature"),
    [
        (400, "'m' does not support tools", "tools"),
        (
            500,
            "image input is not supported - hint: you may need to provide the mmproj",
            "vision",
        ),
        (500, "audio input is not supported", "audio"),
        (501, "This server does not support embeddings. Start it with `--embeddings`", "embeddings"),
    ],
)
def test_a_missing_feature_is_known_by_its_words(status: int, message: str, feature: str) -> None:
    error = read_engine_error(status, json.dumps({"error": {"message": message}}).encode(), "m")
    assert isinstance(error, Unsupported)
    assert error.feature == feature


@pytest.mark.parametrize(
    "message",
    [
        "cannot open /home/joe/models/x.gguf",
        "see http://10.0.0.7:8080/x",
        "C:\\models\\x",
        "Traceback (most recent call last)",
        'File "x.py"',
        "key sk-abcdef is wrong",
        "host 192.168.1.2 is down",
        "two\nlines",
        "long " * 200,
        "",
    ],
)
def test_an_engines_words_reach_a_client_only_if_harmless(message: str) -> None:
    error = read_engine_error(400, json.dumps({"error": {"message": message}}).encode(), "m")
    assert str(error) == "The engine refuses this request."
    kept = read_engine_error(400, b'{"error":{"message":"top_k/top_p must be positive"}}', "m")
    assert str(kept) == "top_k/top_p must be positive"


def test_an_error_in_band_is_the_engines_own() -> None:
    error = read_in_band_error(b'{"error":{"code":500,"message":"at /root/x"}}')
    assert isinstance(error, NodeFailed)
    assert error.status == 500
    assert str(error) == "The engine failed."
    assert "/root/x" in error.detail
    assert isinstance(read_in_band_error(b'{"error":"boom"}'), NodeFailed)
    overflow = b'{"error":{"code":400,"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}'
    assert isinstance(read_in_band_error(overflow), ContextOverflow)
