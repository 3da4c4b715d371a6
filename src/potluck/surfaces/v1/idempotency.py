"""Requests that are sent again because their answer was not heard (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from potluck.core.errors import BadRequest
from potluck.surfaces.v1.exchange import Exchange

_KEY_HEADER = b"idempotency-key"
_LONGEST_KEY = 200


def idempotency_key(exchange: Exchange) -> str:
    """Who did not hear the answer asks again with the same key; empty for none. Raises `BadRequest`."""
    given = next((value for name, value in exchange.headers if name == _KEY_HEADER), b"")
    key = given.decode("latin-1").strip()
    if len(key) > _LONGEST_KEY or not (key.isascii() and (key.isprintable() or not key)):
        raise BadRequest(
            "Invalid value for the header Idempotency-Key.", hint=f"Send up to {_LONGEST_KEY} letters and digits."
        )
    return key
