"""What was used, by whom and on what: how it may be asked for, and how a table of it is written.

Days and hours are those of UTC, as ISO 8601 writes them: ``2026-11-26``, ``2026-11-26T14``. In text they are in the
order of time.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from io import StringIO
from typing import Final

from potluck.core.errors import BadRequest

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0

# What is told where nobody says from when: the last month, today too.
_USUAL_DAYS: Final = 30

# A cell that begins so is a formula to spreadsheets, and names come from people (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Dimension(StrEnum):
    """What figures may be told apart by."""

    DAY = "day"
    HOUR = "hour"
    USER = "user"
    KEY = "key"
    MODEL = "model"
    NODE = "node"


def read_dimensions(text: str) -> tuple[Dimension, ...]:
    """Of ``user,model``, each once, in this order; none of an empty text. Raises `BadRequest`."""
    found: dict[Dimension, None] = {}
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word not in set(Dimension):
            raise BadRequest(
                f"Usage is not told by '{word}'.",
                param="by",
                hint=f"It is by {', '.join(Dimension)}, or several of them.",
            )
        found[Dimension(word)] = None
    return tuple(found)


def day_of(unix_s: float) -> str:
    """The day of a moment in Unix seconds."""
    return datetime.fromtimestamp(unix_s, UTC).date().isoformat()


def hour_of(unix_s: float) -> str:
    """The hour of a moment in Unix seconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat()[:13]


def read_days(first: str, last: str, now_s: float) -> tuple[str, str]:
    """The first and the last day that are asked for, both included; empty ones are a month ago and today.

    Raises `BadRequest` for what is no day, and for a last one before the first.
    """
    until = _day("to", last) if last else date.fromisoformat(day_of(now_s))
    since = _day("from", first) if first else until - timedelta(days=min(_USUAL_DAYS - 1, until.toordinal() - 1))
    if since > until:
        raise BadRequest("The first day is after the last one.", param="from")
    return since.isoformat(), until.isoformat()


def _day(param: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"'{text:.40}' is no day.", param=param, hint="Write it as 2026-11-26.") from error


def kept_from(now_s: float, keep_s: float) -> str:
    """The first day whose figures are kept still: a day that is not over for ``keep_s`` yet is kept whole."""
    return day_of(max(0.0, now_s - keep_s))


def table(header: Sequence[str], rows: Iterable[Sequence[str | int | float | None]]) -> str:
    """As CSV (RFC 4180). What is not known is empty; no name becomes a formula where a spreadsheet opens it."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: str | float | None) -> str | float:
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return "" if cell is None else cell
