"""The data directory's ``run/``: one service at a time, and where commands find it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from potluck.core.errors import OperatorError
from potluck.storage.datadir import DataDir


@contextmanager
def claim(data: DataDir) -> Generator[None, None, None]:
    """Hold the data directory for this process. The kernel drops the lock however the process ends.

    Raises `OperatorError` if another Potluck holds it.
    """
    with _held(data.run / "lock") as alone:
        if not alone:
            raise OperatorError(
                f"Another Potluck runs on the data directory {data.root}.",
                hint="Stop it, or choose another directory with --data.",
            )
        yield


def succeed(data: DataDir, holder: str) -> str:
    """Note that the gateway ``holder`` runs on the claimed data directory; the one that ran here before, if it is sure
    to be dead, else nothing: it held the very lock that this process has, since the machine was started.
    """
    # A copy of the directory has another lock, and a copy of the machine another boot: there whoever is noted may live.
    place = (data.run / "lock").stat()
    mark = f"{_boot()} {place.st_dev} {place.st_ino}"
    file = data.run / "gateway"
    try:
        before, _, there = file.read_text("ascii").strip().partition(" ")
    except (FileNotFoundError, UnicodeDecodeError):
        before = there = ""
    file.write_text(f"{holder} {mark}\n", "ascii")
    return before if there == mark and _boot() else ""


def _boot() -> str:
    """Another one after each start of the machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@contextmanager
def claim_database(file: Path) -> Generator[None, None, None]:
    """The same for a SQLite database, which may lie outside of the data directory."""
    if not os.access(file.parent, os.W_OK | os.X_OK):
        yield  # opening the database says what is wrong
        return
    with _held(file.with_name(file.name + ".lock")) as alone:
        if not alone:
            raise OperatorError(
                f"Another Potluck uses the database {file}.",
                hint="A SQLite file is one gateway's own: stop the other one, or keep the state of both in PostgreSQL.",
            )
        yield


@contextmanager
def _held(path: Path) -> Generator[bool, None, None]:
    """Whether nobody else holds the lock in this file, which is this process's to the end of the block then."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
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
