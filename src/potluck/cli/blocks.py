"""Markdown cut into blocks while it still grows, so that each block is laid out once and then left alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# CommonMark 4.5: up to three spaces, then three or more of one fence character.
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


@dataclass(slots=True)
class Blocks:
    """Takes text as it comes and hands out blocks that no later text can change.

    A block ends at a blank line outside a code fence, if the next line begins at the left edge: an indented one may
    belong to the list item before it.
    """

    _lines: list[str] = field(default_factory=list[str])
    _partial: str = ""
    _fence: str = ""

    def feed(self, text: str) -> list[str]:
        """Blocks that became whole by this text, each without its blank line."""
        done: list[str] = []
        *whole, self._partial = (self._partial + text).split("\n")
        for line in whole:
            done += self._take(line)
        if not self._fence and self._partial[:1].strip() and self._ends_blank():
            done.append(self._flush())
        return done

    @property
    def pending(self) -> str:
        """The text that is not handed out yet."""
        return "\n".join([*self._lines, self._partial])

    def end(self) -> str:
        """What is left when the text is over; empty if nothing."""
        rest = self.pending
        self._lines, self._partial, self._fence = [], "", ""
        return rest.strip("\n")

    def _take(self, line: str) -> list[str]:
        done = [self._flush()] if not self._fence and self._ends_blank() and line[:1].strip() else []
        self._lines.append(line)
        if fence := _FENCE.match(line):
            self._step_fence(fence[1], fence[2])
        return done

    def _step_fence(self, marks: str, after: str) -> None:
        if not self._fence:
            # A backtick fence whose line holds a further backtick is a code span.
            self._fence = "" if marks[0] == "`" and "`" in after else marks
        elif marks[0] == self._fence[0] and len(marks) >= len(self._fence) and not after.strip():
            self._fence = ""

    def _ends_blank(self) -> bool:
        return len(self._lines) > 1 and not self._lines[-1].strip() and any(line.strip() for line in self._lines)

    def _flush(self) -> str:
        block, self._lines = "\n".join(self._lines).strip("\n"), []
        return block


def tail(text: str, lines: int) -> str:
    """The last lines of a text: what of a growing block fits the screen."""
    return "\n".join(text.split("\n")[-lines:])
