"""Where servers run that refuse to run as root: folders and a user of their own."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NOBODY = 65534


def unprivileged() -> dict[str, Any]:
    """How `subprocess` starts a program that is not to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


@contextmanager
def room(name: str) -> Iterator[Path]:
    """A folder that such a program may write to, gone at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix=f"potluck-{name}-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def within_reach(program: Path) -> bool:
    """Whether anybody may run it: a checkout may lie in a folder that is root's alone."""
    return os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in program.parents)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
