"""What became of an answer: whole, lost, or worse than lost, since its client takes it for what the model said."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

_WORDS = 30
# Characters of one to four bytes, so that a cut may fall into one.
_INSIDE = ("amber", "grüße", "日本", "🙂", "cedar", "naïve", "語", "fjord")
_NUMBERED = re.compile(r"(\d+):")


class Verdict(StrEnum):
    """``WHOLE`` is the text to the letter, with the end that the engine gave it. ``LOST``: the client knows that it has
    no answer, by an error or a stream without an end. The others it cannot tell from a good answer: ``FAKED`` has an
    end but lacks its last part, ``DUPLICATED`` says something twice, ``WRONG`` says something else."""

    WHOLE = "whole"
    LOST = "lost"
    FAKED = "faked"
    DUPLICATED = "duplicated"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client's library made of an answer. ``finish`` is None where no end came, ``error`` what it raised.

    ``silent_s`` is the longest time in which nothing of the text came, from the request on.
    """

    text: str
    finish: str | None
    silent_s: float
    error: str = ""


def wording(number: int) -> str:
    """The text of a call: its words are numbered, so that what is missing or comes twice can be told."""
    return " ".join(f"{place}:{_INSIDE[(place + number) % len(_INSIDE)]}" for place in range(_WORDS))


def judged(heard: Heard, expected: str, finish: str) -> Verdict:
    """1. No end: lost. 2. The text and its end: whole. 3. An end too early: faked. 4. A word twice: duplicated.
    5. Anything else is wrong."""
    if heard.error or heard.finish is None:
        return Verdict.LOST
    if heard.text == expected:
        return Verdict.WHOLE if heard.finish == finish else Verdict.FAKED
    if expected.startswith(heard.text):
        return Verdict.FAKED
    if any(times > 1 for times in Counter(_NUMBERED.findall(heard.text)).values()):
        return Verdict.DUPLICATED
    return Verdict.WRONG
