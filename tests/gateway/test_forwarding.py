"""Requests through a gateway that does not lead, over real sockets to gateways that are scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from potluck.core.errors import PotluckError
from potluck.gateway.relay.forwarding import Forwarder, Target
from potluck.gateway.relay.hops import HOP, NOT_LEADING, PROMISE, Hops
from potluck.gateway.relay.relay import Limits
from potluck.gateway.relay.request import Request
from potluck.gateway.relay.standby import Standby
from potluck.gateway.tasks import Tasks
from potluck.surfaces.doors import FALLBACK
from potluck.wire.openai.errors import write_error
from potluck.wire.port import ErrorReply

Script = Callable[["Side"], Awaitable[None]]
HOPS = Hops("secret")
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%btransfer-encoding: chunked\r\n\r\n"
POST = b"POST %b HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class Side:
    """One request as a gateway's script sees it."""

    head: bytes
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass
class Scripted:
    """A gateway that leads, for all that it says."""

    script: Script
    requests: list[Side] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: ")), 0)
            side = Side(head, await reader.readexactly(length), reader, writer)
            self.requests.append(side)
            await self.script(side)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass
class World:
    """A standby, and who leads as it thinks. A turn is over at once."""

    stack: AsyncExitStack
    target: Target | None = None
    dead: set[str] = field(default_factory=set)
    turns: Callable[[], None] = lambda: None
    now: float = 0.0
    promises: bool = True
    forwarder: Forwarder = field(init=False)
    standby: Standby = field(init=False)
    port: int = 0

    def deserted(self, holder: str) -> bool:
        return holder in self.dead

    async def turn(self, within_s: float) -> None:
        self.now += within_s
        self.turns()
        await asyncio.sleep(0)

    async def leader(self, script: Script, name: str = "one") -> Scripted:
        made = Scripted(script)
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        self.stack.callback(server.close)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.target = Target(name, made.url)
        return made

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.stack.callback(writer.close)
        return reader, writer

    async def ask(self, request: bytes) -> asyncio.StreamReader:
        reader, writer = await self.client()
        writer.write(request)
        return reader


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    def errors(request: Request, error: PotluckError) -> ErrorReply:
        return write_error(error, "r1")

    async with AsyncExitStack() as stack:
        made = World(stack)
        tasks = await stack.enter_async_context(Tasks())
        made.forwarder = Forwarder(
            made,
            HOPS,
            tasks,
            lambda: made.now,
            errors,
            lambda request: request.path != b"/once",
            lambda request, body, kind: b"data: last words of %b\n\n" % body if request.path == b"/door" else b"",
        )
        made.standby = Standby(
            made.forwarder, fallback=FALLBACK, new_id=lambda: "id", promise=lambda: made.promises, limits=Limits()
        )
        server = await asyncio.get_running_loop().create_server(made.standby.connection, "127.0.0.1", 0)
        stack.callback(server.close)
        made.port = server.sockets[0].getsockname()[1]
        try:
            yield made
        finally:
            for connection in tuple(made.standby.connections):
                connection.transport.abort()
            await asyncio.sleep(0)


async def read_head(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)


async def read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """A chunked body, and whether it came to its end."""
    body = b""
    try:
        while size := int(await asyncio.wait_for(reader.readline(), 10), 16):
            body += (await reader.readexactly(size + 2))[:-2]
    except (ValueError, ConnectionError, asyncio.IncompleteReadError):
        return body, False
    return body, True


async def says(side: Side) -> None:
    side.writer.write(JSON)


async def test_a_request_goes_to_the_leader_as_it_came_with_the_clients_address_above_it() -> None:
    async with world() as w:
        leader = await w.leader(says)
        reader = await w.ask(
            b"POST /door?x=1 HTTP/1.1\r\nhost: h\r\nauthorization: Bearer k\r\nconnection: keep-alive\r\n"
            b"potluck-hop: v1 6.6.6.6 00\r\ncontent-length: 4\r\n\r\nbody"
        )
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(2) == b"{}"
        (side,) = leader.requests
        assert side.body == b"body"
        start, *lines = side.head.split(b"\r\n")
        assert start == b"POST /door?x=1 HTTP/1.1"
        fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines if line)]
        assert (b"authorization", b"Bearer k") in fields
        assert [name for name, _ in fields].count(HOP) == 1
        assert HOPS.client(fields, b"POST", b"/door?x=1") == "127.0.0.1"


async def test_a_stream_passes_event_by_event_and_the_connection_is_kept() -> None:
    go = asyncio.Event()

    async def streams(side: Side) -> None:
        side.writer.write(STREAM % b"x-potluck-node: one\r\n" + chunk(b"data: 1\n\nda"))
        await go.wait()
        side.writer.write(chunk(b"ta: 2\n\n") + b"0\r\n\r\n")

    async with world() as w:
        leader = await w.leader(streams)
        reader, writer = await w.client()
        writer.write(POST % b"/door")
        assert b"x-potluck-node: one\r\n" in await read_head(reader)
        assert await reader.readuntil(b"1\n\n\r\n") == chunk(b"data: 1\n\n")
        go.set()
        assert await read_chunks(reader) == (b"data: 2\n\n", True)
        await reader.readline()
        leader.script = says
        writer.write(POST % b"/door")
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200")


async def test_while_nobody_leads_a_request_waits() -> None:
    async with world() as w:
        leader = await w.leader(says)
        target, w.target = w.target, None

        def turns() -> None:
            w.target = target if w.now > 4.0 else None

        w.turns = turns
        assert (await read_head(await w.ask(POST % b"/once"))).startswith(b"HTTP/1.1 200")
        assert len(leader.requests) == 1


async def test_who_waits_too_long_is_told_when_to_come_back() -> None:
    async with world() as w:
        head = await read_head(await w.ask(POST % b"/door"))
        assert head.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5\r\n" in head


async def test_a_gateway_that_does_not_lead_says_so_and_the_next_one_is_asked() -> None:
    async def declines(side: Side) -> None:
        side.writer.write(b"HTTP/1.1 503 No\r\n%b: 1\r\ncontent-length: 0\r\n\r\n" % NOT_LEADING)

    async with world() as w:
        first = await w.leader(declines)
        second = await w.leader(says, "two")
        targets = [Target("one", first.url), Target("two", second.url)]
        w.target = targets[0]
        w.turns = lambda: setattr(w, "target", targets[1])
        assert (await read_head(await w.ask(POST % b"/once"))).startswith(b"HTTP/1.1 200")
        assert [len(first.requests), len(second.requests)] == [1, 1]


async def dies(side: Side) -> None:
    side.writer.transport.abort()


async def test_what_may_be_done_twice_is_and_of_the_rest_nobody_knows() -> None:
    async with world() as w:
        leader = await w.leader(dies)
        w.turns = lambda: setattr(leader, "script", says)
        assert (await read_head(await w.ask(POST % b"/door"))).startswith(b"HTTP/1.1 200")
        assert [side.body for side in leader.requests] == [b"body", b"body"]
        leader.script = dies
        assert (await read_head(await w.ask(POST % b"/once"))).startswith(b"HTTP/1.1 503")
        assert len(leader.requests) == 3


async def test_a_gateway_that_hangs_is_left_when_another_one_leads() -> None:
    async def hangs(side: Side) -> None:
        await side.reader.read()

    async with world() as w:
        hanging = await w.leader(hangs)
        reader = await w.ask(POST % b"/door")
        while not hanging.requests:
            await asyncio.sleep(0.01)
        await w.leader(says, "two")
        w.standby.sweep()
        w.dead.add("one")
        w.standby.sweep()
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200")


async def test_a_broken_stream_ends_in_its_dialects_words_behind_a_whole_event() -> None:
    async def breaks(side: Side) -> None:
        side.writer.write(STREAM % b"" + chunk(b"data: 1\n\ndata: 2"))
        await side.writer.drain()
        await asyncio.sleep(0.05)
        side.writer.transport.abort()

    async with world() as w:
        await w.leader(breaks)
        reader = await w.ask(POST % b"/door")
        await read_head(reader)
        assert await read_chunks(reader) == (b"data: 1\n\ndata: last words of body\n\n", True)
        reader = await w.ask(POST % b"/other")
        await read_head(reader)
        assert await read_chunks(reader) == (b"data: 1\n\n", False)


async def test_a_native_stream_goes_on_at_the_next_gateway_behind_its_last_event() -> None:
    native = STREAM % b"x-potluck-generation: abc\r\n"

    async def breaks(side: Side) -> None:
        side.writer.write(native + chunk(b"id: 1\nevent: meta\ndata: {}\n\n") + chunk(b"id: 2\nevent: delta\n"))
        await side.writer.drain()
        await asyncio.sleep(0.05)
        side.writer.transport.abort()

    async def ends(side: Side) -> None:
        side.writer.write(STREAM % b"" + chunk(b"id: 2\nevent: delta\ndata: {}\n\nid: 3\nevent: done\ndata: {}\n\n"))
        side.writer.write(b"0\r\n\r\n")

    async with world() as w:
        first = await w.leader(breaks)
        second = await w.leader(ends, "two")
        w.target = Target("one", first.url)
        w.turns = lambda: setattr(w, "target", Target("two", second.url))
        reader = await w.ask(POST % b"/once")
        await read_head(reader)
        body, whole = await read_chunks(reader)
        assert whole
        assert [line for line in body.split(b"\n") if line.startswith(b"id: ")] == [b"id: 1", b"id: 2", b"id: 3"]
        (side,) = second.requests
        assert side.head.startswith(b"GET /api/v1/generations/abc/events HTTP/1.1\r\n")
        assert b"last-event-id: 1\r\n" in side.head
        assert b"content-length" not in side.head


async def test_who_leaves_is_left_by_the_leader_too() -> None:
    left = asyncio.Event()

    async def notices(side: Side) -> None:
        side.writer.write(STREAM % b"" + chunk(b"data: 1\n\n"))
        await side.reader.read()
        left.set()

    async with world() as w:
        await w.leader(notices)
        reader, writer = await w.client()
        writer.write(POST % b"/door")
        await read_head(reader)
        writer.close()
        await asyncio.wait_for(left.wait(), 10)
        assert not w.standby.under_way


async def test_a_body_in_chunks_and_one_that_is_waited_for_arrive() -> None:
    bodies: list[bytes] = []

    async def reads(side: Side) -> None:
        bodies.append(await side.reader.readuntil(b"0\r\n\r\n"))
        side.writer.write(JSON)

    async with world() as w:
        await w.leader(reads)
        reader, writer = await w.client()
        writer.write(b"POST /once HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n")
        assert (await read_head(reader)).startswith(b"HTTP/1.1 100")
        writer.write(chunk(b"one"))
        await asyncio.sleep(0.02)
        writer.write(chunk(b"two") + b"0\r\n\r\n")
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200")
        assert b"".join(bodies) == chunk(b"one") + chunk(b"two") + b"0\r\n\r\n"


async def test_an_old_client_that_names_no_host_is_served_and_gets_no_chunks() -> None:
    async def streams(side: Side) -> None:
        assert side.head.count(b"host: ") == 1
        side.writer.write(STREAM % b"" + chunk(b"data: 1\n\n") + b"0\r\n\r\n")

    async with world() as w:
        await w.leader(streams)
        reader = await w.ask(b"GET /door HTTP/1.0\r\n\r\n")
        head = await read_head(reader)
        assert b"chunked" not in head
        assert b"connection: close" in head
        assert await asyncio.wait_for(reader.read(), 10) == b"data: 1\n\n"


@pytest.mark.parametrize(("path", "status"), [(b"/healthz", b"200"), (b"/readyz", b"503")])
async def test_what_a_gateway_says_of_itself(path: bytes, status: bytes) -> None:
    async with world() as w:
        w.standby.stopping = True
        head = await read_head(await w.ask(b"GET %b HTTP/1.1\r\nhost: h\r\n\r\n" % path))
        assert head.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(("promises", "status"), [(True, b"200"), (False, b"409")])
async def test_only_gateways_may_ask_for_a_promise(promises: bool, status: bytes) -> None:
    async with world() as w:
        w.promises = promises
        signed = b"POST %b HTTP/1.1\r\nhost: h\r\n%b: %b\r\ncontent-length: 0\r\n\r\n"
        head = await read_head(await w.ask(signed % (PROMISE, HOP, HOPS.sign(b"POST", PROMISE, ""))))
        assert head.startswith(b"HTTP/1.1 " + status)
        leader = await w.leader(says)
        await read_head(await w.ask(signed % (PROMISE, HOP, b"v1 - 00")))
        assert len(leader.requests) == 1  # an ordinary request of a stranger


async def test_a_forwarded_request_is_not_forwarded_again() -> None:
    async with world() as w:
        leader = await w.leader(says)
        signed = b"GET /door HTTP/1.1\r\nhost: h\r\n%b: %b\r\n\r\n" % (HOP, HOPS.sign(b"GET", b"/door", "10.0.0.1"))
        assert NOT_LEADING in await read_head(await w.ask(signed))
        assert not leader.requests


async def test_an_answer_whose_head_is_out_already_goes_on_without_another_one() -> None:
    async def streams(side: Side) -> None:
        side.writer.write(STREAM % b"" + chunk(b"data: 1\n\n") + b"0\r\n\r\n")

    async with world() as w:
        written: list[bytes] = []

        class Client(asyncio.Transport):
            def write(self, data: bytes | bytearray | memoryview) -> None:
                written.append(bytes(data))

            def is_closing(self) -> bool:
                return False

        def request() -> Request:
            fields = [(b"host", b"h"), (b"content-length", b"4")]
            return Request(fields, method=b"POST", target=b"/door", begun="text/event-stream")

        for script, wanted in ((streams, b"data: 1\n\n"), (says, b"data: last words of body\n\n")):
            await w.leader(script)
            done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            forward = w.forwarder.open(request(), Client(), done.set_result)
            forward.body(b"body")
            forward.body_end()
            await asyncio.wait_for(done, 10)
            assert b"".join(written) == chunk(wanted) + b"0\r\n\r\n"
            written.clear()
