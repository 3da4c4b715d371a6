"""What a child process of ours does first: it takes limits upon itself, and never outlives its parent.

Standard library only: the children that do one heavy thing load nothing before it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import BinaryIO, Final

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG: Final = 1
_LENGTH_BYTES: Final = 4
# What a child complains of goes to a file, which must not fill a disk.
_COMPLAINTS_BYTES: Final = 1024 * 1024


def die_with(parent: int) -> None:
    """The end of stdin tells of the parent's death, but not to a process that is busy; Linux can do better."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask to be told
        os._exit(1)


def bounded(memory_bytes: int) -> None:
    """No more address space than that, no large files, no core dumps."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, _COMPLAINTS_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        # Some systems know a limit and take none; the parent's own bounds hold there, too.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def read_frame(stream: BinaryIO) -> bytes | None:
    """One message; None when there are no more."""
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    frame = stream.read(int.from_bytes(head))
    return frame if len(frame) == int.from_bytes(head) else None


def write_frame(stream: BinaryIO, frame: bytes) -> None:
    stream.write(len(frame).to_bytes(_LENGTH_BYTES))
    stream.write(frame)
    stream.flush()
