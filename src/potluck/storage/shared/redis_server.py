"""One Redis, 6 or later: how it is reached, and how it is that it is not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout

from potluck.core.circuit import MOST_S, Circuit
from potluck.core.errors import OperatorError, StorageAway

log = structlog.get_logger(__name__)

# A server on the same network answers in a millisecond; whoever waits for an answer has a caller of its own.
ANSWERS_WITHIN_S = 2.0
# A server that lost its power leaves connections that look open: the kernel finds out after half a minute. Not every
# system knows all of these.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
}
_LOOK = "See whether it runs and can be reached from here; it is tried again by itself."

T = TypeVar("T")
C = TypeVar("C", bound=Redis)

AWAY = (RedisConnectionError, RedisTimeout, OSError)
"""What is raised where no answer came; every other `RedisError` is one."""


class GuardedRedis(Redis):
    """A client that asks a server which does not answer no more often than its circuit says: everybody else is told at
    once, with the same error."""

    circuit: Circuit
    clock: Callable[[], float]
    trouble: str = ""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        ask = cast("Callable[..., Awaitable[Any]]", super().execute_command)
        if not self.circuit.admits(self.clock()):
            raise RedisConnectionError(self.trouble)
        try:
            answer = await cancellable(ask(*args, **options))
        except AWAY as error:
            self.failed(error)
            raise
        except RedisError:
            self.answered()
            raise
        except BaseException:
            self.circuit.left()
            raise
        self.answered()
        return answer

    def failed(self, error: Exception) -> None:
        """No answer came."""
        self.circuit.failed(self.clock())
        if not self.trouble:
            log.warning("Redis is away: what it does is done without it", why=str(error) or "it does not answer")
        self.trouble = words_of(error)

    def answered(self) -> None:
        """One came."""
        self.circuit.answered()
        if self.trouble:
            self.trouble = ""
            log.info("Redis is back")


async def cancellable(work: Awaitable[T]) -> T:
    """``work`` that ends when its task is cancelled. The client sends with `asyncio.wait_for`, which before Python 3.12
    loses a cancellation that comes in the moment in which it is done (python/cpython#86296)."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    result = await work
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return result


@asynccontextmanager
async def open_redis(url: str, *, clock: Callable[[], float]) -> AsyncGenerator[GuardedRedis, None]:
    """A client of the server at ``url`` (``redis://``, ``rediss://``, ``unix://``). Nothing is connected yet.

    ``clock`` is monotonic seconds. Raises `OperatorError` for a URL that is not understood.
    """
    client = _client(GuardedRedis, url)
    client.circuit, client.clock = Circuit(), clock
    try:
        yield client
    finally:
        await client.aclose()


async def look_at_redis(url: str) -> str:
    """The version of the server at ``url``. Raises `OperatorError` if it cannot be used."""
    client = _client(Redis, url)
    try:
        told: Any = await client.info("server")
    except (RedisError, OSError) as error:
        raise redis_away(error) from error
    finally:
        await client.aclose()
    return str(told.get("redis_version", "unknown"))


def _client(kind: type[C], url: str) -> C:
    tcp: dict[str, Any] = {"socket_keepalive": True, "socket_keepalive_options": _KEEPALIVE}
    try:
        return cast(
            "C",
            kind.from_url(
                url,
                decode_responses=True,
                socket_timeout=ANSWERS_WITHIN_S,
                socket_connect_timeout=ANSWERS_WITHIN_S,
                # A server that was only started again is met without an error; more is the circuit's business.
                retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
                client_name="potluck",
                protocol=2,  # answers of one shape, whatever version the client is
                **({} if url.startswith("unix:") else tcp),
            ),
        )
    except ValueError as error:  # its text may repeat the URL, password and all
        raise OperatorError(
            "The URL of Redis is not understood.", hint="It looks like redis://:PASSWORD@HOST:6379/0."
        ) from error


def words_of(error: Exception) -> str:
    """What is wrong, in an owner's words and without an address."""
    if isinstance(error, AuthenticationError):
        return "Redis does not accept the user or the password."
    return "Redis does not answer." if isinstance(error, AWAY) else "Redis refuses what it is asked."


def redis_away(error: Exception) -> StorageAway:
    """What to raise for ``error``."""
    hint = "Mend them in storage.redis." if isinstance(error, AuthenticationError) else _LOOK
    return StorageAway(words_of(error), retry_after_s=MOST_S, hint=hint, detail=str(error))
