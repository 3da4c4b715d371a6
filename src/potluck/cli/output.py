"""What commands print: tables that fit the terminal, JSON, and text that cannot take the terminal over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Final
from unicodedata import combining, east_asian_width

import msgspec

from potluck.core.sizes import size_words

_SHORTEST: Final = 6
"""No column is cut below this many cells: less would not tell two names apart."""
_GAP: Final = "  "
_ENDLESS: Final = 10_000

# C0 and C1 controls and DEL, but for newline and tab: a model's or a node's text must not move the cursor, change the
# window's title or write to the clipboard. Bidirectional overrides would show code that is not there (CVE-2021-42574).
_CONTROLS: Final = dict.fromkeys(
    [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)


def harmless(text: str) -> str:
    """The text without control characters, for a terminal.

    >>> harmless("a\\x1b[31mb\\n")
    'a[31mb\\n'
    """
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """The text on one line, whitespace collapsed, harmless."""
    return harmless(" ".join(text.split()))


def cells(text: str) -> int:
    """How many columns of a terminal the text takes (wide East Asian letters and most emoji take two)."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` cells, with an ellipsis where something was cut."""
    if cells(text) <= width:
        return text
    kept = ""
    for char in text:
        if cells(kept + char) > width - 1:
            break
        kept += char
    return kept + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Columns side by side in at most ``width`` cells where that can be done: the widest ones are cut.

    The last column takes what is left and is not padded.
    """
    shown = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(cells(row[column]) for row in shown) for column in range(len(header))]
    spare = width - len(_GAP) * (len(header) - 1)
    while sum(widths) > spare and max(widths) > _SHORTEST:
        widths[widths.index(max(widths))] -= 1
    lines = (
        _GAP.join(_padded(cut(cell, size), size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )
    return "\n".join(lines)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def terminal_width() -> int:
    """Columns of the terminal; 80 where there is none, and at least 40."""
    return _width(80)


def table_width() -> int:
    """How wide a table on stdout may be: in a pipe nothing is cut, for somebody may want to search it."""
    return _width(80 if sys.stdout.isatty() else _ENDLESS)


def _width(unknown: int) -> int:
    return max(40, get_terminal_size((unknown, 24)).columns)


def print_json(value: object) -> None:
    """Print as indented JSON, for programs and for people."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def read_piped() -> str:
    """All of standard input. Bytes that are no UTF-8 become marks: a model can live with them."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def note(text: str) -> None:
    """Say something beside the result: on stderr, so that pipes stay clean."""
    print(harmless(text), file=sys.stderr, flush=True)


def size(count: int | None) -> str:
    """Bytes for people, in decimal units as disks and model hubs count them; a dash if unknown.

    >>> size(4_700_000_000)
    '4.7 GB'
    """
    return "-" if count is None else size_words(count)


def duration(seconds: float) -> str:
    """A time span in its two largest units.

    >>> duration(3725)
    '1h 2m'
    """
    left = int(seconds)
    if left < 60:
        return f"{left}s"
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    parts: list[str] = []
    for name, length in units:
        amount, left = divmod(left, length)
        if amount or parts:
            parts.append(f"{amount}{name}")
    return " ".join(parts[:2])
