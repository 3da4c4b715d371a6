"""Digests as blobs' names: ``sha256:`` and 64 hex digits. Checked before they become part of a path or a URL."""

from __future__ import annotations

import re

from potluck.core.errors import BadRequest

_DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}")


def checked_digest(text: str) -> str:
    """``text`` with a colon behind ``sha256``. Raises `BadRequest` if it is no digest."""
    if not _DIGEST.fullmatch(text):
        raise BadRequest("invalid digest format", param="digest", hint="It is sha256: and 64 hex digits.")
    return f"sha256:{text[7:]}"
