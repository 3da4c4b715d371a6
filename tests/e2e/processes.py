"""The programs that these tests talk to, as processes of their own: the service, and fake engines behind it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = "smollm2:135m"
"""The embedded model."""

OLLAMA_MODEL = "olla-fake:1b"
OPENAI_MODEL = "open-fake"
THINKING_MODEL = "think-fake:1b"
EMBEDDING_MODEL = "embed-fake"
"""The models of the fake engines in front of which the second service stands; the thinking one is the fake
Ollama's, the embedding one the other's: a server that tells no capabilities is taken to embed by a model's name."""

# Loading the model takes two seconds on a quiet machine; CI's has two cores and other work.
READY_S = 60.0
STOP_S = 20.0


class DidNotStart(Exception):
    """With everything that the program said."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running `potluck up`. ``log`` is what it wrote to stderr so far."""

    url: str
    key: str
    data: Path
    log: Path
    process: subprocess.Popen[str]

    def get(self, path: str) -> Any:
        """The JSON at a path, asked for with the owner's key."""
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def busy(self) -> int:
        """How many slots are in use, over all engines."""
        return sum(engine["busy"] for node in self.get("/api/v1/nodes")["nodes"] for engine in node["engines"])


@dataclass(frozen=True, slots=True)
class Fake:
    """A running fake engine."""

    url: str
    port: int

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def requests(self) -> list[dict[str, Any]]:
        """What reached it, oldest first: method, path, query, headers, body."""
        found: list[dict[str, Any]] = self.control("GET", "/fake/requests")["requests"]
        return found


@dataclass(frozen=True, slots=True)
class Fronted:
    """A service in front of two fake engines, one of each kind."""

    service: Service
    ollama: Fake
    openai: Fake


@contextmanager
def embedded(home: Path) -> Iterator[Service]:
    """The service with nothing but its own model."""
    config = home / "potluck.yaml"
    # Said, not left to chance: without a config, an Ollama that happens to run on this machine would be used instead.
    config.write_text("local: true\ndiscovery: {mdns: false}\n")
    with service(home, "--config", str(config)) as running:
        yield running


@contextmanager
def fronted(home: Path) -> Iterator[Fronted]:
    """The service in front of a fake Ollama and a fake OpenAI-compatible server."""
    # The context holds what an agent sends before the user said anything.
    able = "context=131072,capabilities=completion+tools+vision+insert+embedding"
    with ExitStack() as stack:
        thinking = f"{THINKING_MODEL},capabilities=completion+thinking"
        ollama = stack.enter_context(
            fake("--dialect", "ollama", "--num-ctx", "131072", "--model", f"{OLLAMA_MODEL},{able}", "--model", thinking)
        )
        embedding = f"{EMBEDDING_MODEL},capabilities=embedding"
        openai = stack.enter_context(
            fake("--dialect", "openai", "--model", f"{OPENAI_MODEL},{able}", "--model", embedding)
        )
        config = home / "potluck.yaml"
        config.write_text(
            "nodes:\n"
            f"  one: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {ollama.port}, slots: 4}}]}}\n"
            f"  two: {{address: 127.0.0.1, engines: [{{kind: openai, port: {openai.port}, slots: 4}}]}}\n"
            "local: false\n"
            "limits: {max_body: 4MB}\n"
        )
        yield Fronted(stack.enter_context(service(home, "--config", str(config))), ollama, openai)


@contextmanager
def service(home: Path, *arguments: str) -> Iterator[Service]:
    """`potluck up` on a free port with its data under ``home``; stopped by SIGTERM, which must exit with 0,
    unless the test has killed it.

    Raises:
        DidNotStart: no ``ready`` line within `READY_S`.
    """
    data, log = home / "data", home / "potluck.log"
    program = Path(sys.executable).with_name("potluck")
    command = [str(program), "up", "--data", str(data), "--host", "127.0.0.1", "--port", "0", *arguments]
    with log.open("w") as stderr, _running(command, stderr, home) as process:
        url = _ready(process, log)
        yield Service(url, (data / "owner.key").read_text().strip(), data, log, process)
        if process.poll() == -signal.SIGKILL:  # by the test
            return
        process.terminate()
        rest, _ = process.communicate(timeout=STOP_S)
    assert rest == "", f"stdout is for the ready line alone, but it also said {rest!r}"
    assert process.returncode == 0, f"SIGTERM should end it with 0, not {process.returncode}\n{log.read_text()[-4000:]}"


@contextmanager
def fake(*arguments: str) -> Iterator[Fake]:
    """`potluck-fake-engine` on a free port."""
    command = [sys.executable, "-m", "potluck_fake_engine.main", "--port", "0", *arguments]
    with _running(command, None, Path.cwd()) as process:
        url = _ready(process, None)
        yield Fake(url, int(url.rpartition(":")[2]))


@contextmanager
def _running(command: Sequence[str], stderr: Any, directory: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=directory,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("POTLUCK_")},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ready(process: subprocess.Popen[str], log: Path | None) -> str:
    """The address in the ``ready`` line."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(READY_S) else ""
    if not line.startswith("ready http://"):
        said = log.read_text()[-4000:] if log else ""
        raise DidNotStart(f"{process.args!r}: {line!r} instead of a ready line within {READY_S:.0f} s\n{said}")
    return line.removeprefix("ready ").strip()


def until(condition: Callable[[], bool], patience_s: float = 10.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
