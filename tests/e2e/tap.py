"""A tap in the wire: a proxy on loopback that passes bytes on untouched and keeps what each request said.

Tests put it between a client and the service, to see which routes a program really uses; `record` writes what it
saw into `tests/surfaces/recorded`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import h11

_PIECE = 65_536


@dataclass(slots=True)
class Exchange:
    """One request, whole, and the status of its answer: 0 until that came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    status: int = 0

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        """The value, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(slots=True)
class Tap:
    """``exchanges`` are in the order in which requests began."""

    url: str
    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    def seen(self) -> list[str]:
        """``METHOD /path status`` of each exchange."""
        return [f"{exchange.method} {exchange.path} {exchange.status}" for exchange in self.exchanges]

    def of(self, path: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.path == path]


@contextmanager
def tapping(url: str) -> Iterator[Tap]:
    """A tap in front of ``url`` (``http://host:port``), on a thread and a loop of its own."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    opened: list[Tap] = []
    up, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections[task] = writer
            await _connection(opened[0], reader, writer, host, int(port))
            del connections[task]

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        opened.append(Tap(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        up.set()
        await stop.wait()
        server.close()
        for writer in connections.values():
            writer.transport.abort()  # ends its connection, which ends its twin
        await asyncio.gather(*connections, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="tap", daemon=True)
    thread.start()
    if not up.wait(10):
        raise TimeoutError("the tap did not start")
    try:
        yield opened[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def _connection(
    tap: Tap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    """One client's connection and its twin to the service. Either side's end is the other's, so leaving is seen."""
    try:
        up_reader, up_writer = await asyncio.open_connection(host, port)
    except OSError:
        writer.transport.abort()
        return
    watch = _Watch(tap)
    pumps = [
        asyncio.ensure_future(_pump(reader, up_writer, watch.sent)),
        asyncio.ensure_future(_pump(up_reader, writer, watch.answered)),
    ]
    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    for pump in pumps:
        pump.cancel()
    for side in (writer, up_writer):
        side.close()
    await asyncio.gather(*pumps, writer.wait_closed(), up_writer.wait_closed(), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE):
            watch(data)
            writer.write(data)
            await writer.drain()


class _Watch:
    """Reads along both directions of one connection, which carries many requests: one parser for each, one for each
    answer. What is no HTTP any more (an upgraded connection) passes unread."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._asked: list[Exchange] = []
        self._request: h11.Connection | None = _parser(h11.SERVER)
        self._answer: h11.Connection | None = None

    def sent(self, data: bytes) -> None:
        while self._request is not None and data:
            data, self._request = self._read_request(self._request, data)

    def answered(self, data: bytes) -> None:
        while data and self._asked:
            data = self._read_answer(data)

    def _read_request(self, parser: h11.Connection, data: bytes) -> tuple[bytes, h11.Connection | None]:
        """Feed the parser; returns what is left when the request ended, and the parser to go on with."""
        parser.receive_data(data)
        while True:
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError:
                return b"", None
            if isinstance(event, h11.Request):
                headers = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
                self._asked.append(Exchange(event.method.decode(), event.target.decode("latin-1"), headers))
                self._tap.exchanges.append(self._asked[-1])
            elif isinstance(event, h11.Data):
                self._asked[-1].body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return parser.trailing_data[0], _parser(h11.SERVER)
            else:
                return b"", parser

    def _read_answer(self, data: bytes) -> bytes:
        """Feed the parser of the oldest request without an answer; returns what is left when the answer ended."""
        exchange = self._asked[0]
        if self._answer is None:
            self._answer = _parser(h11.CLIENT)
            self._answer.send(h11.Request(method=exchange.method, target="/", headers=[("host", "tap")]))
            self._answer.send(h11.EndOfMessage())
        self._answer.receive_data(data)
        while True:
            try:
                event = self._answer.next_event()
            except h11.RemoteProtocolError:
                return b""
            if isinstance(event, h11.Response):
                exchange.status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                rest: bytes = self._answer.trailing_data[0]
                self._answer = None
                self._asked.pop(0)
                return rest
            elif not isinstance(event, (h11.Data, h11.InformationalResponse)):
                return b""


def _parser(role: type[h11.CLIENT | h11.SERVER]) -> h11.Connection:
    return h11.Connection(role, max_incomplete_event_size=1 << 20)
