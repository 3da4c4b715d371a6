"""The command line. One file per command; `lazy.COMMANDS` lists them.

Nothing is imported here that `potluck up` does not need.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from potluck.cli import upline
from potluck.cli.failure import CliError, shown


def main() -> None:
    """Entry point of the ``potluck`` program."""
    name, *arguments = sys.argv[1:] or [""]
    line = upline.read(arguments, os.environ) if name == "up" else None
    if line is not None:
        try:
            sys.exit(import_module("potluck.cli.serving").run(line))
        except CliError as error:
            print(shown(error), file=sys.stderr)
            sys.exit(error.code)
    import_module("potluck.cli.root").app()
