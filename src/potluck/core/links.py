"""Links that let anybody have one file for a while: signed, so that nothing of them need be kept."""

from __future__ import annotations

import base64
import hashlib
import hmac

from potluck.core.errors import NotFound

LONGEST_S = 7 * 86_400.0
"""As S3 has it for its own."""


def sign_link(secret: bytes, file: str, expires_s: int) -> str:
    """A token for ``file`` until ``expires_s``, in Unix seconds. ``file`` holds no dot."""
    return f"{file}.{expires_s}.{_signature(secret, file, str(expires_s))}"


def read_link(secret: bytes, token: str, now: float) -> str:
    """The file of a token. Raises `NotFound` for one that is over or was not signed by us, without saying which."""
    file, _, rest = token.partition(".")
    expires, _, signature = rest.partition(".")
    good = hmac.compare_digest(signature.encode(), _signature(secret, file, expires).encode())
    # Only what is signed is read: int() takes more than digits.
    if not good or now >= int(expires):
        raise NotFound("There is nothing behind this link.", hint="It may be over; ask for another.")
    return file


def _signature(secret: bytes, file: str, expires: str) -> str:
    told = hmac.digest(secret, f"potluck file link\n{file}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(told).decode().rstrip("=")
