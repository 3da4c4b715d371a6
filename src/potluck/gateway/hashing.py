"""Passwords hashed with Argon2id, in threads of their own: two at once, however many want to come in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from potluck.core.errors import Overloaded
from potluck.core.passwords import Cost

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

# Each takes 64 MB and most of a second on a small machine, and calls need the processors too.
_AT_ONCE = 2
# Who waits behind so many others would not wait any longer.
_WAITING = 32
_RETRY_S = 5.0
_SALT_BYTES = 16
_HASH_BYTES = 32


class Hashing:
    """Makes and compares hashes. ``cost`` is what a new one takes; old ones say theirs in their text."""

    def __init__(self, cost: Cost, *, waiting: int = _WAITING) -> None:
        self._cost = cost
        self._most = _AT_ONCE + waiting
        self._asked = 0
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._hasher: PasswordHasher | None = None

    async def hash(self, password: str) -> str:
        """Raises `Overloaded` if too many wait, as `matches` does."""
        return await self._run(lambda: self._argon2().hash(password))

    async def matches(self, hash_: str | None, password: str) -> bool:
        """Whether a password is the one that was hashed. None is nobody's, and takes as long as any other."""
        return await self._run(lambda: self._compared(hash_ or self._nobodys(), password))

    async def outdated(self, hash_: str) -> bool:
        """Whether a hash was made with other parameters than a new one would be."""
        return await self._run(lambda: self._argon2().check_needs_rehash(hash_))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._asked >= self._most:
            raise Overloaded("Too many want to sign in at this moment.", retry_after_s=_RETRY_S)
        self._asked += 1
        # A caller that leaves takes its place in line along; what has begun goes on, and counts until it has ended.
        future = self._threads.submit(work)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _tell(loop, self._done))
        return await asyncio.wrap_future(future)

    def _done(self) -> None:
        self._asked -= 1

    def _argon2(self) -> PasswordHasher:
        if self._hasher is None:
            from argon2 import PasswordHasher  # noqa: PLC0415 - 40 ms that only the first password pays

            self._hasher = PasswordHasher(
                self._cost.passes,
                self._cost.memory_kib,
                self._cost.lanes,
                hash_len=_HASH_BYTES,
                salt_len=_SALT_BYTES,
            )
        return self._hasher

    def _compared(self, hash_: str, password: str) -> bool:
        hasher = self._argon2()
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - loaded by now

        try:
            return hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False

    def _nobodys(self) -> str:
        """A hash that no password has, in Argon2's form."""
        salt, value = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES))
        passes, memory_kib, lanes = self._cost
        return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${value}"


def _tell(loop: asyncio.AbstractEventLoop, done: Callable[[], None]) -> None:
    """From the thread, or from the loop where it was cancelled; a loop that is closed counts no more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(done)
