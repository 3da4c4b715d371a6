"""``Range`` and the conditions of a GET (RFC 9110 13 and 14), for contents that are never changed."""

from __future__ import annotations

import re

from potluck.core.errors import RangeNotSatisfiable

_ONE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
# Digits beyond any file's size; int() takes time for thousands of them.
_MOST_DIGITS = 19


def read_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of what is wanted; None for all of it.

    What is no range, or several, is passed over, as RFC 9110 14.2 allows. Raises `RangeNotSatisfiable`.

    >>> read_range("bytes=-3", 10)
    (7, 10)
    """
    found = _ONE.fullmatch(header.strip())
    if found is None or max(map(len, found.groups())) > _MOST_DIGITS:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < int(first):
            return None
    if start >= end:
        raise RangeNotSatisfiable(size_bytes)
    return start, end


def matches(header: str, etag: str) -> bool:
    """Whether ``If-None-Match`` names the entity tag, by weak comparison (RFC 9110 13.1.2).

    >>> matches('W/"a", "b"', '"a"')
    True
    """
    told = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in told or etag in told
