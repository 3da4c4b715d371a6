"""Which headers the portal's pages and files have beside those of every answer (`gateway.guard_headers`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from potluck.gateway import guard_headers as guard

YEAR: Final = "public, max-age=31536000, immutable"
"""For files whose name changes with what is in them."""

ASK: Final = "no-cache"
"""Kept, and asked for each time: the answer is mostly 304."""


def page_policy(styles: Iterable[str]) -> str:
    """The content security policy of the shell: only what is ours, no script but from files, no style but from files
    and the sheets in the page itself, which are known by ``styles``, their hashes."""
    allowed = " ".join(["'self'", *(f"'{each}'" for each in styles)])
    return (
        f"default-src 'self'; script-src 'self'; style-src {allowed}; img-src 'self' data: blob:; "
        "media-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


FRAME_POLICY: Final = (
    # What somebody else wrote is shown here: it may run, and draw, and reach nothing and nobody.
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; media-src data: blob:; connect-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""For pages under /frames/, which the portal shows in frames: previews and diagrams."""


WORKER_POLICY: Final = "default-src 'none'; script-src 'self'"
"""For workers, which work on what they are handed: they load their own code and reach nothing."""


def headers(content_type: str, policy: str, cached: str, *, encrypted: bool) -> dict[str, str]:
    """What every answer of the portal's says. ``encrypted``: it came by https."""
    said = {**dict(guard.EVERYWHERE), "content-type": content_type, "cache-control": cached}
    said["content-security-policy"] = policy
    if content_type.startswith("text/html"):
        said.update([guard.ALONE])
    if encrypted:
        said.update([guard.STAY_ENCRYPTED])
    return said
