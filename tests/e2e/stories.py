"""Stories behind walls: a file of tests that is run by itself, as the first process of namespaces of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lan import NoNamespaces


def told(story: Path, walls: Callable[[], list[str]], what: str, home: Path, longest_s: float, say: Any) -> None:
    """Run it; a failure shows all that it said. It is skipped, and loudly, where there can be no such walls."""
    try:
        command = walls()
    except NoNamespaces as error:
        reason = f"{what} IS NOT TESTED: {error}"
        if error.curable and os.environ.get("CI"):
            pytest.fail(reason)
        say(reason)
        pytest.skip(reason)
    log = home / "story.log"
    code = _run([*command, *_tests(story), "--basetemp", str(home / "story")], log, longest_s)
    assert code == 0, log.read_text(errors="replace")


def _tests(story: Path) -> Sequence[str]:
    # Without capture: the story watches its own stdin, whose end is ours.
    return [sys.executable, "-m", "pytest", "-x", "-s", "-v", "--color=no", "-p", "no:cacheprovider", str(story)]


def _run(command: Sequence[str], log: Path, longest_s: float) -> int:
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            return process.wait(longest_s)
        finally:
            process.kill()


def end_with_who_started_it() -> None:
    """To be called by a story: as the first process behind the walls it takes everything with it."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
