"""Engines that break on command: processes on this machine, or on machines of their own with bad cables."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e import processes
from tests.e2e.cable import BAD, SILENT, WELL, Condition
from tests.e2e.lan import Host, lan

MODEL = "m"
# Two of the commonest kind, and one of each other: every way to go on is taken.
KINDS: Mapping[str, str] = {"olla": "ollama", "lama": "ollama", "cpp": "llamacpp", "open": "openai"}
SLOTS = 4
# A word in 20 ms: a long answer takes some seconds, so that faults meet it.
DECODE_TPS = 60
GATEWAY = "192.168.1.10"
_PORT = 11434
_CONTROL_S = 10.0


@dataclass(slots=True)
class Engine:
    """``inside`` begins a command on its machine. A process of its own, so that it may be killed and stopped."""

    name: str
    address: str
    port: int
    host: Host | None = None
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        inside = self.host.inside() if self.host else []
        command = [sys.executable, "-m", "potluck_fake_engine.main", "--dialect", KINDS[self.name], "--host"]
        size = ["--slots", str(SLOTS), "--model", f"{MODEL},decode={DECODE_TPS},context=32768,resident=true"]
        self._process = subprocess.Popen(
            [*inside, *command, self.address, "--port", str(self.port), *size], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("ready"), f"{self.name} does not start"

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def freeze(self) -> None:
        """Its connections stay open, and its kernel still takes what is sent."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def cable(self, condition: Condition) -> None:
        assert self.host is not None
        assert self.host.cable is not None
        self.host.cable.condition = condition

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}:{self.port}{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=_CONTROL_S) as answer:
            return json.load(answer)

    def busy(self) -> int:
        """Calls that still run on it."""
        return int(self.control("GET", "/fake/state")["busy"])


@contextmanager
def engines(home: Path, *, network: bool, seed: int) -> Iterator[list[Engine]]:
    """All of them, started. ``network``: each on a machine of its own; for this the process must be behind walls."""
    if network:
        with lan(home, GATEWAY) as lan_of_ours:
            addresses = {name: f"192.168.1.{20 + number}" for number, name in enumerate(KINDS)}
            made = [
                Engine(name, address, _PORT, lan_of_ours.host(name, address, chance=random.Random(f"{seed} {name}")))
                for name, address in addresses.items()
            ]
            yield from _started(made)
    else:
        yield from _started([Engine(name, "127.0.0.1", _free_port()) for name in KINDS])


def _started(made: list[Engine]) -> Iterator[list[Engine]]:
    try:
        for engine in made:
            engine.start()
        yield made
    finally:
        for engine in made:
            engine.kill()


@contextmanager
def service(home: Path, made: list[Engine]) -> Iterator[processes.Service]:
    config = home / "potluck.yaml"
    nodes = "".join(
        f"  {each.name}: {{address: {each.address}, engines: [{{kind: {KINDS[each.name]}, port: {each.port},"
        f" slots: {SLOTS}}}]}}\n"
        for each in made
    )
    # A fault every two seconds can meet one long answer more often than the three times of a house's default.
    config.write_text(f"local: false\nhealth: {{interval: 2s}}\nrescue: {{attempts: 8}}\nnodes:\n{nodes}")
    with processes.service(home, "--config", str(config)) as running:
        yield running


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# --- what breaks ---

REFUSES_S = 1.5
REPLIES: tuple[Mapping[str, Any], ...] = (
    {"kind": "refuse", "seconds": REFUSES_S, "reset": True},
    {"kind": "reset"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "headers": {"retry-after": "1"}},
    {"kind": "malformed"},
    {"kind": "login-page"},
    {"kind": "empty"},
    {"kind": "wrong-length"},
    {"kind": "hang"},
    {"kind": "silence"},
    {"kind": "cut", "after": 1},
    {"kind": "cut", "after": 20},
    {"kind": "cut", "after": 60, "reset": True},
    {"kind": "cut-character", "after": 3},
    {"kind": "stall", "after": 10},
    {"kind": "in-band", "after": 5, "message": "CUDA error: out of memory"},
    {"kind": "drip", "delay_s": 0.1},
)


@dataclass(frozen=True, slots=True)
class Break:
    """One fault of one engine, for ``for_s``. ``kind`` is kill, freeze, silent, bad or that of a reply."""

    engine: Engine
    kind: str
    for_s: float
    reply: Mapping[str, Any] | None = None

    async def happen(self) -> None:
        """From its beginning to the repair."""
        match self.kind:
            case "kill":
                await asyncio.to_thread(self.engine.kill)
                await asyncio.sleep(self.for_s)
                await asyncio.to_thread(self.engine.start)
            case "freeze":
                self.engine.freeze()
                await asyncio.sleep(self.for_s)
                self.engine.thaw()
            case "silent" | "bad":
                self.engine.cable(SILENT if self.kind == "silent" else BAD)
                await asyncio.sleep(self.for_s)
                self.engine.cable(WELL)
            case "refuse":
                # Open connections break too, and the one that says so is among them.
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(self.engine.control, "POST", "/fake/faults", self.reply)
                await asyncio.sleep(REFUSES_S + 0.5)
            case _:
                await asyncio.to_thread(self.engine.control, "POST", "/fake/faults", self.reply)
                await asyncio.sleep(self.for_s)
                await asyncio.to_thread(self.engine.control, "DELETE", "/fake/faults")


def drawn(chance: random.Random, well: list[Engine], *, network: bool) -> Break:
    """Kills and freezes are a third, what an answer can do the rest; with ``network`` half is the cable's."""
    engine, for_s = chance.choice(well), chance.uniform(0.5, 3.5)
    if network and chance.random() < 0.5:
        return Break(engine, chance.choice(["silent", "bad"]), for_s)
    if chance.random() < 0.35:
        return Break(engine, chance.choice(["kill", "freeze"]), for_s)
    reply = dict(chance.choice(REPLIES))
    if reply["kind"] != "refuse":
        reply["times"] = chance.choice([1, 2, 4, None])
    return Break(engine, str(reply["kind"]), for_s, reply)
