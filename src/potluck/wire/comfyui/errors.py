"""Errors as ComfyUI answers them: ``{"error": {type, message, details, extra_info}, "node_errors": {}}``.

Sources: API-CONTRACTS.md 7; ComfyUI ``server.py`` (`post_prompt`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from potluck.core import errors as e
from potluck.core.model import JsonObject
from potluck.wire.basic_auth import error_fields
from potluck.wire.comfyui.prompts import PromptRefused
from potluck.wire.port import ErrorReply

_STATUS: Final[Mapping[type[e.PotluckError], int]] = {
    e.PotluckError: 500,
    e.ClientError: 400,
    e.NotImplementedHere: 501,
    e.Unauthenticated: 401,
    e.Forbidden: 403,
    e.NotFound: 404,
    e.MethodNotAllowed: 405,
    e.PayloadTooLarge: 413,
    e.UnsupportedEncoding: 415,
    e.Overloaded: 503,
    e.RateLimited: 429,
    e.NodeError: 502,
    e.NodeTimeout: 504,
    e.NoRoom: 507,
}
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


def write_error(error: e.PotluckError, request_id: str) -> ErrorReply:
    """``error.detail`` is never in it."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return ErrorReply(status=status, body=msgspec.json.encode(body_of(error)), headers=error_fields(error, request_id))


def body_of(error: e.PotluckError) -> JsonObject:
    nodes: JsonObject = {}
    if isinstance(error, PromptRefused):
        kind, details = error.kind, error.details
        nodes.update(error.nodes)
    else:
        kind, details = _WORD.sub("_", type(error).__name__).lower(), error.hint
    told: JsonObject = {"type": kind, "message": error.message, "details": details, "extra_info": {}}
    return {"error": told, "node_errors": nodes}
