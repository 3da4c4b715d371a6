"""What can be wrong where two engines' texts meet, judged by the text that one engine alone would have written."""

from __future__ import annotations

from enum import StrEnum

# Fewer letters than these may stand in two places by chance.
_BY_CHANCE = 10
# How far behind the seam a text may be taken up again and still be the one that was left. The farther, the more places
# are tried and the likelier is it that a turn of phrase stands in one of them: then more must agree.
_SKIPPED = 80
_NEAR = 16
_BY_CHANCE_FAR = 24


class Flaw(StrEnum):
    MANGLED = "mangled character"
    MARKER = "a template's marker"
    REPEATED = "repeated text"
    MISSING = "missing text"
    JOINED = "two words run together"
    CUT_OFF = "a word cut off"
    SPACES = "a space doubled or lost"


_POINTS = ".,;:!?"
_MARKERS = ("<|", "|>", "[INST]")


def flaw(before: str, after: str, undisturbed: str) -> Flaw | None:
    """``before`` was written by the engine that broke, ``after`` by the one that went on.

    None: the whole equals the undisturbed text, or goes on well and is another text only later, as floating point does
    not add up alike in two engines that read the same text in other pieces.
    """
    if before + after == undisturbed:
        return None
    if "\ufffd" in before + after and "\ufffd" not in undisturbed:
        return Flaw.MANGLED
    if any(marker in after and marker not in undisturbed for marker in _MARKERS):
        return Flaw.MARKER
    expected = undisturbed[len(before) :] if undisturbed.startswith(before) else ""
    if _repeats(before, after) and not _repeats(before, expected):
        return Flaw.REPEATED
    here = _agreement(after, expected)
    for skipped in range(1, _SKIPPED):
        if _agreement(after, expected[skipped:]) >= here + (_BY_CHANCE if skipped < _NEAR else _BY_CHANCE_FAR):
            return Flaw.MISSING
    return _at_the_edge(before, after, expected) if after and expected else None


def _at_the_edge(before: str, after: str, expected: str) -> Flaw | None:
    """By the characters on both sides alone."""
    last, first, right = before[-1:], after[0], expected[0]
    if last.isalnum() and first.isalnum() and not right.isalnum():
        return Flaw.JOINED
    if last.isalnum() and right.isalnum() and not first.isalnum():
        return Flaw.CUT_OFF
    if last.isspace() and first == " " and right != " ":
        return Flaw.SPACES
    return None


def _repeats(before: str, after: str) -> bool:
    """Whether the last words are said once more."""
    last, first = before.split()[-1:], after.split(maxsplit=1)[:1]
    if last and first and len(last[0]) > 2 and last[0].strip(_POINTS) == first[0].strip(_POINTS) != "":
        return True
    longest = min(len(before), len(after))
    for length in range(longest, _BY_CHANCE - 1, -1):
        if before.endswith(after[:length]):
            return not _in_circles(before, after[:length])
    return False


def _in_circles(before: str, again: str) -> bool:
    """Whether a small model went round in circles already before the seam: what comes again came there once and a half
    at least, so it may come once more."""
    size = len(again)
    period = next(each for each in range(1, size + 1) if again[each:] == again[: size - each])
    circled = before[-(period + max(1, period // 2)) :]
    return len(circled) > period and circled[period:] == circled[:-period]


def _agreement(one: str, other: str) -> int:
    """How many characters are the same from the beginning."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
