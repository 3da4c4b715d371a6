"""Reading engines' answers to looks: what is not as it should be is the engine's fault, never a crash of ours."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from potluck.backends.port import HttpReply
from potluck.core.errors import MalformedAnswer, NodeBusy, NodeError, NodeFailed
from potluck.core.model import JsonObject

T = TypeVar("T")

_EXCERPT_BYTES = 500


def decoded(reply: HttpReply, kind: type[T]) -> T:
    """The body as ``kind``. Raises `NodeError` for a status of 400 or more, and for what is not that."""
    if reply.status >= 400:
        raise refused(reply)
    return decoded_body(reply.body, kind)


def decoded_body(body: bytes, kind: type[T]) -> T:
    """Raises `MalformedAnswer`."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        excerpt = body[:_EXCERPT_BYTES].decode("utf-8", "replace")
        raise MalformedAnswer("The engine's answer is not of its dialect.", detail=f"{error}: {excerpt}") from error


def decoded_object(body: bytes) -> JsonObject:
    """The body as a JSON object, whatever is in it. Raises `MalformedAnswer`."""
    value: JsonObject = decoded_body(body, dict[str, Any])  # msgspec has no word for a type that holds itself
    return value


def refused(reply: HttpReply) -> NodeError:
    """What a status of 400 or more means when we look at an engine: none of it is a client's fault."""
    detail = reply.body[:_EXCERPT_BYTES].decode("utf-8", "replace")
    match reply.status:
        case 401 | 403 | 407:
            return NodeFailed("The engine refuses Potluck's key.", status=reply.status, detail=detail)
        case 429 | 503:
            return NodeBusy("The engine has no room, or is still loading its model.", detail=detail)
        case 404:
            return NodeFailed("The engine does not have what its kind should have.", status=404, detail=detail)
        case _:
            return NodeFailed(f"The engine answered with status {reply.status}.", status=reply.status, detail=detail)
