"""Who types on wants no answer to what stood there before: of an editor's requests only the newest is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from potluck.core.errors import Superseded
from potluck.core.model import UserId

T = TypeVar("T")


class Newest:
    """The work under way for each editor of each user."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[UserId, str], asyncio.Task[Any]] = {}

    async def run(self, user: UserId, editor: str, work: Coroutine[Any, Any, T]) -> T:
        """What comes of ``work``. Raises `Superseded` as soon as newer work of the same editor has come.

        Without an editor it is nobody's, and not cancelled.
        """
        if not editor:
            return await work
        who = user, editor
        # The older one is told first, so that the slot it leaves is free when the newer one looks for one.
        if older := self._under_way.get(who):
            older.cancel()
        own: asyncio.Task[T] = asyncio.get_running_loop().create_task(work, name=f"newest of {editor}")
        self._under_way[who] = own
        try:
            await asyncio.wait((own,))
        finally:
            if self._under_way.get(who) is own:
                del self._under_way[who]
            if not own.done():  # it is us who were cancelled: the client has left
                own.cancel()
                await asyncio.wait((own,))
        if own.cancelled():
            raise Superseded("A newer request of the same editor took this one's place.")
        return own.result()
