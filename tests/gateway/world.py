"""A relay on loopback with scripted engines behind it: everything real but the engines' minds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from potluck.backends.port import Address, EngineHttp, Report
from potluck.core.call import Call
from potluck.core.catalogue import RouteRule
from potluck.core.errors import NodeFailed, NodeUnreachable, PotluckError, Unsupported
from potluck.core.health import Seen
from potluck.core.keys import digest
from potluck.core.limits import Limits as Allowed
from potluck.core.limits import Rules
from potluck.core.model import Capability, EngineId, EngineKind, KeyId, Model, ModelId, NodeId, UserId
from potluck.core.people import Role
from potluck.core.rescue import Way
from potluck.core.scheduling.classes import limits_within
from potluck.core.scheduling.scheduler import Scheduler
from potluck.gateway.admission import Admission
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.door import Door
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.images import RemoteImages
from potluck.gateway.ledger import Ledger
from potluck.gateway.metrics import Metrics
from potluck.gateway.proofs import Proofs
from potluck.gateway.relay.bridge import AsgiSide
from potluck.gateway.relay.pools import Pools
from potluck.gateway.relay.relay import Clocks, Limits, Relay
from potluck.gateway.tasks import Tasks
from potluck.storage.journal import Journal
from potluck.storage.records import KeyRecord, RequestRecord, UserRecord
from potluck.storage.shared.guarded import GuardedMeter
from potluck.storage.shared.memory import MemoryMeter
from potluck.storage.shared_ports import SharedMeter
from potluck.surfaces.auth import Keyring
from potluck.surfaces.v1.errors import status_of
from potluck.wire.openai.asks import read_chat
from potluck.wire.openai.encode import encode_chat
from potluck.wire.openai.errors import read_engine_error, write_error
from potluck.wire.openai.readers import ChatReader
from potluck.wire.port import Ask, EngineRequest, Shape
from potluck.wire.responses.request import read_responses

KEY = "pk-test"
Answer = Callable[["EngineSide"], Awaitable[None]]

CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}\n\n'
ROLE = CHUNK % b'{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}'
STOP = CHUNK % b'{"index":0,"delta":{},"finish_reason":"stop"}'
DONE = b"data: [DONE]\n\n"
WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,'
    b'"total_tokens":4}}'
)


def text(piece: str) -> bytes:
    return CHUNK % b'{"index":0,"delta":{"content":"%b"},"finish_reason":null}' % piece.encode()


@dataclass
class EngineSide:
    """One request as an engine's script sees it."""

    head: bytes
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def reply(
        self, body: bytes, status: str = "200 OK", content_type: str = "application/json", extra: str = ""
    ) -> None:
        self.writer.write(
            f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode()
            + body
        )

    def stream(self) -> None:
        self.writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")

    async def gone(self) -> None:
        """Returns when the gateway has closed the connection."""
        await self.reader.read()


async def says_hi(engine: EngineSide) -> None:
    """The ordinary answer, streamed or not."""
    if b'"stream":true' in engine.body.replace(b" ", b""):
        engine.stream()
        for piece in (ROLE, text("h"), text("i"), STOP, DONE):
            engine.chunk(piece)
        engine.end()
    else:
        engine.reply(WHOLE)


@dataclass
class ScriptedEngine:
    """An HTTP server that answers each request by its script and remembers what it got."""

    script: Answer = says_hi
    requests: list[EngineSide] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.writers.append(writer)
        try:
            while head := await _head(reader):
                length = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                side = EngineSide(head, await reader.readexactly(length), reader, writer)
                self.requests.append(side)
                await self.script(side)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


class OpenAiLike:
    """The least a backend can be: OpenAI's chat, passed through or encoded."""

    kind = EngineKind.OPENAI
    shapes = frozenset({Shape.OPENAI_CHAT})
    ways = frozenset({Way.EXTEND})
    many = True
    hears_only_streams = False
    context_by_call = False
    translates = False  # its model cannot be asked in the client's own bytes

    def __init__(self, port: int) -> None:
        self.port = port
        self.ready = True
        self.prepared = 0

    def address(self, model: Model, needs: frozenset[Capability] = frozenset()) -> Address | None:
        return Address("127.0.0.1", self.port) if self.ready else None

    async def prepare(self, model: Model, needs: frozenset[Capability] = frozenset()) -> None:
        self.prepared += 1
        self.ready = True

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest:
        return EngineRequest(
            "/v1/chat/completions",
            encode_chat(call, model.id, stream=stream),
            ChatReader(),
            stream,  # type: ignore[arg-type]
        )

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        if self.translates:
            raise Unsupported(model.id, "this shape")
        return "/v1/chat/completions", ask.passed(model.id)

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        return read_engine_error(status, body, model)

    async def probe(self, http: EngineHttp) -> Report:
        raise NodeUnreachable("not in this test")

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> int | None:
        return None


class MemorySettings:
    """Settings that are a dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def get(self, name: str) -> Any:
        return self.values.get(name)

    async def set(self, name: str, value: Any, now: float) -> None:
        self.values[name] = value


class MemoryLog:
    """A request log that is a list."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []

    async def add(self, records: Sequence[RequestRecord]) -> None:
        self.records += records

    async def get(self, request: Any) -> RequestRecord:
        return next(each for each in self.records if each.id == request)

    async def recent(self, *, limit: int, where: Any = None) -> tuple[RequestRecord, ...]:
        return tuple(reversed(self.records))[:limit]

    async def prune(self, before_s: float) -> int:
        return 0


@dataclass
class Time:
    """The loop's clock, and what a test skipped of it; or only that, where time stands ``still``."""

    skipped_s: float = 0.0
    still: bool = False

    def __call__(self) -> float:
        return self.skipped_s if self.still else asyncio.get_running_loop().time() + self.skipped_s


@dataclass
class World:
    relay: Relay
    fleet: Fleet
    engines: list[ScriptedEngine]
    backends: list[OpenAiLike]
    log: MemoryLog
    ledger: Ledger
    metrics: Metrics
    port: int
    time: Time
    clients: list[Client] = field(default_factory=list)
    servers: list[asyncio.Server] = field(default_factory=list)

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    def skip(self, seconds: float) -> None:
        """Let time pass at once, and the sweep that would have seen it."""
        self.time.skipped_s += seconds
        self.relay.sweep()

    async def replace_engine(
        self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        """Put a server in the first engine's place that need not know HTTP."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.engines[0].writers.append(writer)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)

        server = await asyncio.start_server(served, "127.0.0.1", 0, limit=1024)
        self.servers.append(server)
        self.backends[0].port = server.sockets[0].getsockname()[1]

    async def records(self) -> list[RequestRecord]:
        await self.ledger.flush()
        return self.log.records

    def busy(self) -> list[int]:
        return [engine.busy for engine in self.fleet.snapshot()]

    def nothing_is_held(self) -> bool:
        """No slot, exchange, place in line or task is left."""
        return (
            not any(self.busy())
            and not self.relay.exchanges
            and not self.relay.dispatcher.waiting
            and not self.relay.tasks
        )


@dataclass
class Client:
    """A client that says exactly what it is told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def post(self, body: bytes, *headers: str, path: str = "/v1/chat/completions", key: str = KEY) -> None:
        lines = [f"POST {path} HTTP/1.1", "host: x", f"authorization: Bearer {key}", *headers]
        if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
            lines.append(f"content-length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def ask(self, *, stream: bool = False, say: str = "hello", model: str = "m", **fields: str) -> None:
        extra = "".join(f',"{name}":{value}' for name, value in fields.items())
        body = '{"model":"%s","stream":%s,"messages":[{"role":"user","content":"%s"}]%s}'
        self.post((body % (model, str(stream).lower(), say, extra)).encode())

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), fields

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """One whole answer. Raises `asyncio.IncompleteReadError` for one that is cut off."""
        status, fields = await self.head()
        if "content-length" in fields:
            return status, fields, await self.reader.readexactly(int(fields["content-length"]))
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while data := await self.chunk():
                body += data
            return status, fields, body
        return status, fields, await self.reader.read()

    async def chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def closed(self) -> bool:
        """Whether the gateway closes the connection without another byte."""
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    def abort(self) -> None:
        self.writer.transport.abort()


async def _hello(request: StarletteRequest) -> Response:
    return PlainTextResponse(f"hello {request.url.path} {len(await request.body())}")


def _installation(number: int, backend: OpenAiLike, slots: int) -> Installation:
    return Installation(
        EngineId(f"n{number}/openai"), NodeId(f"n{number}"), EngineKind.OPENAI, backend, _NoHttp(), slots
    )


class _NoHttp:
    async def request(self, *_: object, **__: object) -> Any:
        raise NodeFailed("not in this test")

    def stream(self, *_: object, **__: object) -> Any:
        raise NodeFailed("not in this test")


@asynccontextmanager
async def world(
    *scripts: Answer,
    slots: int = 2,
    limits: Limits | None = None,
    depth: int = 8,
    max_wait_s: float = 60.0,
    routes: Sequence[BaseRoute] = (),
    rules: Mapping[str, RouteRule] | None = None,
    allowed: Rules | None = None,
    user_limits: Allowed | None = None,
    shared_meter: SharedMeter | None = None,
    still: bool = False,
) -> AsyncIterator[World]:
    """A relay before one engine per script; ``routes`` are the application's beside ``/hello``."""
    async with AsyncExitStack() as stack:
        engines = [ScriptedEngine(script) for script in scripts or (says_hi,)]
        for engine in engines:
            server = await asyncio.start_server(engine.serve, "127.0.0.1", 0)
            stack.callback(server.close)
            engine.port = server.sockets[0].getsockname()[1]
        backends = [OpenAiLike(engine.port) for engine in engines]
        clock = Time(still=still)
        fleet = Fleet(
            [_installation(number, backend, slots) for number, backend in enumerate(backends)],
            rules or {},
            clock=clock,
            interval_s=30,
        )
        for engine_id in fleet.engines:
            fleet.reported(engine_id, Report((Model(ModelId("m"), resident=True),)))
            fleet.saw(engine_id, Seen.PROBE_OK, "up")
        pools = Pools(clock)
        stack.callback(pools.close)
        log = MemoryLog()
        metrics = Metrics()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="potluck-")))
        journal = Journal(folder, synced=False, most_bytes=1 << 20)
        ledger = Ledger(log, metrics, lambda error: status_of(type(error))[0], journal)
        images = RemoteImages()
        stack.push_async_callback(images.aclose)
        tasks = await stack.enter_async_context(Tasks())
        admission = Admission(GuardedMeter(MemoryMeter(clock), shared_meter), metrics, lambda: 1_000_000.0)
        admission.configure(allowed or Rules())
        keyring = Keyring(lambda: 0.0, plan_of=admission.plan_of)
        user = UserRecord(UserId("u"), "test", Role.MEMBER, 0.0, limits=user_limits)
        keyring.replace([KeyRecord(KeyId("k"), "test", "pk-te", digest(KEY), 0.0, user=user.id)], [user])
        ids = itertools.count()
        door = Door("/v1/chat/completions", "openai", read_chat, write_error)
        relay = Relay(
            doors=[door, Door("/v1/responses", "openai", read_responses, write_error)],
            fallback=door,
            authenticate=keyring.of_request,
            fleet=fleet,
            pools=pools,
            dispatcher=Dispatcher(fleet, Scheduler(depth=depth, limits=limits_within(max_wait_s)), clock, tasks.spawn),
            proofs=Proofs(MemorySettings(), fleet, tasks, lambda: 0.0),
            images=images,
            tasks=tasks,
            ledger=ledger,
            admission=admission,
            clocks=Clocks(clock, lambda: 1_000_000.0),
            new_id=lambda: f"request{next(ids)}",
            page_fields=lambda origin: b"",
            limits=limits or Limits(),
        )
        app = Starlette(routes=[Route("/hello", _hello, methods=["GET", "POST"]), *routes])
        relay.serve_rest(lambda: AsgiSide(app))
        server = await asyncio.get_running_loop().create_server(relay.connection, "127.0.0.1", 0)
        stack.callback(server.close)
        made = World(relay, fleet, engines, backends, log, ledger, metrics, server.sockets[0].getsockname()[1], clock)
        try:
            yield made
        finally:
            await _hang_up(made)


async def _hang_up(made: World) -> None:
    """Close every socket of a test and let both ends notice."""
    for server in made.servers:
        server.close()
    writers = [client.writer for client in made.clients] + [each for engine in made.engines for each in engine.writers]
    for connection in tuple(made.relay.connections):
        connection.transport.abort()
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    # A connection that was on its way is accepted now, reads its end, and closes; uvloop needs a real moment for that.
    await asyncio.sleep(0.01)
    for engine in made.engines:
        for writer in engine.writers:
            writer.transport.abort()
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool], patience_s: float = 5.0) -> None:
    """Let the loop run until something holds; a failure to is the test's."""
    async with asyncio.timeout(patience_s):
        while not condition():
            await asyncio.sleep(0.001)
