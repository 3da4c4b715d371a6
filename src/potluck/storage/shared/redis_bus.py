"""Word between gateways by Redis' publish and subscribe (https://redis.io/docs/latest/develop/pubsub/)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, cast

import msgspec
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from potluck.core.circuit import Circuit
from potluck.storage.records import Heard, Topic
from potluck.storage.shared.redis_server import ANSWERS_WITHIN_S, GuardedRedis, cancellable
from potluck.storage.shared.subscribers import Subscribers
from potluck.storage.shared_ports import Subscription

_CHANNEL = "potluck:bus"
# Words that wait to be sent; beyond that the oldest are dropped, and others find out when they look.
_MOST_WAITING = 4096
# A connection that was silent for so long is asked whether it is still one.
_SILENT_S = 5.0


class _Word(msgspec.Struct, frozen=True, array_like=True):
    """As it goes over the wire: a JSON list. ``origin`` is the gateway that said it."""

    origin: str
    topic: str
    what: str


_decoder = msgspec.json.Decoder(_Word)
_KNOWN = {topic.value: topic for topic in Topic}


class RedisBus:
    """See `storage.shared_ports.Bus`. ``origin`` is this gateway's own id, ``clock`` monotonic seconds."""

    def __init__(self, client: GuardedRedis, origin: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._origin = origin
        self._clock = clock
        self._subscribers = Subscribers()
        self._waiting: dict[Heard, None] = {}
        self._woken = asyncio.Event()

    def publish(self, topic: Topic, what: str = "") -> None:
        heard = Heard(topic, what)
        self._subscribers.tell(heard)
        if len(self._waiting) >= _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[heard] = None
        self._woken.set()

    def listen(self, *topics: Topic) -> AbstractContextManager[Subscription]:
        return self._subscribers.listen(*topics)

    async def relaying(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sending())
            tasks.create_task(self._hearing())

    # --- out ---

    async def _sending(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                heard = next(iter(self._waiting))
                del self._waiting[heard]
                word = _Word(self._origin, heard.topic, heard.what)
                # Who is not told now looks at everything when the server is back: its own listening broke as well.
                with suppress(RedisError, OSError):
                    await self._client.publish(_CHANNEL, msgspec.json.encode(word))

    # --- in ---

    async def _hearing(self) -> None:
        """Listen; where that breaks, try again with growing pauses."""
        circuit = Circuit()
        while True:
            pubsub = self._client.pubsub()
            close = cast("Callable[[], Awaitable[None]]", pubsub.aclose)
            try:
                await cancellable(pubsub.subscribe(_CHANNEL))
                await self._hear(pubsub, circuit)
            except (RedisError, OSError) as error:
                self._client.failed(error)
                circuit.failed(self._clock())
            finally:
                with suppress(RedisError, OSError):
                    await close()
            await asyncio.sleep(max(0.0, circuit.not_before_s - self._clock()))
            circuit.left()

    async def _hear(self, pubsub: PubSub, circuit: Circuit) -> None:
        silent = 0
        while True:
            wait_s = ANSWERS_WITHIN_S if silent else _SILENT_S
            told = await cancellable(cast("Awaitable[Any]", pubsub.get_message(timeout=wait_s)))
            if told is None:
                if silent:
                    raise TimeoutError("it has fallen silent")
                silent += 1
                await cancellable(pubsub.ping())
                continue
            silent = 0
            # The client subscribes again by itself where its connection was cut: then words may have been missed.
            if told["type"] == "subscribe":
                circuit.answered()
                self._client.answered()
                self._subscribers.missed()
            elif told["type"] == "message":
                self._tell(told["data"])

    def _tell(self, data: str) -> None:
        try:
            word = _decoder.decode(data)
        except msgspec.MsgspecError:  # somebody else writes to our channel
            return
        topic = _KNOWN.get(word.topic)  # a newer gateway may have more
        if topic is not None and word.origin != self._origin:
            self._subscribers.tell(Heard(topic, word.what))
