"""The data directory's ``run/``: one service at a time, and where commands find it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager

from potluck.core.errors import OperatorError
from potluck.storage.datadir import DataDir


@contextmanager
def claim(data: DataDir) -> Generator[None, None, None]:
    """Hold the data directory for this process. The kernel drops the lock however the process ends.

    Raises `OperatorError` if another Potluck holds it.
    """
    handle = os.open(data.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OperatorError(
                f"Another Potluck runs on the data directory {data.root}.",
                hint="Stop it, or choose another directory with --data.",
            ) from error
        yield
    finally:
        os.close(handle)


@contextmanager
def publish_address(data: DataDir, url: str) -> Generator[None, None, None]:
    """Write down where the service listens, for commands on this machine, as long as it does."""
    address = data.run / "address"
    pid = data.run / "pid"
    address.write_text(url + "\n", encoding="ascii")
    pid.write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        yield
    finally:
        address.unlink(missing_ok=True)
        pid.unlink(missing_ok=True)
