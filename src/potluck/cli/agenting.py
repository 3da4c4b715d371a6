"""From the command line of ``potluck agent`` to the agent; a small machine holds what is imported here."""

from __future__ import annotations

import os
import time

from potluck.agent.main import serve
from potluck.agent.options import AgentOptions


def run(line: AgentOptions) -> int:
    """Answer until stopped; the exit code. Raises `OperatorError` for what the owner must mend."""
    return serve(line, os.environ, time.monotonic)
