"""The relay without sockets: clients and engines on transports in memory, so that every read is as a test cuts it.

h11 reads both ends' bytes: what it does not accept, or reads otherwise than we do, fails the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import h11

from potluck.backends.port import Address
from potluck.gateway.relay.client import ClientConnection
from potluck.gateway.relay.engine import EngineConnection
from tests.gateway.world import KEY, World


class Wire(asyncio.Transport):
    """A transport in memory: what was written to it, and what became of it. Delivers nothing while it is paused."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = bytearray()
        self.unsent = 0
        self.reading = True
        self.ended = False
        self.closed = False
        self.aborted = False
        self._held: list[bytes] = []
        protocol.connection_made(self)

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            if not self.reading:
                self._held.append(piece)
            elif not self.closed and piece:
                self.protocol.data_received(piece)

    def lose(self, error: Exception | None = None) -> None:
        """The other side is gone: in peace, or with ``error``."""
        if self.closed:
            return
        if error is None:
            assert not self.protocol.eof_received()
        self.closed = True
        self.protocol.connection_lost(error)

    # --- asyncio.Transport ---

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written after the end"
        if not self.closed:
            self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.aborted = self.aborted or not self.closed
        self.close()

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True
        held, self._held = self._held, []
        self.feed(*held)


@dataclass
class Received:
    """A request as h11 reads it off the bytes that an engine, or we, got."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""


class EngineWire(Wire):
    """An engine that gives each request the next of its answers, cut as they are."""

    def __init__(self, protocol: asyncio.Protocol, answers: Iterable[list[bytes]] = ()) -> None:
        self.answers = list(answers)
        self.requests: list[Received] = []
        self._reader = h11.Connection(h11.SERVER)
        super().__init__(protocol)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self._reader.receive_data(bytes(data))
        while (event := self._reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                self.requests.append(Received(event.method, event.target, list(event.headers)))
            elif isinstance(event, h11.Data):
                self.requests[-1].body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._reader.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                self._reader.send(h11.EndOfMessage())
                self._reader.start_next_cycle()
                asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        if self.answers:
            self.feed(*self.answers.pop(0))


@dataclass
class Answered:
    """An answer as h11 reads it. ``cut``: it began and did not end."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    cut: bool = True


@dataclass
class Ends:
    """A client and an engine with the relay between them, without a socket."""

    client: Wire
    engine: EngineWire
    asked: list[str] = field(default_factory=list)

    def answers(self, *methods: str, version: bytes = b"1.1") -> list[Answered]:
        """All answers that the client has got to requests with these ``methods``, in order."""
        return read_answers(bytes(self.client.written), methods or ("POST",), self.client.closed or self.client.ended)


def read_answers(data: bytes, methods: Iterable[str], closed: bool) -> list[Answered]:
    """``data`` as h11 reads it. Raises `h11.RemoteProtocolError` for what is not HTTP, and for bytes past the end."""
    answers: list[Answered] = []
    for method in methods:
        if not data:  # which to h11 would be the end of the connection
            return answers
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        reader.send(h11.EndOfMessage())
        reader.receive_data(data)
        answer: Answered | None = None
        while True:
            try:
                event = reader.next_event()
                if event is h11.NEED_DATA and closed and reader.their_state is h11.SEND_BODY:
                    reader.receive_data(b"")
                    closed = False
                    event = reader.next_event()
            except h11.RemoteProtocolError as error:
                if "closed connection without sending" in str(error) or "incomplete" in str(error):
                    break  # cut off
                raise
            if isinstance(event, h11.Response):
                headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                answer = Answered(event.status_code, headers)
                answers.append(answer)
            elif isinstance(event, h11.Data):
                assert answer is not None
                answer.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert answer is not None
                answer.cut = False
                break
            elif not isinstance(event, h11.InformationalResponse):
                break
        if answer is None:
            return answers  # its head is still to come
        data = reader.trailing_data[0]
        if answer.cut:
            return answers
    assert not data, f"{data[:100]!r} after the last answer"
    return answers


def join(w: World, *answers: list[bytes]) -> Ends:
    """A new client, and a new engine connection that is the next to be used."""
    pool = w.relay.pools.to(Address("127.0.0.1", w.engines[0].port))
    while (idle := pool.take()) is not None:
        idle.abort()
    engine = EngineWire(EngineConnection(pool), answers)
    protocol = engine.protocol
    assert isinstance(protocol, EngineConnection)
    pool.give(protocol)
    return Ends(Wire(ClientConnection(w.relay)), engine)


def request(
    body: bytes, *headers: str, version: str = "1.1", chunks: int = 0, path: str = "/v1/chat/completions"
) -> bytes:
    """A client's request; with ``chunks`` its body goes in chunks of that size."""
    lines = [f"POST {path} HTTP/{version}", "host: x", f"authorization: Bearer {KEY}", *headers]
    if chunks:
        lines.append("transfer-encoding: chunked")
        pieces = (body[start : start + chunks] for start in range(0, len(body), chunks))
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def question(*, stream: bool, say: str = "hello") -> bytes:
    return b'{"model":"m","stream":%b,"messages":[{"role":"user","content":"%b"}]}' % (
        b"true" if stream else b"false",
        say.encode(),
    )


async def turn(times: int = 4) -> None:
    """Let the loop do what it was told to do soon."""
    for _ in range(times):
        await asyncio.sleep(0)
