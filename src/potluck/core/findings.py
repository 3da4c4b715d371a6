"""A model's answer to a review's question, read and checked against the lines it was asked about.

Nothing here trusts the schema: an engine may ignore it, and an answer that ran out of tokens ends anywhere. Findings
that are whole count, the rest is counted as dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from potluck.core.diffs import Hunk, Line, write_patch
from potluck.core.model import Json, JsonObject
from potluck.core.review import Dropped, Finding, Piece, Severity


@dataclass(slots=True)
class Reading:
    """One answer. ``cut`` says that it ended before its JSON did; ``snapped`` counts findings moved to a real line."""

    findings: list[Finding] = field(default_factory=list[Finding])
    dropped: list[Dropped] = field(default_factory=list[Dropped])
    snapped: int = 0
    cut: bool = False

    @property
    def unreadable(self) -> bool:
        """Whether nothing was found in it to judge: that is not the same as no findings."""
        return self.cut and not self.findings and not self.dropped


def read_answer(text: str, piece: Piece) -> Reading:
    """Findings of ``text`` that hold up against ``piece``.

    1. JSON that is no finding (a missing or mistyped field, an unknown severity) is dropped.
    2. A path, if the model names one at all, must be the piece's.
    3. A line outside the piece's hunks moves to one at most `_SNAP_LINES` away, or the finding is dropped.
    4. A patch that would not apply, or changes nothing, is dropped; its finding stays.
    """
    reading = Reading()
    for item in _items(text, reading):
        if (finding := _finding(item, piece, reading)) is not None:
            reading.findings.append(finding)
    return reading


# Models miscount by a line or two around a hunk's edges; farther off they mean something they were not shown.
_SNAP_LINES = 3

_LIST = re.compile(r'"findings"\s*:\s*\[')
_BARE_LIST = re.compile(r"\[(?=\s*(?:\{|\]))")
_BETWEEN = re.compile(r"[\s,]*")
_NUMBER = re.compile(r"^\s*(?:lines?\s*)?L?(\d{1,9})\b", re.IGNORECASE)
_SUGGESTION_BEGUN = re.compile(r',\s*"(?:replacement|suggested_patch|suggestion)"\s*:')
_DECODER = json.JSONDecoder()


def _items(text: str, reading: Reading) -> Iterator[Json]:
    """The elements of the answer's list that are whole, whatever stands around the list."""
    start = _LIST.search(text) or _BARE_LIST.search(text)
    if start is None:
        yield from _lone(text, reading)
        return
    at = start.end()
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if text.startswith("]", at):
            return
        try:
            item, at = _DECODER.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            reading.cut = True
            if (item := _without_suggestion(text[at:])) is not None:
                yield item
            return
        yield item


def _without_suggestion(rest: str) -> Json:
    """A finding that was cut in its last field, the suggestion, without it; None if it was cut elsewhere."""
    suggestion = _SUGGESTION_BEGUN.search(rest)
    if suggestion is None:
        return None
    try:
        item: Json = _DECODER.decode(rest[: suggestion.start()] + "}")
    except (json.JSONDecodeError, RecursionError):
        return None
    return item


def _lone(text: str, reading: Reading) -> Iterator[Json]:
    """One finding without a list around it, as a small model without a schema may answer."""
    at = text.find("{")
    try:
        if at < 0:
            raise json.JSONDecodeError("no object", text, 0)
        item, _ = _DECODER.raw_decode(text, at)
    except (json.JSONDecodeError, RecursionError):
        reading.cut = True
        return
    if item:
        yield item


def _finding(item: Json, piece: Piece, reading: Reading) -> Finding | None:
    if not isinstance(item, dict):
        reading.dropped.append(Dropped.MALFORMED)
        return None
    line = _line_number(item.get("line"))
    severity = _severity(item.get("severity"))
    title, explanation = _words(item, "title"), _words(item, "explanation")
    if line is None or severity is None or not title:
        reading.dropped.append(Dropped.MALFORMED)
        return None
    if not _same_path(item.get("path"), piece.path):
        reading.dropped.append(Dropped.OTHER_FILE)
        return None
    place = _place(line, piece)
    if place is None:
        reading.dropped.append(Dropped.OUTSIDE)
        return None
    hunk, real = place
    reading.snapped += real != line
    end = _end(_line_number(item.get("end_line")), line, real, hunk)
    patch = _patch(item, piece, (real, end or real), reading) if real == line else ""
    return Finding(piece.path, real, severity, title, explanation, end, patch)


def _words(item: JsonObject, name: str) -> str:
    value = item.get(name)
    return value.strip() if isinstance(value, str) else ""


def _line_number(value: Json) -> int | None:
    """An integer, or what models write for one: ``12.0``, ``"12"``, ``"L12"``, ``"12-14"``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and (match := _NUMBER.match(value)):
        return int(match[1])
    return None


def _severity(value: Json) -> Severity | None:
    if not isinstance(value, str):
        return None
    word = value.strip().lower()
    return Severity(word) if word in tuple(Severity) else None


def _same_path(value: Json, path: str) -> bool:
    """Absent is right: the schema has no path. Models like to add a prefix or to leave folders out."""
    if not isinstance(value, str) or not value.strip():
        return True
    named = value.strip().removeprefix("./")
    return named in (path, f"a/{path}", f"b/{path}") or path.endswith(f"/{named}")


def _place(line: int, piece: Piece) -> tuple[Hunk, int] | None:
    """The hunk that a line belongs to, and the line itself or the nearest one there is."""
    nearest = min(
        ((abs(number - line), number, hunk) for hunk in piece.hunks for number in _numbers(hunk)),
        key=lambda candidate: candidate[:2],
    )
    distance, number, hunk = nearest
    return (hunk, number) if distance <= _SNAP_LINES else None


def _numbers(hunk: Hunk) -> Sequence[int]:
    # Where a hunk only removes lines, the place they stood at is all there is to point to.
    return [line.new for line in hunk.lines if line.new is not None] or [max(1, hunk.new_start)]


def _end(end: int | None, asked: int, real: int, hunk: Hunk) -> int | None:
    if end is None or end <= asked:
        return None
    clipped = min(end, _numbers(hunk)[-1])
    return clipped if clipped > real else None


def _patch(item: JsonObject, piece: Piece, lines: tuple[int, int], reading: Reading) -> str:
    """The suggested change as a git patch: from replaced lines, or from a diff that the model wrote itself."""
    suggestion = next((item[name] for name in ("replacement", "suggested_patch", "suggestion") if item.get(name)), None)
    if suggestion is None:
        return ""
    patch = ""
    # A part of a hunk lacks the lines around it that a patch needs.
    hunk = next((hunk for hunk in piece.uncut if any(line.new == lines[0] for line in hunk.new_lines)), None)
    if hunk is not None and isinstance(suggestion, str) and suggestion.strip():
        text = _unfenced(suggestion)
        if "@@ -" in text:
            patch = _rewritten(text, piece.path, hunk)
        else:
            patch = _replaced(piece.path, hunk, lines, text.removesuffix("\n").split("\n"))
    if not patch:
        reading.dropped.append(Dropped.PATCH)
    return patch


def _unfenced(text: str) -> str:
    fenced = re.match(r"^\s*```[^\n]*\n(.*?)\n?```\s*$", text, re.DOTALL)
    return fenced[1] if fenced else text


def _replaced(path: str, hunk: Hunk, lines: tuple[int, int], replacement: Sequence[str]) -> str:
    first, last = lines
    old = [known for known in hunk.new_lines if known.new is not None and first <= known.new <= last]
    returns = old[0].text.endswith("\r")
    texts = [text.rstrip("\r") + ("\r" if returns else "") for text in replacement]
    if texts == [known.text for known in old] or _still_numbered(texts, old):
        return ""
    return write_patch(path, old, texts, hunk)


def _still_numbered(texts: Sequence[str], old: Sequence[Line]) -> bool:
    """Whether a small model copied the prompt's line numbers into its code."""
    number = re.compile(rf"^\s*{old[0].new}\s?[ +-]")
    return bool(texts) and number.match(texts[0]) is not None and number.match(old[0].text) is None


def _rewritten(text: str, path: str, hunk: Hunk) -> str:
    """A model's own diff, if its old lines stand in the hunk, with the numbers set right; models cannot count."""
    start = text.find("@@ -")
    body = text[start:].split("\n")[1:]
    while body and not body[-1].strip():
        body.pop()
    taken = [row[1:] for row in body if row[:1] in (" ", "-")]
    given = [row[1:] for row in body if row[:1] in (" ", "+")]
    context = hunk.new_lines
    if len(taken) == 0 or taken == given or any(row[:1] not in (" ", "-", "+") for row in body):
        return ""
    for at in range(len(context) - len(taken) + 1):
        run = context[at : at + len(taken)]
        if [known.text.rstrip("\r") for known in run] == [row.rstrip("\r") for row in taken]:
            returns = "\r" if run[0].text.endswith("\r") else ""
            return write_patch(path, run, [row.rstrip("\r") + returns for row in given], hunk)
    return ""
