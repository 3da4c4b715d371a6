"""An answer as laid-out Markdown on a terminal. Loaded only where there is one: rich takes long to import."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from potluck.cli.blocks import Blocks, tail
from potluck.cli.output import harmless
from potluck.cli.printing import PlainPrinter, Printer

# Ten redraws a second look like flowing text; more only make the terminal work.
_REDRAWS_PER_S = 10


def printer() -> Printer:
    """Laid out if the terminal can do that, else plain. Colours follow ``NO_COLOR`` and ``TERM``."""
    console = Console()
    if not console.is_terminal or console.is_dumb_terminal:
        return PlainPrinter(sys.stdout, terminal=True)
    return MarkdownPrinter(console)


@dataclass(slots=True)
class MarkdownPrinter:
    """The block that grows is redrawn; whole blocks scroll away above it and are never touched again."""

    console: Console
    _blocks: Blocks = field(default_factory=Blocks)
    _live: Live | None = None
    _thinking: bool = False

    def text(self, piece: str) -> None:
        if self._thinking:
            self._thinking = False
            self.console.print("\n")
        for block in self._blocks.feed(harmless(piece)):
            self._settle(block)
        self._redraw()

    def reasoning(self, piece: str) -> None:
        self._thinking = True
        self.console.print(Text(harmless(piece), style="dim"), end="")

    def end(self) -> None:
        if self._thinking:
            self._thinking = False
            self.console.print()
        if block := self._blocks.end():
            self._settle(block)
        self._stop()

    def _settle(self, block: str) -> None:
        self._stop()
        self.console.print(Markdown(block))
        self.console.print()

    def _redraw(self) -> None:
        pending = self._blocks.pending
        if not pending.strip():
            return
        if self._live is None:
            self._live = Live(console=self.console, transient=True, refresh_per_second=_REDRAWS_PER_S)
            self._live.start()
        # A block taller than the screen could not be taken back: only its end is shown until it is whole.
        self._live.update(Text(tail(pending, max(1, self.console.height - 2)), overflow="fold"))

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
