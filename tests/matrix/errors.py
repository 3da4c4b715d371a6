"""The shape of every family's errors (API-CONTRACTS.md 0), and what none of them may hold."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.matrix.http import Reply

# Paths and addresses of machines, stacks, keys.
_LEAKS = re.compile(r"/(?:tmp|home|usr|work|root)/|\d+\.\d+\.\d+\.\d+:\d+|Traceback|\.py\b|\bpk-\w+|ECONN|Errno")


def checked_error(family: str, reply: Reply, status: int, *, words: str = "") -> str:
    """The error's text. Raises `AssertionError` for one that is not of the family's shape, or tells too much."""
    assert reply.status == status, (reply.status, reply.body)
    assert reply.whole
    assert reply.headers["x-potluck-request-id"]
    text = reply.body.decode()
    leak = _LEAKS.search(text)
    assert leak is None, f"{leak[0] if leak else ''} leaks in {text}"
    if status == 401:
        # A1111's clients know a name and a password only.
        scheme = "Basic" if family == "a1111" else "Bearer"
        assert reply.headers["www-authenticate"].startswith(scheme)
    if status == 405:
        assert reply.headers["allow"]
    if status in (429, 503, 529):
        assert int(reply.headers["retry-after"]) > 0
    if family == "tabby":
        assert text == ""
        return ""
    assert reply.content_type == json_type(family)
    message = error_text(family, reply.json, status)
    assert message
    assert words.lower() in message.lower(), message
    if family == "anthropic":
        assert reply.headers["request-id"] == reply.json["request_id"]
    return message


def json_type(family: str) -> str:
    """What a family says of JSON; Ollama's server names the charset."""
    return "application/json; charset=utf-8" if family == "ollama" else "application/json"


def error_text(family: str, body: Any, status: int | None = None) -> str:
    """The message in a body of the family; its shape is checked. ``status`` None: in-band."""
    match family:
        case "openai":
            assert set(body) == {"error"}
            error = body["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert isinstance(error["type"], str)
            assert all(error[name] is None or isinstance(error[name], str) for name in ("param", "code"))
            return str(error["message"])
        case "anthropic":
            assert set(body) == {"type", "error", "request_id"}
            assert body["type"] == "error"
            assert set(body["error"]) == {"type", "message"}
            return str(body["error"]["message"])
        case "ollama":
            assert set(body) == {"error"}
            assert isinstance(body["error"], str)
            return body["error"]
        case "llamacpp":
            assert set(body) == {"error"}
            error = body["error"]
            assert {"code", "message", "type"} <= set(error)
            assert error["code"] == status or (status is None and isinstance(error["code"], int))
            return str(error["message"])
        case "a1111":
            if "detail" in body and isinstance(body["detail"], list):
                assert all({"type", "loc", "msg"} <= set(each) for each in body["detail"])
                return str(body["detail"][0]["msg"])
            assert set(body) == {"error", "detail", "body", "errors"}
            return str(body["errors"])
        case "native":
            error = body["error"]
            assert {"type", "message", "hint", "request_id"} <= set(error) <= {
                "type", "message", "hint", "request_id", "param", "conversation"
            }  # fmt: skip
            assert error["hint"]
            return f"{error['message']} {error['hint']}"
        case _:
            raise AssertionError(json.dumps(body))
