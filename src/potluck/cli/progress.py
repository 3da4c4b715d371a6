"""Progress on stderr: one line that changes on a terminal, a line for each step elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TextIO

from potluck.cli.output import cut, one_line

_WIPE: Final = "\r\x1b[K"


@dataclass(slots=True)
class Progress:
    """Call `hide` before anything else is printed, and at the end."""

    out: TextIO
    terminal: bool
    width: int
    _shown: str = ""

    def show(self, text: str) -> None:
        """Say what is done now; the same text again says nothing."""
        line = one_line(text)
        if line == self._shown:
            return
        self._shown = line
        # One cell stays free: some terminals wrap when the last one is written.
        self.out.write(_WIPE + cut(line, self.width - 1) if self.terminal else line + "\n")
        self.out.flush()

    def hide(self) -> None:
        """Take the line away again; what was written to a file stays."""
        if self.terminal and self._shown:
            self.out.write(_WIPE)
            self.out.flush()
        self._shown = ""
