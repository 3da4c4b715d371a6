"""HTTP/1.1 heads as bytes: rendered here, parsed by llhttp."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

# RFC 9110 5.5: what a field value may not hold. A value with any of these could end the head early.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

LAST_CHUNK = b"0\r\n\r\n"


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


@lru_cache(256)
def value(text: str) -> bytes:
    """A field value as bytes, for those from a small set: content types and the names of nodes."""
    return _FORBIDDEN.sub("", text).encode("latin-1", "replace")


def fields(headers: Iterable[tuple[str, str]]) -> bytes:
    """Header lines. Control characters are dropped: no value, wherever it came from, may split the head."""
    return b"".join(
        b"%b: %b\r\n" % (name.encode("latin-1"), _FORBIDDEN.sub("", value).encode("latin-1", "replace"))
        for name, value in headers
    )


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 7.1). ``data`` is not empty: an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def engine_head(host: str, base_path: str, path: str, method: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """All of a request's head but ``content-length`` and the empty line.

    ``host`` is the engine's own address: Ollama refuses a foreign Host on loopback (API-CONTRACTS.md 2).
    """
    start = f"{method} {base_path}{path} HTTP/1.1\r\nhost: {host}\r\nconnection: keep-alive\r\n"
    return start.encode("latin-1") + fields(headers)
