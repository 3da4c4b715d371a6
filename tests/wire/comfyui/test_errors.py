"""Errors in ComfyUI's shape."""

from __future__ import annotations

import json

import pytest

from potluck.core import errors as e
from potluck.wire.comfyui.errors import write_error
from potluck.wire.comfyui.prompts import PromptRefused


def test_a_refused_prompt_has_comfyuis_words_and_its_nodes() -> None:
    reply = write_error(PromptRefused("no_prompt", "No prompt provided", nodes={"1": {"errors": []}}), "r")
    assert reply.status == 400
    assert json.loads(reply.body) == {
        "error": {"type": "no_prompt", "message": "No prompt provided", "details": "", "extra_info": {}},
        "node_errors": {"1": {"errors": []}},
    }


@pytest.mark.parametrize(
    ("error", "status", "kind", "header"),
    [
        (e.Unauthenticated(), 401, "unauthenticated", "www-authenticate"),
        (e.NoEngineReady("Away.", retry_after_s=2.5, hint="Wait."), 503, "no_engine_ready", "retry-after"),
        (e.MethodNotAllowed("PUT", ["GET", "POST"]), 405, "method_not_allowed", "allow"),
        (e.QuotaExceeded(2, 1), 413, "quota_exceeded", "x-request-id"),
        (e.PotluckError("Oh.", detail="/secret"), 500, "potluck_error", "x-request-id"),
    ],
)
def test_other_errors_say_what_to_do(error: e.PotluckError, status: int, kind: str, header: str) -> None:
    reply = write_error(error, "r")
    told = json.loads(reply.body)
    assert (reply.status, told["error"]["type"], told["node_errors"]) == (status, kind, {})
    assert (told["error"]["message"], told["error"]["details"]) == (error.message, error.hint)
    assert header in dict(reply.headers)
    assert b"/secret" not in reply.body
