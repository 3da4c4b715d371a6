"""Redis servers."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.missing import missing
from tests.servers.rooms import free_port, room, unprivileged

_START_S = 30.0


@dataclass(slots=True)
class RedisServer:
    """One server. `stop` and `start` are for tests of its absence."""

    program: str
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.program,
                    *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
                    *("--save", "", "--appendonly", "no"),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **unprivileged(),
            )
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and self._process.poll() is None:
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"Redis did not start:\n{(self.folder / 'log').read_text()}")

    def empty(self) -> None:
        """Forget everything."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_START_S) as talking:
            talking.sendall(b"FLUSHALL\r\n")
            assert talking.recv(16).startswith(b"+OK")

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """What it held is gone: nothing is written to disk."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
            self._process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running, empty server."""
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server", "apt-get install redis-server")
    with room("redis") as folder:
        server = RedisServer(program, folder, free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()
