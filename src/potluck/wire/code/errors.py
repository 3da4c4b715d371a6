"""Errors in the words of llama.cpp and of Tabby (API-CONTRACTS.md 0 and 4)."""

from __future__ import annotations

import msgspec

from potluck.core.errors import ContextOverflow, PotluckError, Unsupported
from potluck.core.model import JsonObject
from potluck.wire.openai.errors import write_error as openai_error
from potluck.wire.port import ErrorReply

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    501: "not_supported_error",
    503: "unavailable_error",
}


def write_llamacpp_error(error: PotluckError, request_id: str) -> ErrorReply:
    """llama.cpp's own error bodies, in which ``code`` is the status. Statuses and headers are OpenAI's.

    A model that cannot fill in is answered 501, as llama.cpp does it.
    """
    reply = openai_error(error, request_id)
    status = 501 if isinstance(error, Unsupported) else reply.status
    said: JsonObject = {"code": status, "message": str(error), "type": _type(status)}
    if isinstance(error, ContextOverflow):
        said["type"] = "exceed_context_size_error"
        said["n_prompt_tokens"] = error.prompt_tokens
        said["n_ctx"] = error.context
    return ErrorReply(status, msgspec.json.encode({"error": said}), headers=reply.headers)


def _type(status: int) -> str:
    """As llama.cpp would call it; what it has no word for is the request's fault below 500."""
    return _TYPES.get(status) or ("invalid_request_error" if status < 500 else "server_error")


def write_tabby_error(error: PotluckError, request_id: str) -> ErrorReply:
    """A bare status: Tabby's clients read no more of an error."""
    reply = openai_error(error, request_id)
    return ErrorReply(reply.status, b"", content_type="text/plain", headers=reply.headers)
