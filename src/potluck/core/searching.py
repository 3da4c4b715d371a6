"""What is searched for, and what a text is found by: the same on every database.

A text is found by its words, or their beginnings; what is in quotes, or has signs in it, must stand there as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

LONGEST_QUERY = 200
MOST_TERMS = 10

# Nobody looks for more of a word; what is longer is a key or an image in base64.
_LONGEST_WORD = 64
# A book has some 10,000 different ones.
_MOST_WORDS = 10_000


def folded(text: str) -> str:
    """The form in which texts are compared, whatever their case."""
    return unicodedata.normalize("NFC", text).casefold()


def words_of(text: str) -> tuple[str, ...]:
    """The different words of a folded text, each cut to what is compared of it."""
    found: dict[str, None] = {}
    for word in _runs(text):
        found[word[:_LONGEST_WORD]] = None
        if len(found) == _MOST_WORDS:
            break
    return tuple(found)


def _runs(text: str) -> Iterator[str]:
    """Letters and digits in a row."""
    return ("".join(run) for is_word, run in groupby(text, str.isalnum) if is_word)


class Word(NamedTuple):
    """``begins``: others that begin with it are meant as well."""

    text: str
    begins: bool


class Term(NamedTuple):
    """What must stand in a text, folded. ``exact``: its words alone do not say it."""

    text: str
    words: tuple[Word, ...]
    exact: bool


def terms_of(query: str) -> tuple[Term, ...]:
    """What a query asks for, all of which must be there; empty for a query of nothing but space."""
    return tuple(dict.fromkeys(_term(each) for each in _split(folded(query))))[:MOST_TERMS]


def _split(query: str) -> Iterator[str]:
    """At spaces, but for those between quotes. A quote that is not closed is a sign like others."""
    rest = query.strip()
    while rest:
        end = rest.find('"', 1) if rest[0] == '"' else -1
        if end > 0:
            term, rest = rest[1:end].strip(), rest[end + 1 :].strip()
        else:
            term, *others = rest.split(None, 1)
            rest = others[0] if others else ""
        if term:
            yield term


def _term(text: str) -> Term:
    runs = [run[:_LONGEST_WORD] for run in _runs(text)]
    last = len(runs) - 1 if text[-1].isalnum() else -1
    words = tuple(Word(run, at == last) for at, run in enumerate(runs))
    return Term(text, words, exact=text not in runs)


class Piece(NamedTuple):
    """A piece of a text that is shown; ``found``: it is what was looked for."""

    text: str
    found: bool


# Characters on each side of what was found: about a line in a list.
_AROUND = 60


def snippet(text: str, terms: tuple[Term, ...]) -> tuple[Piece, ...]:
    """A line of a text around the first place that is looked for, with all such places in it; its beginning if there is
    none. Only for show: where folding changes a text's length, a place may not be found."""
    low = text.casefold()
    if len(low) != len(text):
        low = text.lower() if len(text.lower()) == len(text) else text
    places = [place for term in terms if (place := _place(low, term.text)) >= 0]
    at = min(places, default=0)
    start, end = max(0, at - _AROUND), at + _AROUND * 2
    line, shown = text[start:end], low[start:end]
    marked = [False] * len(line)
    for term in terms:
        here = _place(shown, term.text)
        while here >= 0:
            marked[here : here + len(term.text)] = [True] * len(term.text)
            here = _place(shown, term.text, here + len(term.text))
    pieces = [
        Piece(_one_line("".join(char for char, _ in run)), found)
        for found, run in groupby(zip(line, marked[: len(line)], strict=True), lambda each: each[1])
    ]
    before = [Piece("…", False)] if start else []
    behind = [Piece("…", False)] if end < len(text) else []
    return tuple(before + pieces + behind)


def _place(text: str, wanted: str, start: int = 0) -> int:
    """Where it stands at the beginning of a word, else anywhere; -1: nowhere."""
    at = text.find(wanted, start)
    while at >= 0 and at > 0 and wanted[0].isalnum() and text[at - 1].isalnum():
        at = text.find(wanted, at + 1)
    return at if at >= 0 else text.find(wanted, start)


def _one_line(text: str) -> str:
    """Without breaks of lines."""
    return text.translate(_BREAKS)


_BREAKS = {ord("\n"): " ", ord("\r"): " ", ord("\t"): " "}
