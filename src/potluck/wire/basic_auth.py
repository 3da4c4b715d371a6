"""Header fields of errors in dialects whose clients know a name and a password only: A1111's and ComfyUI's."""

from __future__ import annotations

from typing import Final

from potluck.core.errors import MethodNotAllowed, Overloaded, PotluckError, Unauthenticated
from potluck.wire.retrying import retry_after

_REALM: Final = 'Basic realm="Potluck", charset="UTF-8"'


def error_fields(error: PotluckError, request_id: str) -> tuple[tuple[str, str], ...]:
    """The request's id, and what a client needs to do better: come later, sign in (RFC 7617), or ask otherwise."""
    fields = [("x-request-id", request_id)]
    if isinstance(error, Overloaded):
        fields.append(retry_after(error))
    if isinstance(error, Unauthenticated):
        fields.append(("www-authenticate", _REALM))
    if isinstance(error, MethodNotAllowed):
        fields.append(("allow", ", ".join(error.allowed)))
    return tuple(fields)
