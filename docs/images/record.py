"""Draws docs/images/terminal.svg from real commands against a running service: ``python docs/images/record.py``.

Needs ``potluck up`` to run on this machine; POTLUCK_DATA names its data directory if that is not the usual one.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COMMANDS = (
    "potluck status",
    # Not on a terminal, where the answer is drawn again as it grows.
    'potluck chat "In one sentence: what is a potluck dinner?" | cat',
    "potluck models ls",
)


def run(command: str) -> str:
    """What a command prints on a terminal of 100 columns."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
    executable = str(Path(sys.executable).parent)
    environment["PATH"] = f"{executable}:{environment['PATH']}"
    with subprocess.Popen(["sh", "-c", command], stdout=follower, stderr=follower, stdin=follower, env=environment):
        os.close(follower)
        output = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            output += piece
    return output.decode().replace("\r\n", "\n")


def main() -> None:
    console = Console(record=True, width=100, file=StringIO(), force_terminal=True)
    for command in COMMANDS:
        console.print(Text.assemble(("$ ", "bold green"), (command.removesuffix(" | cat"), "bold")))
        console.print(Text.from_ansi(run(command).rstrip()))
        console.print()
    # No picture of ours asks a foreign host for a font.
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    picture = console.export_svg(title="potluck", code_format=template).replace("Fira Code", "ui-monospace")
    Path(__file__).with_name("terminal.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
