"""A picture that is drawn again and again in a terminal, on a screen of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

from potluck.cli.dashboard import fitted
from potluck.cli.failure import CliError, shown


def run(
    picture: Callable[[int], str], *, every_s: float, sleep: Callable[[float], None], console: Console | None = None
) -> None:
    """Draw until Ctrl-C, which is no failure; what was on the terminal before comes back.

    ``picture`` makes the text for so many columns. While it cannot (the service is restarted, the network is away) the
    last one stays, with the reason above it. The first one must come: a wrong address is no reason to wait.
    """
    console = console or Console(highlight=False)
    drawn = picture(console.width)
    with suppress(KeyboardInterrupt), Live(console=console, screen=True, auto_refresh=False) as live:
        trouble = ""
        while True:
            lines = [*([trouble, ""] if trouble else []), *drawn.splitlines()]
            text = Text("\n".join(fitted(lines, console.height)), no_wrap=True, overflow="crop", end="")
            live.update(text, refresh=True)
            sleep(every_s)
            try:
                drawn, trouble = picture(console.width), ""
            except CliError as error:
                trouble = shown(error).splitlines()[0]
