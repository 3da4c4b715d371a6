"""A subject as running processes: started on its core, read from /proc, and ended with all its children."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from cores import SUBJECT_CORES, pinned
from native import BenchError
from subjects import Start
from traffic import chat

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Running:
    """A subject that has given its first answer, ``start_s`` after its process began."""

    process: psutil.Process
    start_s: float
    headers: Mapping[str, str]

    def cpu_s(self) -> float:
        """User and system time of all its processes."""
        total = 0.0
        for each in self._all():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system
        return total

    def memory_mib(self) -> tuple[float, float]:
        """Resident sets added up (shared pages count in each), and proportional ones."""
        rss = pss = 0
        for each in self._all():
            with contextlib.suppress(psutil.NoSuchProcess):
                full = each.memory_full_info()
                rss, pss = rss + full.rss, pss + full.pss
        return rss / MIB, pss / MIB

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(start: Start, folder: Path, patience_s: float) -> Iterator[Running]:
    """Start it and wait for its first answer to a chat. Raises `BenchError` with the end of what it printed."""
    log = folder / "output.log"
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            pinned(start.command, SUBJECT_CORES),
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **start.environment},
            start_new_session=True,
        )
    try:
        if not _answers(start, process, began + patience_s):
            raise BenchError("gave no answer; its last words:\n" + _tail(log))
        yield Running(psutil.Process(process.pid), time.perf_counter() - began, start.headers())
    finally:
        _end(process)


def _answers(start: Start, process: subprocess.Popen[bytes], until: float) -> bool:
    while time.perf_counter() < until and process.poll() is None:
        if _answers_now(start):
            return True
        time.sleep(0.01)
    return False


def _answers_now(start: Start) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", start.port, timeout=10)
    try:
        connection.connect()
        connection.sock.sendall(chat(start.model, start.headers(), path=start.path))
        response = http.client.HTTPResponse(connection.sock, method="POST")
        response.begin()
        return response.status == 200 and b"choices" in response.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole session that we opened for it, politely first."""
    for signum, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # children that outlived their parent


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
