"""The command line. One file per command; `lazy.COMMANDS` lists them.

Nothing is imported here that the commands which stay, `up` and `agent`, do not need.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import Any, Final

from potluck.cli.failure import FAILED, CliError, shown
from potluck.core.errors import PotluckError

_STAYING: Final = {"up": ("upline", "serving"), "agent": ("agentline", "agenting")}
"""Of each command that stays: the module that reads a plain line for it, and the one that runs that."""


def main() -> None:
    """Entry point of the ``potluck`` program."""
    name, *arguments = sys.argv[1:] or [""]
    if name in _STAYING:
        reader, runner = _STAYING[name]
        line = import_module(f"potluck.cli.{reader}").read(arguments, os.environ)
        if line is not None:
            try:
                sys.exit(_imported(runner).run(line))
            except (CliError, PotluckError) as error:
                print(shown(error), file=sys.stderr)
                sys.exit(error.code if isinstance(error, CliError) else FAILED)
    import_module("potluck.cli.root").app()


def _imported(runner: str) -> Any:
    """A module that stays to the end, with all that it imports: the collector would look at that again and again."""
    gc.disable()
    module = import_module(f"potluck.cli.{runner}")
    gc.freeze()
    gc.enable()
    return module
