"""What every answer tells browsers to refuse: one table for the relay's bytes and for the application's answers.

Potluck's own pages need nothing from elsewhere and stand in nobody's frame; its JSON is no page, script or style.
"""

from __future__ import annotations

from typing import Final

EVERYWHERE: Final = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    # Only for loads without CORS: who may read an answer by it, may.
    ("cross-origin-resource-policy", "same-origin"),
)
"""On every answer, a door's too."""

NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of what is no page: should a browser show it all the same, nothing in it runs."""

PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""That of pages: no script and no style but from files of ours."""

ALONE: Final = ("cross-origin-opener-policy", "same-origin")
"""On pages: no window that opened one, or was opened by it, may touch it."""

# A year (RFC 6797), the usual least for browsers' lists. Not for subdomains: those may be other people's.
STAY_ENCRYPTED: Final = ("strict-transport-security", "max-age=31536000")
"""On what came by https."""

NOT_KEPT: Final = "no-store"
"""`cache-control` of whole answers that say nothing else: they are somebody's, and true for now."""

DOOR: Final = "".join(
    f"{name}: {value}\r\n" for name, value in (*EVERYWHERE, ("content-security-policy", NO_PAGE))
).encode()
"""The lines for every answer of a door, made once."""

WHOLE: Final = f"cache-control: {NOT_KEPT}\r\n".encode()
"""One more for those that are no streams."""
