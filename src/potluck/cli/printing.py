"""How an answer reaches the screen while it streams: plain for pipes and dumb terminals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TextIO

from potluck.cli.output import harmless


class Printer(Protocol):
    """Shows one answer. `end` is called once, also when the answer was stopped half-way."""

    def text(self, piece: str) -> None: ...

    def reasoning(self, piece: str) -> None: ...

    def end(self) -> None: ...


@dataclass(slots=True)
class PlainPrinter:
    """Writes the text as it comes, and nothing of the reasoning. Ends with one newline, whatever the model did.

    ``terminal`` says that a person looks: then control characters are left out. A pipe gets every byte.
    """

    out: TextIO
    terminal: bool = False
    _last: str = "\n"

    def text(self, piece: str) -> None:
        if piece:
            # First, since Ctrl-C may come in the middle of the writing.
            self._last = piece[-1]
            self.out.write(harmless(piece) if self.terminal else piece)
            self.out.flush()

    def reasoning(self, piece: str) -> None:
        """Reasoning is no part of the answer: who pipes wants the answer."""

    def end(self) -> None:
        if self._last != "\n":
            self.out.write("\n")
            self.out.flush()
            self._last = "\n"
