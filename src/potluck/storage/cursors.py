"""Where a page of a listing by time ended, opaque to clients: the time exactly, and the id of the last row.

A time alone would leave out rows that have the same one.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from potluck.core.errors import BadRequest


class Mark(NamedTuple):
    """The last row of a page."""

    time_s: float
    id: str


def cursor_of(mark: Mark) -> str:
    """What a client hands back to get the page after that."""
    return base64.urlsafe_b64encode(f"{mark.time_s.hex()} {mark.id}".encode()).decode()


def read_cursor(cursor: str) -> Mark:
    """Raises `BadRequest`."""
    try:
        time, _, last = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(" ")
        return Mark(float.fromhex(time), last)
    except (binascii.Error, UnicodeError, ValueError, OverflowError) as error:
        raise BadRequest("This cursor is not one of ours.", param="cursor", hint="Begin without one.") from error
