"""The parts that are killed: an image engine of each kind, the gateway, and Redis; all real processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.processes import Service, service
from tests.servers.redis import RedisServer, redis_server

MODEL = "sd_v1-5"
# Seconds for a megapixel and a step: of unequal speed, as two machines are.
STEP_S: Mapping[str, float] = {"comfyui": 0.5, "a1111": 1.0}


@dataclass(slots=True)
class Engine:
    """An image node. What is in its memory, its queue and its history, dies with it."""

    kind: str
    port: int
    step_s: float
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        size = f"{MODEL},size=4GB,step_s={self.step_s}"
        command = [sys.executable, "-m", "potluck_fake_engine.main", "--dialect", self.kind, "--port", str(self.port)]
        self._process = subprocess.Popen([*command, "--model", size], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("ready"), f"{self.kind} does not start"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@dataclass(slots=True)
class House:
    """``gateway`` is the one that runs now; a new start listens where the last one did."""

    home: Path
    engines: Mapping[str, Engine]
    redis: RedisServer | None
    port: int
    _running: ExitStack = field(default_factory=ExitStack, repr=False)
    gateway: Service | None = None

    def start(self) -> None:
        """Raises `tests.e2e.processes.DidNotStart`."""
        config = self.home / "potluck.yaml"
        self.gateway = self._running.enter_context(
            service(self.home, "--config", str(config), "--port", str(self.port))
        )

    def kill(self) -> None:
        assert self.gateway is not None
        self.gateway.process.kill()
        self.gateway.process.wait()
        self.stop()

    def stop(self) -> None:
        self._running.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The owner's, which every start has."""
        return (self.home / "data" / "owner.key").read_text().strip()


@contextmanager
def house(home: Path, *, with_redis: bool, pace: float = 1.0) -> Iterator[House]:
    """All of it, started; ``pace`` is how many times as long the engines take for a step."""
    with ExitStack() as stack:
        engines = {kind: Engine(kind, _free_port(), step_s * pace) for kind, step_s in STEP_S.items()}
        for each in engines.values():
            stack.callback(each.kill)
            each.start()
        redis = stack.enter_context(redis_server()) if with_redis else None
        made = House(home, engines, redis, _free_port())
        (home / "potluck.yaml").write_text(_config(made))
        stack.callback(made.stop)
        made.start()
        yield made


def _config(made: House) -> str:
    lines = ["local: false", "discovery: {mdns: false}", "health: {interval: 2s}", "nodes:"]
    lines += [
        f"  {kind}-node: {{address: 127.0.0.1, engines: [{{kind: {kind}, port: {each.port}}}]}}"
        for kind, each in made.engines.items()
    ]
    if made.redis is not None:
        lines.append(f'storage: {{redis: "{made.redis.url}"}}')
    return "\n".join(lines) + "\n"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
