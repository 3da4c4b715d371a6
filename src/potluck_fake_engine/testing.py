"""A fake engine for tests: inside the test's own loop (`running`), or as a process that can be killed (`spawned`)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from potluck_fake_engine import control
from potluck_fake_engine.dialects import WRITING
from potluck_fake_engine.engine import Counters, Engine
from potluck_fake_engine.faults import Fault, FaultKind
from potluck_fake_engine.http import Request
from potluck_fake_engine.server import Site, serving
from potluck_fake_engine.settings import ModelSpec, Settings, parse_model


@dataclass(frozen=True, slots=True)
class FakeEngine:
    """A running fake and everything that a test may want of it."""

    site: Site

    @property
    def url(self) -> str:
        return self.site.url

    @property
    def host(self) -> str:
        return self.site.host

    @property
    def port(self) -> int:
        return self.site.port

    @property
    def engine(self) -> Engine:
        return self.site.engine

    @property
    def counters(self) -> Counters:
        return self.site.engine.counters

    @property
    def requests(self) -> list[Request]:
        """What reached it, oldest first, without control requests."""
        return list(self.site.requests)

    def bodies(self, path: str) -> list[Any]:
        """The decoded JSON bodies that came to `path`."""
        return [msgspec.json.decode(r.body) for r in self.site.requests if r.path == path]

    def fault(self, kind: FaultKind | str, **how: Any) -> int:
        """Set a fault; the fields are those of `faults.Fault`. Returns its id."""
        return self.site.add_fault(msgspec.convert({"kind": str(kind), **how}, Fault))

    def clear_faults(self) -> None:
        self.site.faults.clear()

    def change(self, model: str, **how: Any) -> None:
        """Add or change a model while it runs: the keys of `ModelSpec`, or ``loaded=bool``, or ``remove=True``."""
        control.change(self.site, model, how)

    def change_settings(self, **how: Any) -> None:
        control.change_settings(self.site, how)

    def state(self) -> dict[str, Any]:
        return control.state(self.site)

    def busy(self) -> int:
        """Slots in use now."""
        return sum(model.slots.busy() for model in self.engine.models.values())

    def refuse(self, seconds: float | None = None, *, reset: bool = True) -> None:
        self.site.refuse(seconds, reset=reset)

    async def accept_again(self) -> None:
        await self.site.accept_again()

    def reset(self) -> None:
        control.reset(self.site)


@asynccontextmanager
async def running(
    *models: str | ModelSpec,
    dialect: str | Sequence[str] = "openai",
    host: str = "127.0.0.1",
    port: int = 0,
    **settings: Any,
) -> AsyncGenerator[FakeEngine]:
    """A fake engine on the running loop.

    `models` as on the command line (``"m,context=512,decode=40"``) or as `ModelSpec`; none = one named ``fake-model``
    that can do everything but think. `dialect` is a name, several, or ``all``; `settings` are the further fields of
    `Settings`.
    """
    specs = tuple(parse_model(model) if isinstance(model, str) else model for model in models) or (default_model(),)
    async with serving(Settings(dialects_of(dialect), specs, **settings), host, port) as site:
        yield FakeEngine(site)


def default_model() -> ModelSpec:
    return parse_model("fake-model,capabilities=completion+tools+vision+insert+embedding")


def dialects_of(dialect: str | Sequence[str]) -> tuple[str, ...]:
    if dialect == "all":
        return WRITING
    return (dialect,) if isinstance(dialect, str) else tuple(dialect)


@dataclass(frozen=True, slots=True)
class FakeProcess:
    """A fake engine as a process of its own."""

    process: asyncio.subprocess.Process
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()

    async def control(self, method: str, path: str, body: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """Ask the control API (``/fake/...``).

        Raises:
            ConnectionError: it does not listen.
            RuntimeError: it did not like the request.
        """
        data = b"" if body is None else msgspec.json.encode(body)
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: fake\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
            writer.write(head.encode() + data)
            answer = await reader.read()
        finally:
            writer.close()
        status, _, rest = answer.partition(b"\r\n")
        body_text = rest.partition(b"\r\n\r\n")[2]
        if b" 200 " not in status:
            raise RuntimeError(body_text.decode())
        return msgspec.json.decode(body_text)

    async def fault(self, kind: FaultKind | str, **how: Any) -> None:
        await self.control("POST", "/fake/faults", {"kind": str(kind), **how})

    async def state(self) -> Any:
        return await self.control("GET", "/fake/state")


@asynccontextmanager
async def spawned(*arguments: str, port: int = 0) -> AsyncGenerator[FakeProcess]:
    """`potluck-fake-engine` with these command line arguments; ended with the block if it still runs."""
    command = [sys.executable, "-m", "potluck_fake_engine.main", "--port", str(port), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield await _ready(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> FakeProcess:
    if process.stdout is None:
        raise RuntimeError("the process has no stdout")
    line = (await process.stdout.readline()).decode()
    if not line.startswith("ready http://"):
        raise RuntimeError(f"the fake engine did not start: {line!r}")
    host, _, port = line.removeprefix("ready http://").strip().rpartition(":")
    return FakeProcess(process, host, int(port))
