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
    NotFound,
    NotImplementedHere,
    NotInRegistry,
    OperatorError,
    PayloadTooLarge,
    PotluckError,
    QueueFull,
    RateLimited,
    StorageAway,
    Unauthenticated,
    Unsupported,
    UnsupportedEncoding,
)
from potluck.wire.ollama.errors import error_line, in_band, read_engine_error, write_error
from potluck.wire.port import ErrorWriter

BUSY = "server busy, please try again.  maximum pending requests exceeded"


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (BadRequest("model is required"), 400, "model is required"),
        (ContextOverflow(9, 8, hint="Cut."), 400, "The prompt has 9 tokens, but the model's context holds 8. Cut."),
        (Unsupported("m", "thinking"), 400, '"m" does not support thinking'),
        (Unauthenticated(hint="Get one."), 401, "unauthorized. Get one."),
        (Forbidden("This key may not use 'm'."), 403, "This key may not use 'm'."),
        (ModelNotFound("m"), 404, "model 'm' not found"),
        (ModelNotFound("m", ["n"]), 404, "model 'm' not found. Did you mean n?"),
        (NotFound("Nothing here."), 404, "Nothing here."),
        (MethodNotAllowed("PUT", ["POST"]), 405, "PUT is not allowed here. Use POST."),
        (Conflict("taken"), 409, "taken"),
        (PayloadTooLarge(10), 413, "The request body is larger than 10 bytes. Send less, or raise the limit."),
        (UnsupportedEncoding("br"), 415, "br"),
        (NotImplementedHere("no"), 501, "no"),
        (NotInRegistry("m"), 500, "pull model manifest: file does not exist"),
        (RateLimited("slow down", retry_after_s=3), 429, "slow down"),
        (QueueFull("full", retry_after_s=0.2), 503, BUSY),
        (NoEngineReady("none is up", retry_after_s=2.1), 503, "none is up"),
        (NodeTimeout("silent"), 504, "silent"),
        (NodeBusy("busy"), 503, "busy"),
        (NodeFailed("broke", detail="/secret"), 502, "broke"),
        (NodeUnreachable("gone"), 502, "gone"),
        (OperatorError("disk full"), 500, "disk full"),
        (StorageAway("away", retry_after_s=5.0), 503, "away"),
    ],
)
def test_every_error_has_its_status_and_a_text(error: PotluckError, status: int, text: str) -> None:
    write: ErrorWriter = write_error
    reply = write(error, "req")
    assert reply.status == status
    assert json.loads(reply.body) == {"error": text}
    assert reply.content_type == "application/json; charset=utf-8"


def test_headers_say_when_to_come_again_what_is_allowed_and_how_to_prove_oneself() -> None:
    assert write_error(QueueFull("", retry_after_s=2.1), "").headers == (("retry-after", "3"),)
    assert write_error(QueueFull("", retry_after_s=0), "").headers == (("retry-after", "1"),)
    assert write_error(NodeBusy(""), "").headers == (("retry-after", "5"),)
    assert write_error(MethodNotAllowed("PUT", ["GET", "HEAD"]), "").headers == (("allow", "GET, HEAD"),)
    assert write_error(Unauthenticated(), "").headers == (("www-authenticate", "Bearer"),)
    assert write_error(BadRequest("x"), "").headers == ()


def test_inside_a_stream_an_error_is_a_line() -> None:
    assert error_line(NodeFailed("broke")) == b'{"error":"broke"}\n'


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, b'{"error":"\\"m\\" does not support thinking"}', Unsupported, '"asked" does not support thinking'),
        (500, b'{"error":"library/m does not support insert"}', Unsupported, '"asked" does not support insert'),
        (400, b'{"error":"invalid options"}', BadRequest, "invalid options"),
        (400, b"", BadRequest, "The engine refused the request."),
        (404, b'{"error":"model \'m\' not found, try pulling it first"}', ModelNotFound, "model 'asked' not found"),
        (503, json.dumps({"error": BUSY}).encode(), NodeBusy, "The engine is busy."),
        (429, b"", NodeBusy, "The engine is busy."),
        (500, b'{"error":"/root/.ollama: no space"}', NodeFailed, "The engine answered with status 500."),
        (401, b"<html>", NodeFailed, "The engine answered with status 401."),
        (502, b"\xff\xfe", NodeFailed, "The engine answered with status 502."),
    ],
)  # fmt: skip
def test_an_engines_refusal_is_told_apart(status: int, body: bytes, kind: type[PotluckError], message: str) -> None:
    error = read_engine_error(status, body, "asked")
    assert type(error) is kind
    assert str(error) == message


def test_an_engines_own_words_are_for_the_log() -> None:
    assert read_engine_error(500, b'{"error":"/root: no space"}', "m").detail == "/root: no space"
    assert in_band({"deep": 1}).detail == "{'deep': 1}"
    assert not isinstance(in_band(""), MalformedAnswer)


TOO_LONG = "the input length exceeds the context length"


@pytest.mark.parametrize(
    "text",
    [TOO_LONG, "prompt too long; exceeded max context length by 7 tokens", "input exceeds maximum context length"],
)
def test_a_prompt_that_was_not_to_be_cut_is_too_long(text: str) -> None:
    assert isinstance(read_engine_error(400, json.dumps({"error": text}).encode(), "m"), ContextOverflow)
    assert isinstance(in_band(text), ContextOverflow)


def test_other_words_about_contexts_are_no_overflow() -> None:
    assert not isinstance(in_band("context deadline exceeded"), ContextOverflow)
    assert not isinstance(read_engine_error(500, json.dumps({"error": TOO_LONG}).encode(), "m"), ContextOverflow)
