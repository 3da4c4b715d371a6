"""Thousands of requests with every fault on both sides, at random: afterwards nothing is left of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import psutil
import pytest
import structlog

from potluck.gateway.relay.relay import Limits
from tests.gateway.wires import question, request
from tests.gateway.world import DONE, ROLE, STOP, WHOLE, Client, EngineSide, World, says_hi, text, until, world

SMALL = question(stream=False)
STREAMED = question(stream=True)
LARGE = question(stream=True, say="x" * 300_000)


class Chaos:
    """Clients and engines that do anything, as one seed says."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()

    # --- engines ---

    async def engine(self, side: EngineSide) -> None:
        """One answer, good three times out of four."""
        if self.random.random() < 0.75:
            await says_hi(side)
            return
        await self.random.choice(FAULTS)(self, side)

    async def _slow(self, side: EngineSide) -> None:
        side.stream()
        for piece in (ROLE, text("h"), text("i"), STOP, DONE):
            await self.moment()
            side.chunk(piece)
        side.end()

    async def _large(self, side: EngineSide) -> None:
        side.stream()
        side.chunk(ROLE)
        for _ in range(20):
            side.chunk(text("x" * 10_000))
            await side.writer.drain()
        side.chunk(STOP + DONE)
        side.end()

    async def _dies(self, side: EngineSide) -> None:
        await self.moment()
        side.writer.transport.abort()

    async def _closes(self, side: EngineSide) -> None:
        side.writer.close()

    async def _fails(self, side: EngineSide) -> None:
        side.reply(
            b'{"error":{"message":"x"}}', self.random.choice(["400 Bad", "404 Not Found", "500 Oops", "503 Busy"])
        )

    async def _garbage(self, side: EngineSide) -> None:
        side.writer.write(self.random.randbytes(50))

    async def _cut(self, side: EngineSide) -> None:
        answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(WHOLE), WHOLE)
        side.writer.write(answer[: self.random.randrange(len(answer))])
        await self.moment()
        side.writer.close()

    async def _breaks(self, side: EngineSide) -> None:
        side.stream()
        side.chunk(ROLE + text("h"))
        await self.moment()
        if self.random.random() < 0.5:
            side.chunk(b'data: {"error":{"message":"boom"}}\n\n')
        side.writer.close()

    async def _talks_on(self, side: EngineSide) -> None:
        await says_hi(side)
        if self.random.random() < 0.5:
            await self.moment()
        side.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")

    async def _hangs_up_after(self, side: EngineSide) -> None:
        await says_hi(side)
        side.writer.close()

    async def _silent(self, side: EngineSide) -> None:
        await side.gone()

    async def moment(self) -> None:
        """None, some turns of the loop, or some milliseconds."""
        kind = self.random.random()
        for _ in range(self.random.randrange(8) if kind < 0.9 else 0):
            await asyncio.sleep(0)
        if kind >= 0.9:
            await asyncio.sleep(self.random.random() * 0.004)

    # --- clients ---

    async def run(self, w: World, requests: int) -> None:
        """One client after another until so many requests are sent."""
        while self.done.total() < requests:
            client = Client(*await asyncio.open_connection("127.0.0.1", w.port))
            try:
                async with asyncio.timeout(0.3):  # for engines that are silent
                    while self.random.random() < 0.8 and not client.writer.transport.is_closing():
                        act = self.random.choice(ACTS)
                        self.done[act.__name__] += 1
                        await act(self, client)
            except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, ValueError, RuntimeError):
                pass  # closed on, cut off, refused: all as it may be
            finally:
                client.abort()

    async def _whole(self, client: Client) -> None:
        client.post(SMALL)
        await client.answer()

    async def _stream(self, client: Client) -> None:
        client.post(STREAMED)
        await client.answer()

    async def _upload(self, client: Client) -> None:
        client.post(b"x" * self.random.choice([0, 10, 100_000]), path="/hello")
        await client.answer()

    async def _bad(self, client: Client) -> None:
        match self.random.randrange(6):
            case 0:
                client.post(b"{")
            case 1:
                client.post(SMALL, key="pk-wrong")
            case 2:
                client.post(SMALL.replace(b'"m"', b'"nobody"'))
            case 3:
                client.send(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
            case 4:
                client.post(b"x" * 400_000)
            case _:
                client.send(self.random.randbytes(100))
        await client.answer()

    async def _expects(self, client: Client) -> None:
        client.post(b"", f"content-length: {len(SMALL)}", "expect: 100-continue")
        if (await client.head())[0] != 100:
            raise ConnectionError
        client.send(SMALL)
        await client.answer()

    async def _last(self, client: Client) -> None:
        client.send(request(self.random.choice([SMALL, STREAMED]), version=self.random.choice(["1.0", "1.1"])))
        await client.answer()

    async def _pipelined(self, client: Client) -> None:
        hello = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n"
        many = [self.random.choice([request(SMALL), request(STREAMED), hello]) for _ in range(4)]
        client.send(b"".join(many))
        self.done["pipelined"] += 3
        for _ in range(self.random.randrange(5)):
            await client.answer()

    async def _leaves(self, client: Client) -> None:
        """Somewhere in the request, or at some moment after it."""
        sent = request(self.random.choice([SMALL, STREAMED, LARGE]), chunks=self.random.choice([0, 0, 50_000]))
        client.send(sent[: self.random.choice([1, 20, 150, len(sent) - 3, len(sent), len(sent), len(sent)])])
        await self.moment()
        self._leave(client)

    async def _leaves_mid_stream(self, client: Client) -> None:
        client.post(STREAMED)
        await client.head()
        if self.random.random() < 0.5:
            await client.chunk()
        await self.moment()
        self._leave(client)

    async def _dribbles(self, client: Client) -> None:
        sent = request(SMALL)
        for start in range(0, len(sent), 40):
            client.send(sent[start : start + 40])
            await asyncio.sleep(0)
        await client.answer()

    async def _reads_slowly(self, client: Client) -> None:
        client.post(STREAMED)
        client.writer.transport.pause_reading()
        await self.moment()
        client.writer.transport.resume_reading()
        await client.answer()

    def _leave(self, client: Client) -> None:
        match self.random.randrange(3):
            case 0:
                client.abort()
            case 1:
                client.writer.close()
            case _:
                client.writer.write_eof()
        raise ConnectionError


FAULTS: list[Callable[[Chaos, EngineSide], Awaitable[None]]] = [
    Chaos._slow, Chaos._slow, Chaos._large, Chaos._dies, Chaos._closes, Chaos._fails, Chaos._garbage, Chaos._cut,
    Chaos._breaks, Chaos._talks_on, Chaos._hangs_up_after,
]  # fmt: skip
ACTS: list[Callable[[Chaos, Client], Awaitable[None]]] = [
    Chaos._whole, Chaos._whole, Chaos._stream, Chaos._stream, Chaos._upload, Chaos._bad, Chaos._expects, Chaos._last,
    Chaos._pipelined, Chaos._leaves, Chaos._leaves, Chaos._leaves_mid_stream, Chaos._dribbles, Chaos._reads_slowly,
]  # fmt: skip


def measured() -> tuple[int, int]:
    """Blocks of memory that Python holds, and open files of this process."""
    gc.collect()
    return sys.getallocatedblocks(), psutil.Process().num_fds()


async def at_rest(w: World, tasks: int) -> None:
    """Wait until all has ended that should; whatever has not is a leak."""
    await until(w.nothing_is_held)
    w.skip(100)
    w.skip(100)
    await until(lambda: not w.relay.connections)
    await until(w.nothing_is_held)  # what a client that left had asked for in its last moment
    w.skip(100)
    await until(lambda: not w.relay.asgi.state.tasks and not w.relay.asgi.state.connections)
    await until(lambda: not any(engine.open for engine in w.engines))
    await until(lambda: len(asyncio.all_tasks()) == tasks)
    await w.records()
    w.log.records.clear()
    for engine in w.engines:
        engine.requests.clear()
        engine.writers.clear()


async def soak(requests: int, *, seed: int, clients: int = 24) -> None:
    """So many requests; the first fifth fills caches, after it neither memory nor anything else may grow."""
    chaos = Chaos(seed)
    async with world(*[chaos.engine] * 3, slots=3, depth=10, limits=Limits(max_body=350_000)) as w:
        tasks = len(asyncio.all_tasks())
        figures: list[tuple[int, int]] = []
        for share in (0.3, 1.0):
            crowd = [chaos.run(w, int(requests * share)) for _ in range(clients)]
            await asyncio.gather(*crowd)
            await at_rest(w, tasks)
            figures.append(measured())
        (blocks_before, files_before), (blocks_after, files_after) = figures
        assert files_after <= files_before
        # A leak of one object per twenty requests would show.
        assert blocks_after - blocks_before < 300 + requests * 0.03, figures
        assert len(chaos.done) >= len(set(ACTS))
        client = await w.connect()
        for engine in w.engines:
            engine.script = says_hi
        client.post(SMALL)  # and it still works
        assert (await client.answer())[2] == WHOLE


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No log: what pytest keeps of it would be a leak."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
    logging.disable(logging.NOTSET)


async def test_thousands_of_requests_with_every_fault_leave_nothing_behind() -> None:
    await soak(5000, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_tens_of_thousands_of_requests_with_every_fault_leave_nothing_behind() -> None:
    """Fifty thousand on the loop that the service runs on; the other one only has to bear the same faults."""
    usual = type(asyncio.get_running_loop()).__module__.startswith("uvloop")
    await soak(50_000 if usual else 10_000, seed=2)
