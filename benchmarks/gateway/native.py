"""The two C programs: the fake engine and the load. Compiled on first use, since neither may be what is measured."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cores import LOAD_CORES, pinned

_SOURCES = Path(__file__).parent / "native"
CACHE = Path.home() / ".cache" / "potluck-bench"

# A window that does not end: the load program itself hangs, which must not hang the benchmark.
_GRACE_S = 30.0


class BenchError(Exception):
    """Something that the person at the keyboard must mend; its text says what."""


def compiled(name: str) -> Path:
    """The program made of ``native/NAME.c``, made anew only if its source has changed."""
    source = _SOURCES / f"{name}.c"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise BenchError("a C compiler is needed (Debian: apt-get install gcc libc6-dev)")
    program = CACHE / "bin" / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the fake engine listens. Two ports for subjects that balance, one that plays Ollama: it is one process."""

    first: int
    second: int
    ollama: int


@contextmanager
def upstream() -> Iterator[Upstream]:
    ports = free_ports(3)
    command = pinned([str(compiled("upstream")), *map(str, ports)], LOAD_CORES)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise BenchError("the fake engine did not start")
        yield Upstream(*ports)
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True, slots=True)
class Load:
    """What clients do. ``chunks`` 0: answers are not streamed. All times in milliseconds."""

    connections: int
    window_ms: int
    ramp_ms: int = 100
    warmup_ms: int = 500
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the clients saw inside the window. Times are latencies of answers, or lags of chunks."""

    seconds: float
    answers: int
    chunks: int
    errors: int
    bytes: int
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float
    complaint: str


def run_load(port: int, request: bytes, load: Load, at_edge: Callable[[], None]) -> Seen:
    """Send ``request`` over and over. ``at_edge`` is called as the window begins and as it ends, streams still open."""
    with tempfile.NamedTemporaryFile(prefix="potluck-bench-") as file:
        file.write(request)
        file.flush()
        numbers: Sequence[int] = (load.connections, load.ramp_ms, load.warmup_ms, load.window_ms, load.chunks)
        command = [str(compiled("load")), str(port), file.name, *map(str, numbers)]
        process = subprocess.Popen(
            pinned(command, LOAD_CORES), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() in ("begin", "end"):
                at_edge()
            if line.strip() in ("end", "failed"):
                break
        try:
            out, _ = process.communicate("", timeout=_GRACE_S)
        finally:
            process.kill()
            process.wait()
    return Seen(**json.loads(out.splitlines()[-1]))
