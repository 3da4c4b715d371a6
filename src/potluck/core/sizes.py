"""Bytes for people."""

from __future__ import annotations


def size_words(count: int) -> str:
    """In decimal units, as disks and model hubs count them.

    >>> size_words(4_700_000_000)
    '4.7 GB'
    """
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
