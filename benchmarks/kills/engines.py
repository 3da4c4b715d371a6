"""Three real servers that are killed and come back: while two of them serve an answer, the third one starts again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.kills.server import ALIAS
from tests.e2e import processes
from tests.e2e.test_service import until

NAMES = ("one", "two", "three")
# What is killed is looked at again every second.
_UP_S = 30.0
_FIRST_PORT = 20_000
_PORTS = 10_000


class Engines:
    """One process for each name, always at the same port."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self.ports = dict(zip(NAMES, _free_ports(len(NAMES)), strict=True))
        self._processes = {name: self._started(name) for name in NAMES}
        for process in self._processes.values():
            _until_ready(process)

    def kill(self, name: str) -> None:
        """SIGKILL, and a new one begins to load at once."""
        self._processes[name].kill()
        self._processes[name].communicate()
        self._processes[name] = self._started(name)

    def close(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.communicate()

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.kills.server", str(self.ports[name]), str(self._threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parents[2],
        )


@contextmanager
def engines(threads: int) -> Iterator[Engines]:
    made = Engines(threads)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def service(home: Path, made: Engines) -> Iterator[processes.Service]:
    """`potluck up` in front of them. Nothing of it is set but how often it looks at them."""
    config = home / "potluck.yaml"
    nodes = "".join(
        f"  {name}: {{address: 127.0.0.1, engines: [{{kind: llamacpp, port: {port}}}]}}\n"
        for name, port in made.ports.items()
    )
    config.write_text(f"local: false\nhealth: {{interval: 1s}}\nnodes:\n{nodes}")
    with processes.service(home, "--config", str(config)) as running:
        until_up(running, len(NAMES))
        yield running


def until_up(running: processes.Service, at_least: int) -> None:
    """Wait until so many engines can serve: a kill with nowhere to go proves nothing."""
    until(lambda: _up(running) >= at_least, _UP_S)


def _up(running: processes.Service) -> int:
    found = [engine for node in running.get("/api/v1/nodes")["nodes"] for engine in node["engines"]]
    # One that was killed before may be in doubt until a call of its own goes well; it is asked where no better one is.
    doubted = [engine for engine in found if engine["health"] == "suspect" and engine["failures"]]
    return sum(engine["health"] == "up" for engine in found) + len(doubted)


def _until_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", f"{ALIAS} could not be loaded"


def _free_ports(number: int) -> Sequence[int]:
    """Below those that Linux gives to clients: an engine that comes back must find its port free. Where to look first
    follows from the process, so that several which run at once find different ones."""
    ports: list[int] = []
    port = _FIRST_PORT + os.getpid() * number % _PORTS
    while len(ports) < number:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                ports.append(port)
        port += 1
    return ports
