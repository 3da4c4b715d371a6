"""A running agent, for tests of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def agent(*arguments: str, key: str = "") -> Iterator[str]:
    """A running agent's address. It must end by itself, and well, when it is told to."""
    environment = {**os.environ, "POTLUCK_AGENT_KEY": key}
    process = subprocess.Popen(
        [sys.executable, "-m", "potluck.cli", "agent", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        assert line.startswith("agent ready http://"), line or process.communicate()[1]
        yield line.split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
